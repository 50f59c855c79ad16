"""Runtimes that do one thing wrong, so that the suite can be seen to notice. The product has no switch for that."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from boathook.clock import SystemClock
from boathook.cluster.local import LocalCluster
from boathook.cluster.store import ObjectStore
from boathook.conformance.model import CaseResult
from boathook.conformance.place import CasePlaces, local_place, pods_only
from boathook.conformance.runner import run_cases, shared_root
from boathook.conformance.suites import select
from boathook.conformance.told import ToldByEvents
from boathook.events import EventStream
from boathook.home import Home
from boathook.images import ImageResolver
from boathook.journal import Context, MemoryObligations
from boathook.runtimes.base import ContainerId, ExecSpec, Execution, Exit, OutputSink
from boathook.runtimes.bubblewrap import BubblewrapRuntime

PRE_STOP = "pre_stop:"
POST_START = "post_start:"


@dataclass(frozen=True, slots=True)
class Done:
    """An execution that says at once that all went well."""

    async def wait(self) -> Exit:
        return Exit(code=0, signal=None)

    async def kill(self) -> None: ...


class Faultless(BubblewrapRuntime):
    """Does everything right."""


class SkippingPreStop(BubblewrapRuntime):
    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        if spec.label.startswith(PRE_STOP):
            return Done()
        return await super().exec(container, spec, output)


class SkippingPostStart(BubblewrapRuntime):
    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        if spec.label.startswith(POST_START):
            return Done()
        return await super().exec(container, spec, output)


class NotWaitingForPostStart(BubblewrapRuntime):
    """The hook runs, and whatever comes after it does not wait."""

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        execution = await super().exec(container, spec, output)
        return Done() if spec.label.startswith(POST_START) else execution


class SignallingTooEarly(BubblewrapRuntime):
    """The stop signal is sent as the PreStop hook begins."""

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        execution = await super().exec(container, spec, output)
        if spec.label.startswith(PRE_STOP):
            await self.signal(container, "SIGTERM")
        return execution


class KillingAtOnce(BubblewrapRuntime):
    """Nobody is given time to obey the stop signal."""

    async def signal(self, container: ContainerId, signal: str) -> None:
        await super().signal(container, signal)
        if signal == "SIGTERM":
            await super().signal(container, "SIGKILL")


class KillingTooLate(BubblewrapRuntime):
    async def signal(self, container: ContainerId, signal: str) -> None:
        if signal == "SIGKILL":
            await anyio.sleep(6)
        await super().signal(container, signal)


class StoppingSidecarsFirst(BubblewrapRuntime):
    """Before a regular container is told to stop, the sidecars of its pod are stopped."""

    async def signal(self, container: ContainerId, signal: str) -> None:
        here = (await self.inspect(container)).spec
        if signal == "SIGTERM" and not here.name.startswith("sidecar"):
            for other in await self.list({}):
                if other.spec.sandbox == here.sandbox and other.spec.name.startswith("sidecar"):
                    await super().signal(other.id, signal)
                    await self.wait(other.id)
        await super().signal(container, signal)


@asynccontextmanager
async def a_place(home: Home, runtime: type[BubblewrapRuntime]) -> AsyncIterator[CasePlaces]:
    """A local place whose cluster runs its pods in such a runtime."""
    told, events = ToldByEvents(), EventStream()
    context = Context(events=events, clock=SystemClock(), obligations=MemoryObligations())
    store = ObjectStore.in_memory(clock=context.clock, uids=lambda: str(uuid.uuid4()))
    try:
        with events.listening(told.hear):
            async with (
                runtime(home, images=ImageResolver(home, {}, offline=True)) as opened,
                LocalCluster(store, opened, context) as cluster,
            ):
                yield pods_only(local_place(cluster, told.of), "this runtime is about pods")
    finally:
        store.close()


async def results_of(home: Home, runtime: type[BubblewrapRuntime], names: Sequence[str] = ()) -> list[CaseResult]:
    """The results of these cases, or of all."""
    with shared_root() as root:
        async with a_place(home, runtime) as places:
            return [*await run_cases(select((), names), places, root, parallel=8, on_result=_unheard)]


def _unheard(result: CaseResult) -> None: ...


def explained(result: CaseResult) -> str:
    """For a reader of a failed test."""
    return "\n".join((f"{result.case.name}: {result.reason}", *result.timeline))
