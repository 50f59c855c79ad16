"""A run reads as a timeline: one heading, one line per event, each hook with command, user, output and budget."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from inline_snapshot import snapshot

from boathook import events as e
from boathook.model import (
    Exec,
    Finding,
    Hook,
    HookPoint,
    HookResult,
    OnFailure,
    Outcome,
    Output,
    SeenBy,
    Severity,
    Source,
    Target,
)
from boathook.report.terminal import LiveTimeline
from boathook.report.timeline import Timeline, render_timeline

WALL = datetime(2026, 1, 1, tzinfo=UTC)
CONTAINER = Target(kind="container", scope="default/prestop-pod", name="prestop-container", instance="u/0")
NOWHERE = Source(file="", line=None, column=None, path="")


def a_hook(*, command: tuple[str, ...] = ("sh", "-c", "echo 'done' > /data/x; sleep 10")) -> Hook:
    return Hook(
        point=HookPoint.PRE_STOP,
        name="preStop",
        handler=Exec(command=command, user=None, privileged=False, working_dir=None, environment=()),
        timeout=None,
        on_failure=OnFailure.CONTINUE,
        source=NOWHERE,
    )


def a_result(*, stdout: str = "", outcome: Outcome = Outcome.SUCCEEDED, reason: str | None = None) -> HookResult:
    return HookResult(
        hook=a_hook(),
        target=CONTAINER,
        outcome=outcome,
        exit_code=0 if outcome is Outcome.SUCCEEDED else None,
        signal=None,
        stdout=Output(text=stdout, total_bytes=len(stdout), omitted_bytes=0),
        stderr=Output(text="", total_bytes=0, omitted_bytes=0),
        started=WALL,
        duration=timedelta(seconds=10.01),
        budget_left=timedelta(seconds=50),
        reason=reason,
        seen_by=SeenBy.RUN,
    )


def stamped(*timed: tuple[float, e.Event]) -> list[e.Stamped]:
    return [e.Stamped(sequence=number, at=at, wall=WALL, event=event) for number, (at, event) in enumerate(timed, 1)]


def a_life(result: HookResult) -> list[e.Stamped]:
    return stamped(
        (0.0, e.RunStarted(title="prestop-pod", command="pod run", place="local/bwrap", facts=("grace 60s",))),
        (
            0.0,
            e.ContainerCreated(
                target=CONTAINER,
                image="registry.k8s.io/e2e-test-images/agnhost:2.53",
                stand_in=True,
                command=("/agnhost", "pause"),
                user="1000:1000",
            ),
        ),
        (0.007, e.ContainerStarted(target=CONTAINER)),
        (2.0, e.StopRequested(target=CONTAINER, grace=timedelta(seconds=60), cause="deleted")),
        (2.001, e.HookStarted(target=CONTAINER, hook=a_hook(), budget=timedelta(seconds=60))),
        (12.015, e.HookFinished(result=result)),
        (12.016, e.SignalSent(target=CONTAINER, signal="SIGTERM", left=timedelta(seconds=50))),
        (
            12.02,
            e.ContainerExited(target=CONTAINER, exit_code=2, signal=None, explanation="pause answers SIGTERM with 2"),
        ),
    )


def test_a_pod_life_reads_as_one_line_per_event() -> None:
    assert render_timeline(a_life(a_result())) == snapshot(
        """\
prestop-pod  local/bwrap  grace 60s
  0.000  prestop-container   created, agnhost (stand-in) /agnhost pause, uid 1000
  0.007  prestop-container   running
  2.000  stop requested (deleted, grace 60s)
  2.001  preStop             sh -c "echo 'done' > /data/x; sleep 10"  [uid 1000]
 12.015  preStop             exit 0 after 10.0s, 50s of grace left
 12.016  prestop-container   SIGTERM, 50s left
 12.020  prestop-container   exited 2 (pause answers SIGTERM with 2)
