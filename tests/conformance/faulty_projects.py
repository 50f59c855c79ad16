"""Places of projects that do one thing wrong, so that the suite can be seen to notice. The product has no switch."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import anyio
from anyio.abc import TaskGroup

from boathook.compose.embedded import EmbeddedPlace
from boathook.compose.embedded.hook_container import Helper
from boathook.compose.model import PROJECT_LABEL, SERVICE_LABEL, Project, Service
from boathook.compose.place import Making, Member, Ready
from boathook.conformance.model import CaseResult
from boathook.conformance.place import LOCAL, LOCAL_SLACK, CasePlaces, project_place, projects_only
from boathook.conformance.runner import run_cases, shared_root
from boathook.conformance.suites import select
from boathook.errors import BoathookError, NotFound
from boathook.home import Home
from boathook.library import local
from boathook.model import RunContainer
from boathook.runtimes.base import ContainerId, ExecSpec, Execution, Exit, OutputSink
from tests.conformance.faulty import POST_START, PRE_STOP, Done

Signalled = Callable[[str, timedelta | None], None]
WELL = Exit(code=0, signal=None)


@dataclass(frozen=True, slots=True)
class EndingWell:
    """An execution whose program may end as it likes: all is well."""

    execution: Execution

    async def wait(self) -> Exit:
        await self.execution.wait()
        return WELL

    async def kill(self) -> None:
        await self.execution.kill()


@dataclass(slots=True)
class Releasing:
    """An execution whose end lets the next one begin."""

    execution: Execution
    release: Callable[[], None]
    _released: bool = field(default=False)

    async def wait(self) -> Exit:
        try:
            return await self.execution.wait()
        finally:
            self._let_go()

    async def kill(self) -> None:
        await self.execution.kill()
        self._let_go()

    def _let_go(self) -> None:
        if not self._released:
            self._released = True
            self.release()


class Faultless(EmbeddedPlace):
    """Does everything right."""


class SkippingPostStart(EmbeddedPlace):
    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        return Done() if spec.label.startswith(POST_START) else await super().exec(container, spec, output)


class SkippingPreStop(EmbeddedPlace):
    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        return Done() if spec.label.startswith(PRE_STOP) else await super().exec(container, spec, output)


class NotWaitingForHooks(EmbeddedPlace):
    """Hooks run, and what comes after them, other hooks included, does not wait."""

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        execution = await super().exec(container, spec, output)
        return Done() if spec.label.startswith((POST_START, PRE_STOP)) else execution


class HookingOneAtATime(EmbeddedPlace):
    """The hooks of all containers of a project wait for each other."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._turns: defaultdict[str, anyio.Semaphore] = defaultdict(lambda: anyio.Semaphore(1))

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        turn = self._turns[(await self.inspect(container)).labels[PROJECT_LABEL]]
        await turn.acquire()
        try:
            return Releasing(await super().exec(container, spec, output), turn.release)
        except BaseException:
            turn.release()
            raise


class SignallingTooEarly(EmbeddedPlace):
    """The stop signal is sent as the pre_stop hook begins."""

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        execution = await super().exec(container, spec, output)
        if spec.label.startswith(PRE_STOP):
            await self.signal(container, "SIGTERM")
        return execution


