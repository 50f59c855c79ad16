"""Which dialect a path speaks is told from what stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from boathook.errors import ManifestError, UsageError
from boathook.events import PhaseChanged, RunStarted, Stamped
from boathook.planning import find_planner
from boathook.runtimes.assumptions import Assumptions

EXAMPLES = Path(__file__).parent.parent / "examples"


def planned(path: Path) -> tuple[Stamped, ...]:
    return find_planner(path, ())(Assumptions())


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("pods/prestop/pod.yaml", "prestop-pod"),
        ("compose/pre-stop/compose.yaml", "pre-stop"),
        ("compose/post-start", "post-start"),
        ("helm/post-install-job", "install release-name"),
        ("backup/fsfreeze/pod-stand-in.yaml", "pod-stand-in"),
    ],
)
def test_each_documented_example_is_planned(path: str, title: str) -> None:
    started = [one.event for one in planned(EXAMPLES / path) if isinstance(one.event, RunStarted)]

    assert title in [event.title for event in started]


def test_the_backup_of_a_plan_completes() -> None:
    phases = [
        one.event.phase
        for one in planned(EXAMPLES / "backup/fsfreeze/pod-stand-in.yaml")
        if isinstance(one.event, PhaseChanged) and one.event.target.kind == "backup"
    ]

    assert phases[-1] == "Completed"


def test_a_directory_with_neither_chart_nor_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither a Chart\.yaml nor a Compose file"):
        find_planner(tmp_path, ())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*nothing\.yaml.*: No such file"):
        find_planner(tmp_path / "nothing.yaml", ())


def test_values_are_for_charts_only() -> None:
    with pytest.raises(UsageError, match="--set is for charts"):
        find_planner(EXAMPLES / "pods/prestop/pod.yaml", ("a=b",))


def test_what_is_no_yaml_is_refused_with_its_position(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: [1\n")

    with pytest.raises(ManifestError, match=r"x\.yaml:1:6: not valid YAML"):
        find_planner(path, ())
