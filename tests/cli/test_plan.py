"""``boathook plan`` shows a timeline and says what it took for granted."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from boathook.cli.main import main
from boathook.home import Home

POD = Path(__file__).parent.parent.parent / "examples/pods/prestop/pod.yaml"


def test_an_assumed_hook_takes_its_time_out_of_the_grace_period(home: Home) -> None:
    shown = CliRunner().invoke(main, ["plan", str(POD), "--assume", "preStop:prestop-container=40s"])

    assert shown.exit_code == 0
    assert "exit 0 after 40.0s, 20s of grace left" in shown.output
    assert "assumed: every hook succeeds" in shown.output


def test_what_was_not_assumed_and_what_was_assumed_in_vain_is_said(home: Home) -> None:
    shown = CliRunner().invoke(main, ["plan", str(POD), "--assume", "preStop:other=1s"])

    assert "assumed: pre_stop:prestop-container=0s" in shown.output
    assert "not used: pre_stop:other" in shown.output


def test_a_plan_as_json_is_a_list_of_events(home: Home) -> None:
    shown = CliRunner().invoke(main, ["plan", str(POD), "-o", "json"])

    assert {"HookStarted", "HookFinished"} <= {one["event"]["type"] for one in json.loads(shown.stdout)}


def test_a_wrong_assumption_is_refused_with_an_example(home: Home) -> None:
    shown = CliRunner().invoke(main, ["plan", str(POD), "--assume", "nonsense"])

    assert shown.exit_code == 2
    assert "expected POINT:NAME=DURATION" in shown.output


def test_nothing_is_started(home: Home) -> None:
    CliRunner().invoke(main, ["plan", str(POD)])

    assert not home.containers.exists()