class CountingHooksInGrace(EmbeddedPlace):
    """What pre_stop hooks take is taken from the grace period."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._began: dict[ContainerId, float] = {}

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        if spec.label.startswith(PRE_STOP):
            self._began.setdefault(container, anyio.current_time())
        return await super().exec(container, spec, output)

    async def stop(self, member: Member, *, grace: timedelta | None, signal: str, signalled: Signalled) -> Exit:
        if grace is not None and member.id in self._began:
            grace = max(timedelta(0), grace - timedelta(seconds=anyio.current_time() - self._began[member.id]))
        return await super().stop(member, grace=grace, signal=signal, signalled=signalled)


@dataclass(slots=True, kw_only=True)
class HelperEndingWell(Helper):
    """A container of a pre_start hook that may end as it likes."""

    async def wait(self) -> Exit:
        # The unbound one, since a class with slots is made anew by its decorator.
        await Helper.wait(self)
        return WELL


class IgnoringFailures(EmbeddedPlace):
    """Every hook has ended well."""

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        execution = await super().exec(container, spec, output)
        return EndingWell(execution) if spec.label.startswith((POST_START, PRE_STOP)) else execution

    async def run_helper(
        self, project: Project, ready: Ready, beside: Member, handler: RunContainer, output: OutputSink, *, label: str
    ) -> Helper:
        helper = await super().run_helper(project, ready, beside, handler, output, label=label)
        return HelperEndingWell(runtime=helper.runtime, container=helper.container, output=helper.output)


class ForgettingRestarts(EmbeddedPlace):
    """A container that was restarted has no post_start hooks any more."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._restarted: set[ContainerId] = set()

    async def restart(self, member: Member, *, grace: timedelta | None, signal: str, signalled: Signalled) -> None:
        self._restarted.add(member.id)
        await super().restart(member, grace=grace, signal=signal, signalled=signalled)

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        forgotten = container in self._restarted and spec.label.startswith(POST_START)
        return Done() if forgotten else await super().exec(container, spec, output)


class RepeatingHooks(EmbeddedPlace):
    """A container that starts has the post_start hooks of the others of its service run again."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._ran: list[tuple[ContainerId, ExecSpec]] = []

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        if spec.label.startswith(POST_START):
            self._ran.append((container, spec))
        return await super().exec(container, spec, output)

    async def start(self, container: ContainerId, service: Service | None = None) -> None:
        await super().start(container, service)
        here = await self.inspect(container)
        for other, spec in tuple(self._ran):
            with contextlib.suppress(NotFound):
                labels = (await self.inspect(other)).labels
                same = [labels[key] == here.labels[key] for key in (PROJECT_LABEL, SERVICE_LABEL)]
                if other != container and all(same):
                    await (await super().exec(other, spec, lambda stream, data: None)).wait()


class ReplacingWithoutHooks(EmbeddedPlace):
    """A container that another one replaces is stopped without its pre_stop hooks."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._replaced: set[ContainerId] = set()

    async def create(self, project: Project, ready: Ready, making: Making) -> Member:
        if making.replaces is not None:
            self._replaced.add(making.replaces.id)
        return await super().create(project, ready, making)

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        left_out = container in self._replaced and spec.label.startswith(PRE_STOP)
        return Done() if left_out else await super().exec(container, spec, output)


class HookingInRestarts(EmbeddedPlace):
    """A container that its policy starts again has its post_start hooks run again."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._hooked: set[ContainerId] = set()
        self._mine: TaskGroup = named["tasks"]

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        if spec.label.startswith(POST_START) and container not in self._hooked:
            self._hooked.add(container)
            self._mine.start_soon(self._again, container, spec)
        return await super().exec(container, spec, output)

    async def _again(self, container: ContainerId, spec: ExecSpec) -> None:
        """Until it has ended once, and runs anew."""
        with contextlib.suppress(BoathookError):
            for wanted in (False, True):
                while (await self.inspect(container)).running is not wanted:  # noqa: ASYNC110
                    await anyio.sleep(0.05)
            await (await super().exec(container, spec, lambda stream, data: None)).wait()


@asynccontextmanager
async def a_place(home: Home, kind: type[EmbeddedPlace]) -> AsyncIterator[CasePlaces]:
    """A place of projects of such a kind."""
    async with (
        local(home=home.path, offline=True) as place,
        kind(place.runtime, network=place.network, tasks=place.tasks) as projects,
    ):
        yield projects_only(project_place(projects, name=LOCAL, slack=LOCAL_SLACK), "this place is about projects")


async def project_results(home: Home, kind: type[EmbeddedPlace], names: Sequence[str] = ()) -> list[CaseResult]:
    """The results of these cases, or of all of projects."""
    with shared_root() as root:
        async with a_place(home, kind) as places:
            cases = select((), names) if names else select(("compose",))
            return [*await run_cases(cases, places, root, parallel=8, on_result=_unheard)]


def _unheard(result: CaseResult) -> None: ...
