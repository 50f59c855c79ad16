"""Log lines of a project as attached ``up`` shows them: ``app-1  | text``, and of hooks: ``app-1 ->  | text``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from boathook import events as e
from boathook.model import Hook, Stream, Target
from boathook.runtimes.base import LogLine


class PrefixedLines:
    """Puts the source's name before each line; columns grow with the longest name seen (spec 6)."""

    def __init__(self, write: Callable[[str], None], names: tuple[str, ...] = ()) -> None:
        self._write = write
        self._width = max((len(name) for name in names), default=0)

    def line(self, name: str, text: str) -> None:
        """One whole line of ``name``."""
        self._width = max(self._width, len(name))
        self._write(f"{name:<{self._width + 1}} | {text}")


async def show_log(log: AsyncIterator[LogLine], name: str, lines: PrefixedLines) -> None:
    """Show a container's log; parts of one line come as one, and a last line need not be ended."""
    text = ""
    async for line in log:
        text += line.text
        if not line.partial:
            lines.line(name, text)
            text = ""
    if text:
        lines.line(name, text)


class HookLines:
    """A listener that shows the output of hooks line by line; a last line without an end is shown when they end."""

    def __init__(self, lines: PrefixedLines) -> None:
        self._lines = lines
        self._rest: dict[tuple[Target, str, Stream], str] = {}

    def __call__(self, stamped: e.Stamped) -> None:
        match stamped.event:
            case e.HookOutput(target=target, hook=hook, stream=stream, text=text):
                self._take(target, hook, stream, text)
            case e.HookFinished(result=result):
                for stream in Stream:
                    if rest := self._rest.pop((result.target, result.hook.name, stream), ""):
                        self._show(result.target, rest)
            case _:
                pass

    def _take(self, target: Target, hook: Hook, stream: Stream, text: str) -> None:
        key = (target, hook.name, stream)
        # Only "\n" ends a line: a bare "\r" stays inside it, as in the peer (spec 6).
        *whole, self._rest[key] = (self._rest.get(key, "") + text).split("\n")
        for line in whole:
            self._show(target, line)

    def _show(self, target: Target, text: str) -> None:
        self._lines.line(f"{target.name} ->", text)
