"""One hook run alone, against a container that runs already."""

from __future__ import annotations

from datetime import timedelta

import pytest

from boathook.clock import LoopClock, run_virtual
from boathook.events import EventStream, HookFinished, HookStarted, Stamped
from boathook.journal import Context, MemoryObligations
from boathook.model import HookResult, Outcome
from boathook.pods import parse_pods
from boathook.pods.lone_hook import run_lone_hook
from boathook.runtimes.assumptions import Assumptions
from boathook.runtimes.base import ContainerSpec, NetworkMode, PullPolicy, SandboxSpec
from boathook.runtimes.simulated import SimulatedRuntime
from tests.journal.build import TARGET

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: db}
spec:
  containers:
  - name: app
    image: busybox
    lifecycle: {preStop: {exec: {command: [dump]}}}
"""


async def alone(assume: tuple[str, ...], timeout: timedelta | None) -> tuple[HookResult, list[Stamped]]:
    """The preStop hook, against a container of its own in the simulated runtime."""
    (pod,) = parse_pods(POD, "pod.yaml").pods
    hook = pod.containers[0].pre_stop
    assert hook is not None
    told: list[Stamped] = []
    events = EventStream(clock=LoopClock())
    context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
    async with SimulatedRuntime(Assumptions.parse(assume)) as runtime:
        image = await runtime.resolve_image("busybox", PullPolicy.IF_NOT_PRESENT)
        sandbox = await runtime.create_sandbox(
            SandboxSpec(name="db", hostname="db", network=NetworkMode.POD, labels={})
        )
        spec = ContainerSpec(
            name="app",
            labels={},
            sandbox=sandbox,
            image=image,
            command=(),
            environment=(),
            working_dir="/",
            user="",
        )
        container = await runtime.create(spec)
        await runtime.start(container)
        with events.listening(told.append):
            result = await run_lone_hook(hook, TARGET, container, timeout=timeout, runtime=runtime, context=context)
    return result, told


def test_it_runs_once_and_is_told_and_nothing_is_owed() -> None:
    result, told = run_virtual(alone, ("preStop:app=3s",), None)

    assert (result.outcome, result.duration) == (Outcome.SUCCEEDED, timedelta(seconds=3))
    assert [type(one.event) for one in told] == [HookStarted, HookFinished]


@pytest.mark.parametrize(("timeout", "outcome"), [(2, Outcome.TIMED_OUT), (4, Outcome.SUCCEEDED)])
def test_its_limit_is_the_callers(timeout: int, outcome: Outcome) -> None:
    result, _ = run_virtual(alone, ("preStop:app=3s",), timedelta(seconds=timeout))

    assert result.outcome is outcome