"""
    )


def test_output_stands_under_its_hook_and_long_output_is_cut_with_a_hint() -> None:
    text = render_timeline(a_life(a_result(stdout="".join(f"line {n}\n" for n in range(20)))))

    assert "| line 0\n" in text
    assert "line 19" not in text
    assert "8 more lines, see boathook show" in text


def test_a_hook_that_timed_out_says_why() -> None:
    text = render_timeline(a_life(a_result(outcome=Outcome.TIMED_OUT, reason="still running at its deadline")))

    assert "timed out after 10.0s: still running at its deadline" in text


def test_the_same_finding_is_shown_once() -> None:
    finding = Finding(id="x.y", severity=Severity.WARNING, source=NOWHERE, message="not enforced", remedy=None)

    text = render_timeline(stamped((0.0, e.Noted(finding=finding)), (0.1, e.Noted(finding=finding))))

    assert text.count("not enforced") == 1


def test_an_image_that_its_registry_did_not_give_is_told_once_with_the_reason() -> None:
    stood_in = e.ImageResolved(reference="busybox", origin="stand-in", stand_in=True, note="registry cannot be reached")
    imported = e.ImageResolved(reference="app", origin="local store", stand_in=False, note="registry has no tag")
    plain = e.ImageResolved(reference="other", origin="pulled", stand_in=False)

    assert render_timeline(stamped((0.1, stood_in), (0.2, stood_in), (0.3, imported), (0.4, plain))) == snapshot("""\
  0.100  note                image "busybox" is a stand-in: registry cannot be reached
  0.300  note                image "app" comes from the local store: registry has no tag
""")


def test_containers_of_several_pods_are_told_with_their_pods() -> None:
    other = Target(kind="container", scope="default/b", name="prestop-container", instance="v/0")
    life = a_life(a_result())
    heading = e.RunStarted(title="prestop-pod, b", command="pod run", place="local/bwrap", facts=())
    told = render_timeline([*stamped((0.0, heading)), *life[1:4], *stamped((3.0, e.ContainerStarted(target=other)))])

    assert [line[9:] for line in told.splitlines()[1:]] == [
        "prestop-pod/prestop-container created, agnhost (stand-in) /agnhost pause, uid 1000",
        "prestop-pod/prestop-container running",
        "prestop-pod/prestop-container stop requested (deleted, grace 60s)",
        "b/prestop-container running",
    ]


def test_hooks_of_a_pod_whose_containers_were_created_before_are_told_with_their_containers() -> None:
    timeline = Timeline(several_containers=True)
    (line,) = timeline.lines(*stamped((2.0, e.HookStarted(target=CONTAINER, hook=a_hook(), budget=None))))

    assert line.split()[1:3] == ["prestop-container", "preStop"]


def test_hooks_of_a_project_whose_containers_were_created_before_are_told_with_their_containers() -> None:
    heading = e.RunStarted(title="shop", command="compose down", place="docker", facts=("down",))
    hook = e.HookStarted(target=CONTAINER, hook=a_hook(), budget=None)

    told = render_timeline(stamped((0.0, heading), (1.0, hook)))

    assert "prestop-container preStop" in told


def test_a_hook_that_is_run_alone_has_a_limit_and_no_grace() -> None:
    heading = e.RunStarted(title="prestop-pod/c.preStop", command="hook run", place="local/bwrap", facts=())
    result = a_result(outcome=Outcome.TIMED_OUT, reason="timed out after 50s")

    assert "grace" not in render_timeline(stamped((0.0, heading), (1.0, e.HookFinished(result=result))))


def test_a_pipe_that_nobody_reads_any_more_ends_the_telling_and_nothing_else() -> None:
    read, write = os.pipe()
    os.close(read)
    stream = open(write, "w", encoding="utf-8")  # noqa: SIM115  closing it fails
    timeline = LiveTimeline(stream)
    for one in a_life(a_result()):
        timeline(one)
    with pytest.raises(BrokenPipeError):
        stream.close()
