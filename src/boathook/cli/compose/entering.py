"""``boathook compose exec`` and ``attach``: programs in a running container, with this terminal."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from boathook.cli.compose.flags import ERROR, acting, variable
from boathook.cli.compose.looking import project_name
from boathook.cli.compose.routing import project_place
from boathook.cli.compose.selection import Selection
from boathook.cli.compose.terminal import passing_size, raw_terminal
from boathook.cli.pod.input import Input
from boathook.cli.session import Session, always, run
from boathook.errors import CouldNotStart, UnsupportedHere, UsageError
from boathook.settings import DOCKER, Settings

if TYPE_CHECKING:
    from boathook.compose.place import Member, ProjectPlace
    from boathook.model import Stream
    from boathook.runtimes.base import ExecSpec, Execution, Exit

CANNOT_RUN = 126
"""What a shell gives for a program that cannot be started, and an engine too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecFlags:
    """The flags of ``exec`` as they are given."""

    detach: bool
    env: tuple[str, ...]
    index: int
    no_tty: bool
    privileged: bool
    user: str
    workdir: str
    interactive: bool
    tty: bool

    @property
    def has_terminal(self) -> bool:
        return not self.no_tty and not self.detach and sys.stdout is not None and sys.stdout.isatty()

    @property
    def takes_input(self) -> bool:
        return self.interactive and not self.detach

    def spec(self, command: tuple[str, ...]) -> ExecSpec:
        """Raises ``UsageError`` where a terminal was asked for without one."""
        from boathook.runtimes.base import ExecSpec

        if self.has_terminal and self.takes_input and not (sys.stdin is not None and sys.stdin.isatty()):
            raise UsageError("the input device is not a TTY", hint="add -T")
        return ExecSpec(
            command=command,
            user=self.user or None,
            working_dir=self.workdir or None,
            environment=tuple(variable(one) for one in self.env),
            privileged=self.privileged,
            tty=self.has_terminal,
        )


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option("-d", "--detach", is_flag=True, help="Do not wait for its end, and show nothing of it.")
@click.option("-e", "--env", multiple=True, metavar="KEY[=VALUE]", help="Set a variable.")
@click.option("--index", type=int, default=0, metavar="NUMBER", help="In which replica.")
@click.option("-T", "--no-tty", "--no-TTY", "no_tty", is_flag=True, help="No terminal, although there is one.")
@click.option("--privileged", is_flag=True, help="With more capabilities than its container.")
@click.option("-u", "--user", default="", help="Run as this user.")
@click.option("-w", "--workdir", default="", help="Run in this directory.")
@click.option("-i", "--interactive", is_flag=True, default=True, hidden=True)
@click.option("-t", "--tty", is_flag=True, default=True, hidden=True)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="SERVICE COMMAND [ARGS]...")
@acting
@click.pass_obj
def exec_command(selection: Selection, /, words: tuple[str, ...], settings: Settings, **given: Any) -> None:
    """Run a program in a running container of a service; its exit code is this command's.

    It gets a terminal when the output goes to one.
    """
    flags = ExecFlags(**given)

    async def work(session: Session) -> int:
        if len(words) < 2:
            raise UsageError(f"requires at least 2 arg(s), only received {len(words)}")
        from boathook.compose.choosing import one_of

        place = await project_place(session)
        members = await place.members(project_name(selection))
        return await _exec(place, one_of(members, words[0], flags.index), words[1:], flags, settings)

    run(work, settings, timeline=False, codes=always(ERROR))


async def _exec(
    place: ProjectPlace, member: Member, command: tuple[str, ...], flags: ExecFlags, settings: Settings
) -> int:
    spec = flags.spec(command)
    if settings.on != DOCKER:
        _refuse_here(flags)
    try:
        if flags.detach:
            await place.exec_detached(member.id, spec)
            return 0
        return await _in_front(place, member, spec, flags)
    except CouldNotStart as error:
        click.echo(str(error), err=True)
        return CANNOT_RUN


