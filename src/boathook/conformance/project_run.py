"""One run of a case of a Compose project: its files written and loaded, what is done with it, and what is seen then."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, assert_never

import anyio

from boathook.clock import SystemClock
from boathook.compose.leaving_nothing import leave_nothing
from boathook.compose.options import (
    DownOptions,
    KillOptions,
    RemoveOptions,
    RestartOptions,
    RunOptions,
    StartOptions,
    StopOptions,
    UpOptions,
)
from boathook.compose.reading.files import load_project
from boathook.compose.remembered import HeardPast
from boathook.conformance.commands import Command, words_of
from boathook.conformance.model import CaseFile, ProjectCase
from boathook.conformance.noting import POLL_SECONDS, Noting, uptime
from boathook.conformance.place import ProjectCasePlace
from boathook.conformance.programs import DIRECTORY, PROGRAMS
from boathook.conformance.told import told_lines
from boathook.conformance.trace import TraceLine, parse_trace
from boathook.errors import BoathookError, ManifestError, PlaceError
from boathook.events import EventStream, HookFinished, Noted, Stamped
from boathook.journal import Context, MemoryObligations
from boathook.model import Stream
from boathook.runtimes.base import ExecSpec

if TYPE_CHECKING:
    from boathook.compose.parse import Parsed
    from boathook.compose.place import Member
    from boathook.compose.project import ProjectWorker

T = TypeVar("T")

PAUSE_ATTEMPTS = 5
_ID = re.compile(r"\b[0-9a-f]{12,64}\b")
FILES = ("compose.yaml", "compose.override.yaml")
SHOWN_NAME = "demo"
"""What stands for the run's own project name where it is shown."""
NONE = "gone"
"""How a service is that has no container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a program that a case ran in a container."""

    code: int | None
    stdout: str


