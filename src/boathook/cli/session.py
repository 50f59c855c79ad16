"""What a command needs around its one library call: the loop, the journal, the terminal, interrupts, exit codes.

``run`` enters the event loop once, maps every error to its exit code, and shows people what failed and what to do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from boathook.cli.entry import INTERRUPTED
from boathook.cli.exit_codes import BUG, exit_code
from boathook.errors import BoathookError, UsageError, mistake_in
from boathook.home import Home
from boathook.settings import DOCKER, PROCESS, Settings

if TYPE_CHECKING:
    import anyio
    from anyio.abc import TaskGroup

    from boathook.cluster.base import ObjectKey
    from boathook.cluster.remote import RemoteCluster
    from boathook.compose.place import ProjectPlace
    from boathook.events import Listener, Stamped
    from boathook.journal import Journal
    from boathook.journal.context import Context
    from boathook.model import JsonObject
    from boathook.runtimes.base import ContainerRuntime

T = TypeVar("T")

ExitCodes = Callable[[BoathookError], int]


_STARTING = frozenset(
    {
        "cluster.create",
        "cluster.apply",
        "pod.run",
        "compose.up",
        "compose.start",
        "compose.restart",
        "compose.run",
    }
)
"""What has the supervisor start containers, which it does in namespaces of its own only."""


@dataclass(slots=True)
class Session:
    """One command's surroundings. Everything in it is made on first use and released when the command ends."""

    home: Home
    settings: Settings
    timeline: bool
    """Print the timeline of hooks on stderr at the end (commands that print the peer's own texts on stdout)."""
    tasks: TaskGroup
    """For what goes on beside the command's work; ended with it."""
    listeners: list[Listener] = field(default_factory=list)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    place: ProjectPlace | None = None
    """Where this command looks for the containers of projects (``cli.compose.routing.project_place``)."""
    _runtime: ContainerRuntime | None = None
    _interrupted: anyio.Event | None = None
    _journal: Journal | None = None

    @property
    def interrupted(self) -> anyio.Event:
        """Set by the first Ctrl-C. A command that asks for it stops gracefully by itself; the second one cancels it."""
        import anyio

        if self._interrupted is None:
            self._interrupted = anyio.Event()
        return self._interrupted

    def tell(self, text: str, *, err: bool = False) -> None:
        """Print a coloured line of what goes on. Where nobody reads it any more, this is as good as an interrupt."""
        try:
            click.echo(text, err=err, color=True)
        except BrokenPipeError:
            if self._interrupted is None:
                raise
            _write_nowhere(2 if err else 1)
            self._interrupted.set()

    async def enter(self, resource: AbstractAsyncContextManager[T]) -> T:
        """Open something that is closed when the command ends."""
        return await self._stack.enter_async_context(resource)

    async def runtime(self) -> ContainerRuntime:
        """Where this command's containers run: the embedded runtime with a spawner of its own, or an engine."""
        if self._runtime is None:
            self._runtime = await self._stack.enter_async_context(self._new_runtime())
        return self._runtime

    def _new_runtime(self) -> ContainerRuntime:
        if self.settings.on == DOCKER:
            return self._engine()
        from boathook.images import ImageResolver

        images = ImageResolver(self.home, self.settings.image_map, offline=self.settings.offline)
        if self.settings.isolation == PROCESS:
            from boathook.runtimes.process import ProcessRuntime

            return ProcessRuntime(self.home, images=images)
        from boathook.runtimes.bubblewrap import BubblewrapRuntime

        return BubblewrapRuntime(self.home, images=images)

    def _engine(self) -> ContainerRuntime:
        from boathook.runtimes.docker.runtime import DockerRuntime

        refuse_with_engine(self.settings)
        return DockerRuntime(self.home, offline=self.settings.offline)

    @asynccontextmanager
    async def context(self, *, command: str, title: str, live: bool = False) -> AsyncIterator[Context]:
        """A journalled run: its events go to the journal and the terminal. ``live``: the timeline as it happens."""
        from boathook.clock import SystemClock
        from boathook.events import EventStream
        from boathook.journal import Context, Journal, SqliteObligations
        from boathook.report.terminal import KeptTimeline, LiveTimeline

        events = EventStream()
        kept = KeptTimeline()
        async with Journal.open(self.home) as journal:
            self._journal = journal
            run = await journal.begin(command=command, title=title)
            context = Context(events=events, clock=SystemClock(), obligations=SqliteObligations(journal, run.id))
            with contextlib.ExitStack() as listening:
                listening.enter_context(events.listening(run.listener))
                terminal = LiveTimeline() if live else kept
                for listener in (terminal, *self.listeners):
                    listening.enter_context(events.listening(listener))
                try:
                    yield context
                finally:
                    if not live and self.timeline and kept.saw_hooks:
                        sys.stderr.write("\n" + kept.text())

    @property
    def journal(self) -> Journal:
        """The open journal, inside ``context``."""
        assert self._journal is not None
        return self._journal

    async def cluster(self, context: Context) -> RemoteCluster:
        """The local cluster, as another process than its supervisor sees it."""
        from boathook.cluster.remote import RemoteCluster
        from boathook.supervisor.follow import following

        async def ask(operation: str, params: JsonObject, owner: int | None) -> JsonObject:
            return await self._ask(operation, params, owner, lambda stamped: context.events.emit(stamped.event))

        def follow(key: ObjectKey) -> AbstractAsyncContextManager[None]:
            return following(self.home, key, on_event=lambda stamped: context.events.emit(stamped.event))

        cluster = RemoteCluster(self.home, self.runtime, context=context, call=ask, follow=follow)
        self._stack.callback(cluster.close)
        return cluster

    async def call(self, operation: str, params: JsonObject, *, owner: int | None = None) -> JsonObject:
        """Have the supervisor (or the living owner ``owner``) do it; its events reach this session's listeners."""

        def tell(stamped: Stamped) -> None:
            for listener in self.listeners:
                listener(stamped)

        return await self._ask(operation, params, owner, tell)

    async def _ask(self, operation: str, params: JsonObject, owner: int | None, tell: Listener) -> JsonObject:
        from boathook.supervisor.client import call

        if self.settings.isolation == PROCESS and owner is None and operation in _STARTING:
            raise _not_in_background("--isolation process")
        if self.settings.on == DOCKER and owner is None and operation in _STARTING:
            raise _not_in_background("--on docker")
        return await call(self.home, operation, params | self._settings(), on_event=tell, owner_pid=owner)

    def _settings(self) -> JsonObject:
        """What every operation is told of this command's settings."""
        settings: JsonObject = {
            "network": self.settings.network,
            "image_map": dict(self.settings.image_map),
            "offline": self.settings.offline,
        }
        return {"settings": settings}

    async def close(self) -> None:
        await self._stack.aclose()


