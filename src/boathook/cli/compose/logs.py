"""``boathook compose logs``: what containers have written, and with ``--hooks`` what their hooks have."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from boathook.cli.compose.flags import ERROR, acting
from boathook.cli.compose.looking import project_or_name
from boathook.cli.compose.routing import project_place
from boathook.cli.compose.selection import Selection
from boathook.cli.session import Session, always, run
from boathook.errors import UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.compose.following import LogWishes, Shown
    from boathook.compose.hook_log import HookLine, HookLog
    from boathook.compose.place import Member, ProjectPlace
    from boathook.compose.showing.lines import PrefixedLines
    from boathook.home import Home
    from boathook.runtimes.base import LogLine

_LOOK_SECONDS = 0.2
"""How often the journal is looked at for what hooks write meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFlags:
    """The flags of ``logs`` as they are given."""

    follow: bool
    tail: str
    timestamps: bool
    since: str
    until: str
    no_prefix: bool
    no_color: bool
    index: int
    hooks: bool

    def wishes(self, now: datetime) -> LogWishes:
        """Raises ``UsageError``."""
        from boathook.compose.following import LogWishes

        return LogWishes(
            since=_moment("since", self.since, now),
            until=_moment("until", self.until, now),
            # What is no number, or is negative, means all to an engine.
            tail=int(self.tail) if self.tail.isascii() and self.tail.isdigit() else None,
        )

    def check(self, services: tuple[str, ...]) -> None:
        if self.index > 0 and len(services) != 1:
            raise UsageError("--index requires one service to be selected")


def _moment(flag: str, text: str, now: datetime) -> datetime | None:
    from boathook.compose.moments import parse_moment

    try:
        return parse_moment(text, now) if text else None
    except UsageError as error:
        raise UsageError(f'invalid value for "{flag}": {error}') from error


@click.command("logs")
@click.option("-f", "--follow", is_flag=True, help="Go on until all that runs has ended, or Ctrl-C.")
@click.option("-n", "--tail", default="all", metavar="NUMBER", help="Only so many of the last lines of each container.")
@click.option("-t", "--timestamps", is_flag=True, help="Put its time before each line.")
@click.option("--since", default="", metavar="WHEN", help="From a moment (2013-01-02T13:23:37Z) or so long ago (42m).")
@click.option("--until", default="", metavar="WHEN", help="Until a moment, or so long ago.")
@click.option("--no-log-prefix", "no_prefix", is_flag=True, help="Without the containers' names.")
@click.option("--no-color", is_flag=True, help="Without colours.")
@click.option("--index", type=int, default=0, metavar="NUMBER", help="Of which replica.")
@click.option("--hooks", is_flag=True, help="What their hooks have written, too, in order of time.")
@click.argument("services", nargs=-1)
@acting
@click.pass_obj
def logs_command(selection: Selection, /, services: tuple[str, ...], settings: Settings, **given: Any) -> None:
    """Show what the project's containers have written.

    What their hooks have written is not among it, but with --hooks, which has it from the journal.
    """
    flags = LogFlags(**given)

    async def work(session: Session) -> int:
        from boathook.clock import SystemClock
        from boathook.compose.choosing import refuse_unknown

        flags.check(services)
        now = SystemClock().now()
        wishes = flags.wishes(now)
        project, name = project_or_name(selection, services)
        if project is not None:
            refuse_unknown(services, project.names)
        attached = () if project is None else tuple(one.name for one in project.services if one.attach)
        chosen = services or attached
        place = await project_place(session)
        members = await _chosen(place, name, chosen, flags.index)
        logs = Logs(
            home=session.home,
            place=place,
            project=name,
            services=chosen,
            members=members,
            wishes=wishes,
            lines=_lines(selection, name, flags, members),
        )
        await logs.show(follow=flags.follow, hooks=flags.hooks, now=now)
        return 0

    run(work, settings, timeline=False, codes=always(ERROR))


async def _chosen(place: ProjectPlace, project: str, services: tuple[str, ...], index: int) -> list[Member]:
    from boathook.compose.choosing import listed, one_of

    members = await place.members(project)
    if index > 0:
        return [one_of(members, services[0], index, everything=True, oneoffs=False)]
    return listed(members, services=services)


def _lines(selection: Selection, project: str, flags: LogFlags, members: Collection[Member]) -> PrefixedLines:
    """All goes to the standard output, as with the peer."""
    from boathook.compose.model import short_name
    from boathook.compose.showing.lines import PrefixedLines

    return PrefixedLines(
        click.echo,
        tuple(short_name(project, member.name) for member in members),
        colored=selection.display.is_colored() and not flags.no_color,
        prefix=not flags.no_prefix,
        timestamps=flags.timestamps,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """What one command shows."""

    home: Home
    place: ProjectPlace
    project: str
    services: tuple[str, ...]
    members: Collection[Member]
    wishes: LogWishes
    lines: PrefixedLines

    async def show(self, *, follow: bool, hooks: bool, now: datetime) -> None:
        from boathook.compose.following import show_logs

        if follow:
            await self._follow(hooks=hooks, now=now)
        elif hooks:
            await self._merged()
        else:
            await show_logs(self.place, self.members, self.wishes, self._shown())

    def _shown(self) -> Shown:
        from boathook.compose.following import Shown
        from boathook.compose.model import short_name

        return Shown(line=self._line, ended=lambda name, text: self.lines.status(short_name(self.project, name), text))

    def _line(self, name: str, line: LogLine) -> None:
        from boathook.compose.model import short_name

        self.lines.line(short_name(self.project, name), line.text, at=line.time)

    async def _merged(self) -> None:
        """Containers and hooks in order of time."""
        from boathook.compose.following import merged_logs

        pending = self._hook_log().past(all_of_it=True)
        async for name, line in merged_logs(self.place, self.members, self.wishes):
            while pending and pending[0].at <= line.time:
                _show_hook(self.lines, pending.pop(0))
            self._line(name, line)
        for one in pending:
            _show_hook(self.lines, one)

    def _hook_log(self) -> HookLog:
        """Of what has happened since the oldest container that stands was made."""
        from boathook.compose.hook_log import HookLog

        since = self.wishes.since or min((member.created for member in self.members), default=None)
        return HookLog(
            home=self.home, project=self.project, services=self.services, since=since, until=self.wishes.until
        )

    async def _follow(self, *, hooks: bool, now: datetime) -> None:
        import anyio

        from boathook.compose.following import LogFollower

        follower = LogFollower(
            place=self.place,
            project=self.project,
            services=self.services,
            wishes=self.wishes,
            shown=self._shown(),
            began=now,
        )
        async with anyio.create_task_group() as tasks:
            if hooks:
                tasks.start_soon(_follow_hooks, self._hook_log(), lambda one: _show_hook(self.lines, one))
            await follower.run(self.members)
            tasks.cancel_scope.cancel()


def _show_hook(lines: PrefixedLines, line: HookLine) -> None:
    lines.line(line.source, line.text, at=line.at)


async def _follow_hooks(log: HookLog, show: Callable[[HookLine], None]) -> None:
    """Until it is cancelled."""
    import anyio

    while True:
        for line in log.past(all_of_it=False):
            show(line)
        await anyio.sleep(_LOOK_SECONDS)