class ProjectRun(Noting):
    """A case's run of a project, handed to the case."""

    def __init__(self, case: ProjectCase, place: ProjectCasePlace, *, directory: Path) -> None:
        super().__init__(shared=directory / DIRECTORY, slack=place.slack)
        self.case = case
        self.place = place
        self.directory = directory
        self.name = f"case-{uuid.uuid4().hex[:8]}"
        """The project's: another one each time, so that cases do not meet."""
        self.heard: list[Stamped] = []
        self._events = EventStream()
        self._read_from = 0
        """Where the trace of the present command begins."""
        self._context = Context(events=self._events, clock=SystemClock(), obligations=MemoryObligations())
        self.write(*case.files)
        self._make_demo()

    # The files.

    def write(self, *files: CaseFile) -> None:
        """Put files into the project's directory, over what they were before."""
        for file in files:
            (self.directory / file.name).write_text(file.text)

    def change(self, old: str, new: str) -> None:
        """Edit ``compose.yaml``."""
        file = self.directory / "compose.yaml"
        before = file.read_text()
        assert old in before, f'"{old}" does not stand in the file'
        file.write_text(before.replace(old, new))
        self._did(f"change {old.strip()} to {new.strip() or 'nothing'}")
        self.log(f"# {' '.join(old.split())} becomes {' '.join(new.split())}" if new.strip() else f"# without {old}")

    def load(self) -> Parsed:
        """The project as its files mean it now. Nothing of this process's environment is seen."""
        files = [self.directory / name for name in compose_files(self.case)]
        return load_project(*files, name=self.name, environment={})

    def _make_demo(self) -> None:
        """What containers of any user see, run and write to."""
        self.shared.mkdir()
        self.shared.chmod(0o777)
        for name, text in PROGRAMS.items():
            (self.shared / name).write_text(text)
            (self.shared / name).chmod(0o755)
        (self.shared / "trace").touch()
        (self.shared / "trace").chmod(0o666)

    # What it does.

    async def do(self, command: Command, *, fails: str = "") -> float:
        """Do what the command line would do; how many seconds it took.

        ``fails``: it must, with a message that has this in it.
        """
        return await self._act(words_of(command), lambda: self._done(command), fails)

    async def pause(self, *services: str) -> None:
        await self._act(f"pause {' '.join(services)}", lambda: self._pause(services))

    async def _pause(self, services: Sequence[str]) -> None:
        """Ask again where an engine's runtime gives up on a busy container (runc, cgroups/fs/freezer.go)."""
        for left in reversed(range(PAUSE_ATTEMPTS)):
            try:
                await self._worker().pause(services)
            except PlaceError as error:
                if "unable to freeze" not in str(error) or not left:
                    raise
                await anyio.sleep(10 * POLL_SECONDS)
            else:
                return

    async def unpause(self, *services: str) -> None:
        await self._act(f"unpause {' '.join(services)}", lambda: self._worker().unpause(services))

    async def exec(self, service: str, *command: str, number: int = 1) -> Ran:
        """Run a program in a container, to its end."""
        written = bytearray()

        def keep(stream: Stream, data: bytes) -> None:
            if stream is Stream.STDOUT:
                written.extend(data)

        async def work() -> Ran:
            container = await self.member(service, number)
            execution = await self.place.projects.exec(container.id, ExecSpec(command=command), keep)
            return Ran(code=(await execution.wait()).code, stdout=written.decode(errors="replace"))

        ran: list[Ran] = []

        async def noted() -> None:
            ran.append(await work())

        await self._act(f"exec {service} {' '.join(command)}", noted)
        return ran[0]

    async def engine(self, words: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do something to a container that is no command of ours."""
        self._did(words)
        self.log(f"# {words}")
        await work()

    async def _act(self, words: str, work: Callable[[], Awaitable[object]], fails: str = "") -> float:
        self._read_from = len(self.read("trace"))
        self._did(f"boathook compose {words}")
        self.log(f"$ boathook compose {words}")
        began, said = uptime(), ""
        with self._events.listening(self.heard.append):
            try:
                await work()
            except BoathookError as error:
                said = str(error)
        if fails:
            self.expect(f"{words} fails", fails, said or "it succeeded", ok=fails in said)
            first, *further = self._shown(said).splitlines()
            self.logged += [f"(exit code 1) {first}", *(f"  {line}" for line in further)]
        else:
            self.expect(f"{words} succeeds", "it succeeded", said or "it succeeded")
        return uptime() - began

    async def _done(self, command: Command) -> None:
        worker = self._worker()
        match command:
            case UpOptions():
                await worker.up(command)
            case StartOptions():
                await worker.start(command)
            case StopOptions():
                await worker.stop(command)
            case RestartOptions():
                await worker.restart(command)
            case DownOptions():
                await worker.down(command)
            case RemoveOptions():
                await worker.remove(command)
            case KillOptions():
                await worker.kill(command)
            case RunOptions():
                await worker.start_oneoff(await worker.create_oneoff(command), command.hooks)
            case _:
                assert_never(command)

    def _worker(self) -> ProjectWorker:
        """A new one for each command, as each command line has."""
        from boathook.compose.project import ProjectWorker

        project, past = self.load().project, HeardPast(self.heard)
        return ProjectWorker(project=project, place=self.place.projects, context=self._context, past=past)

    # What it sees.

    def trace(self) -> tuple[TraceLine, ...]:
        """What was said since the last command began."""
        return parse_trace(self.read("trace")[self._read_from :])

    async def members(self, service: str = "") -> tuple[Member, ...]:
        """The containers that stand, oldest first."""
        found = await self.place.projects.members(self.name)
        return tuple(one for one in found if service in ("", one.service))

    async def member(self, service: str, number: int = 1) -> Member:
        """The container of that number, which must be there."""
        found = [one for one in await self.members(service) if one.number == number and not one.oneoff]
        self.expect(f"there is a container {number} of {service}", 1, len(found))
        return found[0]

    async def states(self) -> Mapping[str, str]:
        """By service: the state of its containers, without one-offs."""
        found: dict[str, list[str]] = {}
        for one in await self.members():
            if not one.oneoff:
                found.setdefault(one.service, []).append(one.status.value)
        return {service: ", ".join(states) for service, states in found.items()}

    async def expect_states(self, **services: str) -> None:
        """How the containers of services are: ``app="running"``; ``gone`` where there is none."""
        found = await self.states()
        observed = {service: found.get(service, NONE) for service in services}
        self.expect("the containers", _listed(services), _listed(observed))
        self.log(f"{_listed(services)}")

    async def until_state(self, service: str, state: str, *, within: float = 20.0) -> None:
        """Until the containers of a service are so."""
        found = ""
        with anyio.move_on_after(within + self.place.slack):
            while (found := (await self.states()).get(service, NONE)) != state:  # noqa: ASYNC110  nobody tells
                await anyio.sleep(10 * POLL_SECONDS)
        self.expect(f"{service} becomes {state}", state, found)
        self.log(f"{service} is {state}")

    async def expect_logs(self, service: str, *lines: str) -> None:
        """All that a container has written."""
        container = (await self.member(service)).id
        written = [line.text async for line in self.place.projects.logs(container)]
        self.expect(f"the logs of {service}", ", ".join(lines), ", ".join(written))
        self.log(f"$ boathook compose logs --no-log-prefix {service}")
        for line in lines:
            self.log(f"  {line}")

    def hook_outputs(self) -> list[list[str]]:
        """The lines that each hook wrote on its standard output, in the order of their ends."""
        results = [one.event.result for one in self.heard if isinstance(one.event, HookFinished)]
        return [result.stdout.text.splitlines() for result in results if result.stdout is not None]

    def see(self, *whats: str) -> None:
        """These things were said one after another, and the page shows them."""
        self.expect_order(*whats)
        codes = {line.what: line.code for line in reversed(self.trace())}
        for what in whats:
            self.log(f"  {what} with {codes[what]}" if codes[what] else f"  {what}")

    def never(self, what: str) -> None:
        """No program has said so."""
        self.expect(f"{what} was said", "never", "never" if not self.said(what) else f"{self.said(what)} times")

    def expect_said(self, what: str, count: int) -> None:
        """How often a program has said so."""
        self.expect(f"how often {what} was said", count, self.said(what))

    def expect_notice(self, part: str) -> None:
        """Something like this was said, and stopped nothing."""
        said = [one.event.finding.message for one in self.heard if isinstance(one.event, Noted)]
        found = [message for message in said if part in message]
        self.expect(f"it is said: {part}", part, "; ".join(found or said) or "nothing", ok=bool(found))
        self.log(f"  warning: {self._shown(found[-1])}")

    def expect_overlap(self, *hooks: str) -> None:
        """These hooks ran at the same time."""
        begun = max(self.when(f"{hook} begins") for hook in hooks)
        ended = min(self.when(f"{hook} ends") for hook in hooks)
        between = f"{ended - begun:.2f} s together"
        self.expect(f"{' and '.join(hooks)} overlap", "they do", between, ok=begun <= ended)
        self.log(f"  {' and '.join(hooks)} run at the same time")

    def expect_turns(self, hook: str, count: int, *, together: bool) -> None:
        """So many runs of one hook (of several containers): one after another, or all at the same time."""
        lines = [line.what.removeprefix(f"{hook} ") for line in self.trace() if line.what.startswith(f"{hook} ")]
        wanted = ["begins"] * count + ["ends"] * count if together else ["begins", "ends"] * count
        self.expect(f"the runs of {hook}", ", ".join(wanted), ", ".join(lines))
        self.log(f"  {hook} runs {count} times, {'at the same time' if together else 'one after another'}")

    def _shown(self, text: str) -> str:
        """With nothing in it that is this run's own."""
        plain = text.replace(f"{self.directory}/", "").replace(self.name, SHOWN_NAME)
        return _ID.sub("…", plain)

    def told(self) -> list[tuple[float, str]]:
        """What was told, and what was said before the last command, with the seconds since the case began."""
        before = parse_trace(self.read("trace")[: self._read_from])
        said = [(line.at - self.began, f"  {line}") for line in before]
        return said + told_lines(self.heard, self.began_wall)

    async def clean(self) -> None:
        """Take away what the case has made, without hooks, whatever became of it."""
        try:
            project = self.load().project
        except ManifestError:
            project = None
        await leave_nothing(self.place.projects, self.name, project, self._events)


def compose_files(case: ProjectCase) -> tuple[str, ...]:
    """The names of those that make the project; what is only extended or read from is called otherwise."""
    return tuple(file.name for file in case.files if file.name in FILES)


def _listed(states: Mapping[str, str]) -> str:
    return ", ".join(f"{service} is {state}" for service, state in states.items())
