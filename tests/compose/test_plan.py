"""What ``plan`` says of a project: the same code as the run, in simulation."""

from __future__ import annotations

from pathlib import Path

from boathook.compose.plan import plan_project
from boathook.report.timeline import render_timeline
from boathook.runtimes.assumptions import Assumptions
from tests.compose.build import a_project

EXAMPLES = Path(__file__).parents[2] / "examples" / "compose"


def test_the_plan_of_the_pre_stop_example() -> None:
    project = a_project((EXAMPLES / "pre-stop/compose.yaml").read_text())

    plan = render_timeline(plan_project(project, Assumptions.parse(("preStop:app=3s",))))

    assert [line[:7].strip() for line in plan.splitlines()[-5:]] == ["0.000", "3.000", "3.000", "3.000", ""]
    assert "cp /data/app.db /data/app.db.bak" in plan
    assert plan.index("exit 0 after 3.0s") < plan.index("SIGTERM")


def test_a_service_that_is_assumed_to_end_by_itself_has_no_pre_stop() -> None:
    project = a_project((EXAMPLES / "pre-stop/compose.yaml").read_text())

    plan = render_timeline(plan_project(project, Assumptions.parse(("run:app=5s",))))

    assert "exited 0" in plan
    assert "pre_stop" not in plan


def test_the_plan_touches_nothing_of_the_machine(tmp_path: Path) -> None:
    project = a_project(f"services: {{app: {{image: a, volumes: ['{tmp_path}/missing:/x']}}}}")

    plan_project(project, Assumptions())

    assert not (tmp_path / "missing").exists()
