"""Each kind of handler: what it asks of its target, and what its end means."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import anyio
import pytest

from boathook.clock import LoopClock
from boathook.events import EventStream
from boathook.hooks import Completion, Deadline, OnDeadline, run_hook
from boathook.hooks.handlers import Ran, ran
from boathook.model import Exec, HookResult, Manifest, Outcome, Stream
from boathook.runtimes.base import ExecSpec, Exit, OutputSink
from tests.hooks.build import TARGET, FakeExecution, FakeTarget, a_hook, a_manifest, simulated


@dataclass(slots=True)
class FakeCluster:
    """Something that can apply: it completes after ``seconds``."""

    completes: Completion
    seconds: float = 0.0
    applied: list[Manifest] = field(default_factory=list)

    async def apply(self, manifest: Manifest) -> None:
        self.applied.append(manifest)

    async def completion(self, manifest: Manifest, output: OutputSink) -> Completion:
        output(Stream.STDOUT, b"migrating\n")
        await anyio.sleep(self.seconds)
        return self.completes


def applied(cluster: FakeCluster, *, seconds: float = 60) -> HookResult:
    async def act(events: EventStream) -> HookResult:
        deadline = Deadline(after=timedelta(seconds=seconds), then=OnDeadline.KILL)
        return await run_hook(
            a_hook(a_manifest()), TARGET, cluster, deadline=deadline, events=events, clock=LoopClock()
        )

    return simulated(act)[0]


def test_a_manifest_succeeds_when_its_object_completes_and_keeps_what_its_pods_wrote() -> None:
    cluster = FakeCluster(Completion(ok=True, message=""))

    result = applied(cluster)

    assert result.succeeded
    assert result.stdout is not None
    assert result.stdout.text == "migrating\n"
    assert cluster.applied == [a_manifest()]


def test_a_manifest_whose_object_fails_says_why() -> None:
    result = applied(FakeCluster(Completion(ok=False, message="job failed: BackoffLimitExceeded")))

    assert (result.outcome, result.reason) == (Outcome.FAILED, "job failed: BackoffLimitExceeded")


def test_at_its_deadline_a_manifest_is_only_no_longer_waited_for() -> None:
    result = applied(FakeCluster(Completion(ok=True, message=""), seconds=9), seconds=2)

    assert (result.outcome, result.reason) == (Outcome.TIMED_OUT, "timed out after 2s")


def test_exec_hands_on_exactly_what_its_file_says() -> None:
    asked: list[ExecSpec] = []

    class Asked(FakeTarget):
        async def exec(self, spec: ExecSpec, output: OutputSink) -> FakeExecution:
            asked.append(spec)
            return FakeExecution(0, Exit(code=0, signal=None), None)

    handler = Exec(
        command=("sh", "-c", "id"), user="0", privileged=True, working_dir="/tmp", environment=(("A", "1"), ("B", None))
    )

    async def act(events: EventStream) -> HookResult:
        return await run_hook(a_hook(handler), TARGET, Asked(), deadline=None, events=events, clock=LoopClock())

    simulated(act)

    assert asked == [
        ExecSpec(
            command=("sh", "-c", "id"),
            user="0",
            privileged=True,
            working_dir="/tmp",
            environment=(("A", "1"), ("B", None)),
            label="pre_stop:app",
        )
    ]


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (Exit(code=0, signal=None), Ran(outcome=Outcome.SUCCEEDED, exit_code=0)),
        (
            Exit(code=7, signal=None),
            Ran(outcome=Outcome.FAILED, exit_code=7, reason="exited with code 7"),
        ),
        (
            Exit(code=143, signal=15),
            Ran(outcome=Outcome.FAILED, exit_code=143, signal=15, reason="killed by SIGTERM"),
        ),
        (
            Exit(code=128 + 40, signal=40),
            Ran(outcome=Outcome.FAILED, exit_code=168, signal=40, reason="killed by signal 40"),
        ),
        (
            Exit(code=None, signal=None),
            Ran(outcome=Outcome.UNKNOWN, reason="the connection broke before a status came"),
        ),
    ],
)
def test_only_code_0_is_success_and_an_unseen_end_is_unknown(ended: Exit, expected: Ran) -> None:
    assert ran(ended) == expected
