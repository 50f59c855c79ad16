"""Runs a project in the foreground: up, its output line by line, until it ends or is interrupted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from boathook.compose.lines import PrefixedLines, show_log
from boathook.compose.model import Service, short_name
from boathook.compose.project import ProjectWorker
from boathook.compose.recovery import settle_project
from boathook.errors import BoathookError, NotFound
from boathook.events import RunFinished, RunStarted
from boathook.runtimes.base import Container, ContainerState

GRACEFULLY = "Gracefully Stopping... press Ctrl+C again to force"
INTERRUPTED = 130
KILL_SECONDS = 15.0
"""How long killing everything after a second interrupt may take. SIGKILL acts at once."""


@dataclass(slots=True, kw_only=True)
class Attached:
    """A project in the foreground. Its containers belong to this process and end with it."""

    worker: ProjectWorker
    lines: PrefixedLines
    say: Callable[[str], None]
    """Tells people something that is no output of a container."""
    interrupted: anyio.Event
    """Set by the first interrupt; the second one cancels the task that runs this."""
    holding: Callable[[], AbstractAsyncContextManager[None]]
    """Holds the project against other commands, for as long as they need."""
    _watching: TaskGroup | None = None
    _failed: list[str] = field(default_factory=list)
    _refused: BoathookError | None = None
    """Why nothing of it was begun."""
    _followed: list[tuple[Container, anyio.CancelScope]] = field(default_factory=list)

    async def run(self, only: Iterable[str] = ()) -> int:
        """Exit code: 0 when all containers have ended by themselves, 1 after a failure, 130 after an interrupt.

        Raises what refuses the project before anything is begun.
        """
        worker = self.worker
        worker.context.events.emit(
            RunStarted(title=worker.project.name, command="compose up", place=worker.runtime.name, facts=("attached",))
        )
        async with anyio.create_task_group() as self._watching:
            worker.created = self._follow
            try:
                code = await self._run(tuple(only))
                await self._leave_unstarted()
            except BaseException:
                with anyio.move_on_after(KILL_SECONDS, shield=True):
                    await worker.kill()
                raise
        worker.context.events.emit(RunFinished(succeeded=not self._failed, message="; ".join(self._failed)))
        if self._refused is not None:
            raise self._refused
        return code

    async def _leave_unstarted(self) -> None:
        """What the others have written is still shown to its end; one that never started has no end to wait for."""
        for container, following in self._followed:
            with suppress(NotFound):
                found = await self.worker.runtime.inspect(container.id)
                if found.state is ContainerState.CREATED:
                    following.cancel()

    async def _run(self, only: tuple[str, ...]) -> int:
        error = await self._unless_interrupted(lambda: self._up_and_wait(only))
        if self.interrupted.is_set():
            self.say(GRACEFULLY)
            failed = await self._stop("interrupted")
            return await self._end(failed, INTERRUPTED)
        if error is not None and not self._followed:
            self._failed.append(str(error))
            self._refused = error
            return 1
        if error is not None:
            self._tell_failure(error)
            self.say("the containers of an attached project end with it: stopping them")
            failed = await self._stop("a hook or service failed")
            return await self._end(failed, 1)
        return 0

    async def _up_and_wait(self, only: tuple[str, ...]) -> None:
        worker = self.worker
        async with self.holding():
            await settle_project(worker.project.name, worker.context, worker.runtime)
            await worker.up(only)
        for container, _ in self._followed:
            # One that somebody has taken down from outside has ended, too.
            with suppress(NotFound):
                await worker.runtime.wait(container.id)

    async def _unless_interrupted(self, work: Callable[[], Awaitable[None]]) -> BoathookError | None:
        """Do it until it ends, fails or is interrupted; the failure, if there was one."""
        failure: BoathookError | None = None
        async with anyio.create_task_group() as running:

            async def give_up() -> None:
                await self.interrupted.wait()
                running.cancel_scope.cancel()

            running.start_soon(give_up)
            try:
                await work()
            except BoathookError as error:
                failure = error
            running.cancel_scope.cancel()
        return failure

    async def _stop(self, cause: str) -> BoathookError | None:
        try:
            # Somebody else may be stopping it: then there is nothing left to stop once they are done.
            async with self.holding():
                await self.worker.stop(cause=cause)
        except BoathookError as error:
            self._tell_failure(error)
            return error
        return None

    def _tell_failure(self, error: BoathookError) -> None:
        self._failed.append(str(error))
        self.say(str(error) + (f"\nhint: {error.hint}" if error.hint else ""))

    async def _end(self, failed: BoathookError | None, code: int) -> int:
        """A container whose pre_stop failed would run on, but not without us: it is killed, and that is said."""
        if failed is not None and await self.worker.kill():
            self.say("killed what still ran: nothing of an attached project outlives it")
        return code

    def _follow(self, service: Service, container: Container) -> None:
        assert self._watching is not None
        following = anyio.CancelScope()
        self._followed.append((container, following))
        self._watching.start_soon(self._show, container, following)

    async def _show(self, container: Container, following: anyio.CancelScope) -> None:
        with following, suppress(NotFound):
            await self._show_output(container)

    async def _show_output(self, container: Container) -> None:
        """Its output as it comes, and how it ended."""
        name = short_name(self.worker.project.name, container.spec.name)
        log = self.worker.runtime.logs(container.id, follow=True)
        await show_log(log, name, self.lines)
        found = await self.worker.runtime.inspect(container.id)
        if found.exit is not None:
            self.worker.tell_exit(found, found.exit)
            self.say(f"{name} exited with code {found.exit.code}")
