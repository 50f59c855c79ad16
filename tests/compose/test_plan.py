"""What ``plan`` says of a project: the same code as the run, in simulation."""

from __future__ import annotations

from pathlib import Path

from boathook.compose.plan import plan_project
from boathook.report.timeline import render_timeline
from boathook.runtimes.assumptions import Assumptions
from tests.compose.build import EXAMPLES, a_project


def test_the_plan_of_the_pre_stop_example() -> None:
    project = a_project((EXAMPLES / "pre-stop/compose.yaml").read_text())

    plan = render_timeline(plan_project(project, Assumptions.parse(("preStop:app=3s",))))

    assert (
        plan
        == """\
demo  simulated
  0.000  demo_data           created
  0.000  demo_default        created
  0.000  app-1               created, backend, root
  0.000  app-1               running
  0.000  app-1               Started
  0.000  stop requested (down, grace 10s)
  0.000  pre_stop[0]         cp /data/app.db /data/app.db.bak  [root]
  3.000  pre_stop[0]         exit 0 after 3.0s
  3.000  app-1               SIGTERM, 10s left
  3.000  app-1               exited 143
  3.000  app-1               Stopped
  3.000  demo_default        deleted (down)
"""
    )


def test_a_service_that_is_assumed_to_end_by_itself_has_no_pre_stop() -> None:
    project = a_project((EXAMPLES / "pre-stop/compose.yaml").read_text())

    plan = render_timeline(plan_project(project, Assumptions.parse(("run:app=5s",))))

    assert "exited 0" in plan
    assert "pre_stop" not in plan


def test_the_plan_touches_nothing_of_the_machine(tmp_path: Path) -> None:
    project = a_project(f"services: {{app: {{image: a, volumes: ['{tmp_path}/missing:/x']}}}}")

    plan_project(project, Assumptions())

    assert not (tmp_path / "missing").exists()