def _refuse_here(flags: ExecFlags) -> None:
    """What the embedded place cannot do. Raises ``UnsupportedHere``."""
    if flags.detach:
        raise UnsupportedHere(
            "exec --detach is not supported by --on local: a program ends with the command that started it",
            hint="leave --detach out, or use --on docker",
        )
    if flags.has_terminal:
        raise UnsupportedHere(
            "a terminal is not supported by --on local: a program in a container gets none",
            hint="add -T, or use --on docker",
        )


async def _in_front(place: ProjectPlace, member: Member, spec: ExecSpec, flags: ExecFlags) -> int:
    from dataclasses import replace

    has_input = flags.takes_input and sys.stdin is not None
    with Input() if has_input and not spec.tty else contextlib.nullcontext() as given:
        stdin = given.read if given is not None else (sys.stdin.fileno() if has_input else None)
        with raw_terminal(raw=spec.tty and has_input):
            execution = await place.exec(member.id, replace(spec, stdin=stdin), show)
            return (await _until_ended(execution, given)).command_code


async def _until_ended(execution: Execution, given: Input | None) -> Exit:
    import anyio

    from boathook.runtimes.base import HasTerminal

    async with anyio.create_task_group() as tasks:
        if given is not None:
            tasks.start_soon(given.pass_on)
        if isinstance(execution, HasTerminal):
            async with passing_size(execution, passing=given is None):
                ended = await execution.wait()
        else:
            ended = await execution.wait()
        tasks.cancel_scope.cancel()
    return ended


def show(stream: Stream, chunk: bytes) -> None:
    """What a program writes is this command's own output."""
    from boathook.model import Stream

    to = sys.stdout.buffer if stream is Stream.STDOUT else sys.stderr.buffer
    to.write(chunk)
    to.flush()


@click.command("attach")
@click.option("--detach-keys", default="", metavar="KEYS", help="Not done: Ctrl-C ends the command alone.")
@click.option("--index", type=int, default=0, metavar="NUMBER", help="To which replica.")
@click.option("--no-stdin", is_flag=True, help="Pass no standard input on.")
@click.option("--sig-proxy", type=click.BOOL, default=True, metavar="BOOL", help="Pass Ctrl-C on (default).")
@click.argument("service")
@acting
@click.pass_obj
def attach_command(
    selection: Selection,
    detach_keys: str,
    index: int,
    no_stdin: bool,
    sig_proxy: bool,
    service: str,
    settings: Settings,
) -> None:
    """Attach this terminal to the main program of a running container; its exit code is this command's."""

    async def work(session: Session) -> int:
        if detach_keys:
            raise UsageError("--detach-keys is not supported", hint="--sig-proxy=false, and Ctrl-C ends it")
        from boathook.compose.choosing import one_of

        place = await project_place(session)
        member = one_of(await place.members(project_name(selection)), service, index)
        return await _attach(session, place, member, stdin=not no_stdin, pass_interrupts=sig_proxy)

    run(work, settings, timeline=False, codes=always(ERROR))


async def _attach(session: Session, place: ProjectPlace, member: Member, *, stdin: bool, pass_interrupts: bool) -> int:
    import anyio

    has_input = stdin and member.stdin_open and sys.stdin is not None
    raw = member.tty and has_input and sys.stdin.isatty()
    given = sys.stdin.fileno() if has_input else None
    attached = await place.attach(member.id, show, stdin=given, tty=member.tty)
    try:
        async with anyio.create_task_group() as tasks:
            if pass_interrupts and not raw:
                tasks.start_soon(_pass_interrupt, session, place, member)
            with raw_terminal(raw=raw):
                async with passing_size(attached, passing=raw):
                    ended = await attached.wait()
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await attached.close()
    return ended.command_code


async def _pass_interrupt(session: Session, place: ProjectPlace, member: Member) -> None:
    """The first Ctrl-C goes to the program; the second ends this command."""
    await session.interrupted.wait()
    await place.signal(member.id, "SIGINT")