def run(
    work: Callable[[Session], Awaitable[int | None]],
    settings: Settings,
    *,
    timeline: bool = True,
    codes: ExitCodes = exit_code,
    prefix: str = "",
) -> NoReturn:
    """Run a command's coroutine to its end and exit with its code.

    ``codes`` and ``prefix`` are the peer's where a command group has its peer's exit codes and wording.
    """
    import anyio

    sys.exit(
        told(
            lambda: anyio.run(_guarded, work, settings, timeline, codes, prefix),
            codes=codes,
            prefix=prefix,
        )
    )


async def _guarded(
    work: Callable[[Session], Awaitable[int | None]],
    settings: Settings,
    timeline: bool,
    codes: ExitCodes,
    prefix: str,
) -> int:
    import anyio

    code: int | None = INTERRUPTED
    home = Home.find().ensure()
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as watching:
            session = Session(home=home, settings=settings, timeline=timeline, tasks=watching)
            watching.start_soon(_watch_signals, session, scope)
            try:
                code = await work(session)
            except (BoathookError, ExceptionGroup) as error:
                if (mistake := mistake_in(error)) is None:
                    raise
                code = tell_error(mistake, codes=codes, prefix=prefix)
            finally:
                with anyio.CancelScope(shield=True):
                    await session.close()
                watching.cancel_scope.cancel()
    return INTERRUPTED if scope.cancelled_caught else (code or 0)


