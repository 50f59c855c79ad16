"""The steps of a run, compared as text."""

from __future__ import annotations

from pathlib import Path

from boathook.library import plan
from boathook.report.steps import steps_of

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_steps_of_a_pod_with_a_pre_stop_hook() -> None:
    steps = steps_of(plan(EXAMPLES / "pods/prestop/pod.yaml", assume=["preStop:prestop-container=10s"]))

    assert steps == {
        "prestop-container": [
            "created as uid 1000",
            "started",
            "stop requested",
            "preStop: sh -c \"echo 'PreStop Hook Executed' > /data/prestop_hook_executed; sleep 10\"",
            "preStop succeeded",
            "SIGTERM",
            "exited",
            "removed",
        ]
    }


def test_assumed_times_change_no_step() -> None:
    path = EXAMPLES / "compose/pre-stop"

    assert steps_of(plan(path, assume=["pre_stop:app=9s"])) == steps_of(plan(path))


def test_a_release_has_its_phases_and_hooks_as_steps() -> None:
    steps = steps_of(plan(EXAMPLES / "helm/post-install-job", values=["sleepyTime=3"]))

    assert steps["release-name"] == [
        "pending-install",
        "post-install release-name: Job default/release-name",
        "post-install release-name succeeded",
        "deployed",
    ]
    assert steps["post-install-job"] == ["created as root", "started", "exited", "stop requested", "removed"]


def test_a_volume_is_copied_between_the_hooks_of_the_container_that_uses_it() -> None:
    steps = steps_of(plan(EXAMPLES / "backup/fsfreeze/pod-stand-in.yaml"))

    (container,) = [name for name in steps if name != "pod-stand-in"]
    told = [step.partition(":")[0] for step in steps[container] if "hook" in step or "cop" in step]
    assert told == [
        "pre hook",
        "pre hook succeeded",
        "copying data",
        "copied data",
        "post hook",
        "post hook succeeded",
    ]
