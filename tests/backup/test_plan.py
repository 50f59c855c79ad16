"""What a backup would do: the same steps as the backup itself, in no time."""

from __future__ import annotations

from datetime import timedelta

from boathook.backup import plan_backup
from boathook.durations import format_go_duration
from boathook.events import HookFinished, HookStarted, PhaseChanged, RunFinished, RunStarted, Stamped, VolumeCopied
from boathook.runtimes.assumptions import Assumptions
from tests.backup.build import a_claim, a_pod, a_spec, hooks


def steps(stamped: tuple[Stamped, ...]) -> list[str]:
    begun = next(one.at for one in stamped if isinstance(one.event, RunStarted))
    told = []
    for one in stamped:
        at = format_go_duration(timedelta(seconds=one.at - begun))
        match one.event:
            case HookStarted(target=target, hook=hook):
                told.append(f"{at} {hook.name} of {target.name}")
            case HookFinished(result=result):
                told.append(f"{at} {result.outcome}")
            case VolumeCopied(volume=volume):
                told.append(f"{at} {volume} copied")
            case PhaseChanged(target=target, phase=phase) if target.kind == "backup":
                told.append(f"{at} {phase}")
            case RunFinished(message=message):
                told.append(message)
            case _:
                pass
    return told


def test_a_plan_shows_hooks_and_copies_in_their_order_with_the_assumed_times() -> None:
    pod = a_pod(annotations=hooks(), claim="shared")

    # The claim comes last: what pods need is made before them.
    planned = plan_backup((pod, a_claim()), a_spec(), Assumptions.parse(("pre_backup:db=2s", "copy:db-data=40s")))

    assert steps(planned)[:7] == [
        "0s InProgress",
        "0s pre hook of db",
        "2s succeeded",
        "42s db-data copied",
        "42s post hook of db",
        "42s succeeded",
        "42s Completed",
    ]


def test_a_hook_that_would_take_longer_than_its_timeout_is_seen_to_time_out() -> None:
    planned = plan_backup((a_pod(annotations=hooks()),), a_spec(), Assumptions.parse(("pre_backup:db=40s",)))

    assert "30s timed_out" in steps(planned)
    assert "30s PartiallyFailed" in steps(planned)


def test_a_plan_is_the_same_each_time() -> None:
    first, second = (plan_backup((a_pod(annotations=hooks()),), a_spec(), Assumptions(())) for _ in range(2))

    assert first == second
