"""``boathook compose run``: one-off containers of a service."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from boathook.cli.compose.flags import (
    ERROR,
    acting,
    hook_options,
    image_wishes,
    quiet_acts,
    said_by_environment,
    variable,
)
from boathook.cli.compose.routing import act, project_place
from boathook.cli.compose.selection import Selection
from boathook.cli.session import Session, always, run
from boathook.compose.choosing import refuse_unknown
from boathook.errors import NotFound, NotRunning, OperationFailed, UsageError
from boathook.settings import DOCKER, Settings

if TYPE_CHECKING:
    from boathook.compose.model import Project
    from boathook.compose.options import HookWishes, OneOff, RunOptions
    from boathook.compose.place import Member, ProjectPlace
    from boathook.compose.project import ProjectWorker
    from boathook.events import Listener, Stamped
    from boathook.model import JsonObject, Stream

KILL_SECONDS = 15.0
RUN = "compose run"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlags:
    """The flags of ``run`` as they are given."""

    detach: bool
    rm: bool
    env: tuple[str, ...]
    env_from_file: tuple[str, ...]
    no_tty: bool
    interactive: bool
    entrypoint: str | None
    user: str
    workdir: str
    volume: tuple[str, ...]
    publish: tuple[str, ...]
    service_ports: bool
    name: str
    no_deps: bool
    use_aliases: bool
    label: tuple[str, ...]
    build: bool
    pull: str | None
    quiet: bool
    quiet_pull: bool
    quiet_build: bool
    remove_orphans: bool
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]

    def options(self, service: str, command: tuple[str, ...], hooks: HookWishes) -> RunOptions:
        """Raises ``UsageError`` in the peer's words."""
        from boathook.compose.options import RunOptions

        if self.service_ports and self.publish:
            raise UsageError("--service-ports and --publish are incompatible")
        return RunOptions(
            service=service,
            oneoff=self._oneoff(command),
            name=self.name,
            labels=tuple(_label(one) for one in self.label),
            deps=not self.no_deps,
            hooks=hooks,
            images=image_wishes(pull=self.pull, build=self.build, no_build=False),
            remove_orphans=self.remove_orphans or said_by_environment("COMPOSE_REMOVE_ORPHANS"),
        )

    def _oneoff(self, command: tuple[str, ...]) -> OneOff:
        from boathook.compose.options import OneOff
        from boathook.compose.reading.shellwords import split

        return OneOff(
            command=command or None,
            entrypoint=None if self.entrypoint is None else split(self.entrypoint).words,
            environment=(*self._from_files(), *(variable(one) for one in self.env)),
            user=self.user,
            working_dir=self.workdir,
            volumes=tuple(_absolute(one) for one in self.volume),
            publish=self.publish,
            service_ports=self.service_ports,
            use_aliases=self.use_aliases,
            capabilities_add=self.cap_add,
            capabilities_drop=self.cap_drop,
            tty=self.has_terminal,
            interactive=self.interactive,
            auto_remove=self.rm,
        )

    @property
    def quiet_acts(self) -> frozenset[str]:
        return quiet_acts(build=self.quiet_build or self.quiet, pull=self.quiet_pull or self.quiet)

    @property
    def has_terminal(self) -> bool:
        return not (self.no_tty or self.detach) and sys.stdin.isatty() and sys.stdout.isatty()

    def _from_files(self) -> tuple[tuple[str, str | None], ...]:
        from pathlib import Path

        from boathook.compose.reading.dotenv import parse_dotenv
        from boathook.compose.reading.files import read_text

        found: dict[str, str | None] = {}
        for file in self.env_from_file:
            text = read_text(Path(file))
            if text is None:
                raise UsageError(f"couldn't find env file: {Path(file).absolute()}")
            found |= parse_dotenv(text, os.environ, file=file)
        return tuple(found.items())


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.option("-d", "--detach", is_flag=True, help="Do not wait for its end; print the container's id.")
@click.option("--rm", is_flag=True, help="Remove the container when it has ended.")
@click.option("-e", "--env", multiple=True, metavar="KEY[=VALUE]", help="Set a variable.")
@click.option("--env-from-file", multiple=True, metavar="FILE", help="Set the variables of a file.")
@click.option("-T", "--no-TTY", "--no-tty", "no_tty", is_flag=True, help="No terminal, although there is one.")
@click.option("-i/-I", "--interactive/--no-interactive", default=True, help="Pass standard input on (default).")
@click.option("--entrypoint", help="Instead of the image's or the service's.")
@click.option("-u", "--user", default="", help="Run as this user.")
@click.option("-w", "--workdir", default="", help="Run in this directory.")
@click.option("-v", "--volume", multiple=True, metavar="SOURCE:TARGET", help="Mount one more volume.")
@click.option("-p", "--publish", multiple=True, metavar="PORTS", help="Publish a port.")
@click.option("-P", "--service-ports", is_flag=True, help="Publish the service's ports.")
@click.option("--name", default="", help="The container's name.")
@click.option("--no-deps", is_flag=True, help="Leave the services alone that it needs.")
@click.option("--use-aliases", is_flag=True, help="Let the service's names in its networks mean it, too.")
@click.option("-l", "--label", multiple=True, metavar="KEY[=VALUE]", help="Add a label.")
@click.option("--build", is_flag=True, help="Build the image before.")
@click.option("--pull", metavar="POLICY", help="always, missing or never; else as the service says.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option("--quiet-pull", is_flag=True, help="Show no progress of pulls.")
@click.option("--quiet-build", is_flag=True, help="Show no output of builds.")
@click.option("--remove-orphans", is_flag=True, help="Remove containers of services that the file does not have.")
@click.option("--cap-add", multiple=True, metavar="CAPABILITY", help="Add a capability.")
@click.option("--cap-drop", multiple=True, metavar="CAPABILITY", help="Take a capability away.")
@click.argument("service")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@hook_options
@acting
@click.pass_obj
def run_command(
    selection: Selection,
    /,
    service: str,
    command: tuple[str, ...],
    hooks: HookWishes,
    settings: Settings,
    **given: Any,
) -> None:
    """Run a command in a new container of a service; what the service needs is started before, with its hooks.

    The container's post_start hooks run beside it. Its exit code is this command's.
    """
    flags = RunFlags(**given)

    async def work(session: Session) -> int:
        project = selection.load((service,))
        refuse_unknown((service,), project.names)
        options = flags.options(service, command, hooks)
        if flags.detach:
            (result,) = await _keep(session, selection, project, options, flags.quiet_acts)
            click.echo(_member(result).id)
            return _told_failure(result)
        if session.settings.on == DOCKER:
            return await _in_front(session, selection, project, options, flags.quiet_acts)
        return await _watched(session, selection, project, options, flags.quiet_acts)

    run(work, settings, codes=always(ERROR))


@dataclass(slots=True)
class _UntilStart:
    """Shows progress until the program has the terminal; what is worth saying also later."""

    listeners: list[Listener]
    over: bool = False

    def __call__(self, stamped: Stamped) -> None:
        from boathook.events import Noted

        if not self.over or isinstance(stamped.event, Noted):
            for listener in self.listeners:
                listener(stamped)


async def _in_front(
    session: Session, selection: Selection, project: Project, options: RunOptions, quiet: frozenset[str]
) -> int:
    """Make and start it from here, with this terminal."""
    from boathook.compose.operations import on_project
    from boathook.compose.project import ProjectWorker

    place = await project_place(session)
    shown = _UntilStart(selection.display.listeners(project, names=filter(None, [options.name]), quiet=quiet))
    session.listeners[:] = [shown]
    session.timeline = False
    async with session.context(command=RUN, title=project.name) as context:
        worker = ProjectWorker(project=project, place=place, context=context, parallel=selection.parallel)
        async with on_project(session.home, worker, "compose run"):
            member = await worker.create_oneoff(options)
        shown.over = True
        return await _attached(session, worker, member, options)


async def _attached(session: Session, worker: ProjectWorker, member: Member, options: RunOptions) -> int:
    """Start it with its streams here; its exit code. An interrupt is the program's; what has two is killed."""
    import anyio

    from boathook.cli.compose.terminal import passing_size, raw_terminal

    place, oneoff = worker.place, options.oneoff
    stdin = sys.stdin.fileno() if oneoff.interactive else None
    streams = await place.attach(member.id, _show, stdin=stdin, tty=oneoff.tty)
    try:
        with raw_terminal(raw=oneoff.tty and oneoff.interactive):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_pass_interrupt, session, place, member)
                failed = await _started(worker, member, options)
                async with passing_size(streams, passing=oneoff.tty):
                    ended = await streams.wait()
                tasks.cancel_scope.cancel()
    except BaseException:
        with anyio.move_on_after(KILL_SECONDS, shield=True), suppress(NotRunning, NotFound):
            await place.signal(member.id, "SIGKILL")
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await streams.close()
        if oneoff.auto_remove:
            # The engine is at it already; whoever comes next is not to see it any more.
            with anyio.move_on_after(KILL_SECONDS, shield=True):
                await place.remove(member.id)
    return ended.command_code or failed