def refuse_with_engine(settings: Settings) -> None:
    """Raises ``UsageError`` for what an engine has in its own hands."""
    if settings.isolation == PROCESS:
        raise UsageError("--isolation process contradicts --on docker: an engine isolates as it does")
    if settings.image_map:
        raise UsageError(
            "--image-map is not supported with --on docker: images are the engine's own",
            hint="docker load or docker import what is to be used, and docker tag it with the image's name",
        )


def _not_in_background(option: str) -> UsageError:
    return UsageError(
        f"{option} is not supported for what runs in the background", hint="run it in the foreground: without --detach"
    )


async def _watch_signals(session: Session, scope: anyio.CancelScope) -> None:
    """The first interrupt asks a command that listens to stop gracefully; otherwise, and the second time, it ends."""
    import anyio

    watched = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        # The terminal is closed. Under nohup this is nothing to us.
        watched.append(signal.SIGHUP)
    with anyio.open_signal_receiver(*watched) as signals:
        async for number in signals:
            if number == signal.SIGHUP:
                _leave_terminal()
            graceful = session._interrupted
            if graceful is None or graceful.is_set():
                scope.cancel()
                return
            graceful.set()


def _leave_terminal() -> None:
    """What is still to be written to a terminal that is gone goes nowhere: it is no reason to end without the hooks."""
    for stream in (1, 2):
        try:
            os.write(stream, b"")
        except OSError:
            _write_nowhere(stream)


def _write_nowhere(stream: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream)
    os.close(nowhere)


def told(function: Callable[[], T], *, codes: ExitCodes = exit_code, prefix: str = "") -> T:
    """Call ``function``; a user's mistake is told in words, a bug in one line with its traceback in a file."""
    try:
        return function()
    except BoathookError as error:
        sys.exit(tell_error(error, codes=codes, prefix=prefix))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (click.ClickException, click.exceptions.Exit, click.Abort, SystemExit):
        raise
    except Exception as error:  # noqa: BLE001  the one place where a bug becomes a message
        if _nobody_reads(error):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        sys.exit(_tell_bug(error))


def _nobody_reads(error: Exception) -> bool:
    """Whoever read our output has gone, as ``head`` does; task groups make groups of it."""
    if isinstance(error, ExceptionGroup):
        return error.split(BrokenPipeError)[1] is None
    return isinstance(error, BrokenPipeError)


def tell_error(error: BoathookError, *, codes: ExitCodes = exit_code, prefix: str = "") -> int:
    """Print an error and its hint on stderr; its exit code."""
    click.echo(f"{prefix or 'error: '}{error}", err=True)
    if error.hint:
        click.echo(f"hint: {error.hint}", err=True)
    return codes(error)


def _tell_bug(error: Exception) -> int:
    import traceback

    path = Home.find().path / "bug.log"
    text = "".join(traceback.format_exception(error))
    with contextlib.suppress(OSError, BoathookError), Home.find().ensure().path.joinpath(path.name).open("a") as log:
        log.write(text + "\n")
    click.echo(f"error: boathook failed unexpectedly: {type(error).__name__}: {error}", err=True)
    click.echo(f"hint: this is a bug; the details are in {path}", err=True)
    return BUG


def always(code: int) -> ExitCodes:
    """Exit codes of a peer for which every error is ``code`` (``docker compose``, ``helm``: 1)."""
    return lambda error: code
