"""A backup in miniature, with a file for the file system: the hook freezes it, the debt thaws it.

It has no runtime: the hooks act on a file in the home, so that every moment of it can be killed in a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from boathook.codec import from_json, to_json
from boathook.events import RunFinished, RunStarted
from boathook.home import Home
from boathook.hooks import run_hook
from boathook.journal import Context, Obligation, ObligationState, Settled, owed
from boathook.model import Hook, Stream
from boathook.runtimes.base import ExecSpec, Exit, OutputSink
from tests.hooks.build import a_hook, an_exec
from tests.journal.build import TARGET, a_context

KIND = "test.thaw"


@dataclass(frozen=True, slots=True)
class FileTarget:
    """Runs ``freeze`` and ``thaw``, which make and remove a file."""

    home: Home

    @property
    def frozen(self) -> Path:
        return self.home.path / "frozen"

    async def exec(self, spec: ExecSpec, output: OutputSink) -> EndedAlready:
        output(Stream.STDOUT, b"done\n")
        if spec.command == ("freeze",):
            self.frozen.touch()
        else:
            self.frozen.unlink(missing_ok=True)
        return EndedAlready()


class EndedAlready:
    """An execution that took no time."""

    async def wait(self) -> Exit:
        return Exit(code=0, signal=None)

    async def kill(self) -> None:
        pass


async def backup(home: Home) -> None:
    """Freeze, (copy), thaw: what is frozen is owed before it is."""
    freeze, thaw = a_hook(an_exec("freeze")), a_hook(an_exec("thaw"))
    async with a_context(home, command="backup") as context:
        context.events.emit(RunStarted(title="backup", command="backup", place="here", facts=()))
        for _ in range(2):
            payload = {"hook": to_json(thaw)}
            async with owed(context, kind=KIND, target=TARGET, description="thaw", payload=payload):
                await run(context, home, freeze)
                await run(context, home, thaw)
        context.events.emit(RunFinished(succeeded=True, message=""))


async def run(context: Context, home: Home, hook: Hook) -> None:
    await run_hook(hook, TARGET, FileTarget(home), deadline=None, events=context.events, clock=context.clock)


async def settle(obligation: Obligation, context: Context, home: Home) -> Settled:
    """Thaw it, frozen or not."""
    await run(context, home, from_json(Hook, obligation.payload["hook"]))
    return Settled(ObligationState.MET, "thawed")