async def _started(worker: ProjectWorker, member: Member, options: RunOptions) -> int:
    """Start it and run its post_start hooks beside it: 1 where one failed, which does not end it."""
    try:
        await worker.start_oneoff(member, options.hooks)
    except OperationFailed as failure:
        click.echo(f"error: {failure}", err=True)
        return ERROR
    return 0


async def _pass_interrupt(session: Session, place: ProjectPlace, member: Member) -> None:
    await session.interrupted.wait()
    with suppress(NotRunning, NotFound):
        await place.signal(member.id, "SIGINT")


async def _keep(
    session: Session, selection: Selection, project: Project, options: RunOptions, quiet: frozenset[str]
) -> list[JsonObject]:
    """Have it made and started by whoever keeps it. A process of ours gives it neither terminal nor standard input."""
    if session.settings.on != DOCKER:
        options = replace(options, oneoff=replace(options.oneoff, tty=False, interactive=False))
    return await act(session, selection, project, "compose.run", options, command=RUN, name=options.name, quiet=quiet)


async def _watched(
    session: Session, selection: Selection, project: Project, options: RunOptions, quiet: frozenset[str]
) -> int:
    """Have its keeper make and start it, and show what it writes. It has no standard input there."""
    import anyio

    from boathook.compose.options import DiscardOptions
    from boathook.model import Stream

    if options.oneoff.tty or (options.oneoff.interactive and _has_input()):
        click.echo("warning: standard input is not passed on by --on local; --on docker does it", err=True)
    session.timeline = False
    (result,) = await _keep(session, selection, project, options, quiet)
    member, place, failed = _member(result), await project_place(session), _told_failure(result)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_pass_interrupt, session, place, member)
            async for line in place.logs(member.id, follow=True):
                click.echo(line.text, nl=not line.partial, err=line.stream is Stream.STDERR)
            ended = await place.wait(member.id)
            tasks.cancel_scope.cancel()
    except BaseException:
        with anyio.move_on_after(KILL_SECONDS, shield=True), suppress(NotRunning, NotFound):
            await place.signal(member.id, "SIGKILL")
        raise
    finally:
        if options.oneoff.auto_remove:
            with anyio.move_on_after(KILL_SECONDS, shield=True):
                await act(
                    session, selection, project, "compose.discard", DiscardOptions(container=member.id), command=RUN
                )
    return ended.command_code or failed


def _told_failure(result: JsonObject) -> int:
    """Say which post_start hook failed, if one did; the exit code for that."""
    if result["failed"]:
        click.echo(f"error: {result['failed']}", err=True)
    return ERROR if result["failed"] else 0


def _has_input() -> bool:
    """Whether somebody has put something into the standard input: a pipe, or a file that is not empty."""
    try:
        found = os.fstat(sys.stdin.fileno())
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_size > 0)


def _show(stream: Stream, chunk: bytes) -> None:
    from boathook.model import Stream

    to = sys.stdout.buffer if stream is Stream.STDOUT else sys.stderr.buffer
    to.write(chunk)
    to.flush()


def _member(result: JsonObject) -> Member:
    from boathook.codec import from_json
    from boathook.compose.place import Member

    return from_json(Member, result["member"])


def _label(given: str) -> tuple[str, str]:
    name, _, value = given.partition("=")
    return name, value


def _absolute(volume: str) -> str:
    """A volume in the short form, with the path of a bind as it is seen from here."""
    source, separator, rest = volume.partition(":")
    if not separator or not source.startswith((".", "~", "/")):
        return volume
    return f"{os.path.abspath(os.path.expanduser(source))}:{rest}"
