"""Log lines of a project as attached ``up`` shows them: ``app-1  | text``, and of hooks: ``app-1 ->  | text``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime

from boathook import events as e
from boathook.model import Hook, RunContainer, Stream, Target
from boathook.runtimes.base import LogLine

COLORS = ("36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1")
"""The peer's, in its order (formatter/colors.go): each new source takes the next."""


class PrefixedLines:
    """Puts the source's name before each line; columns grow with the longest name seen (spec 6).

    ``write`` takes what belongs on the standard output, ``write_error`` what containers wrote to their stderr (None:
    the same). Sources that begin with the same word share a colour: ``app-1`` and ``app-1 ->``.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        names: tuple[str, ...] = (),
        *,
        write_error: Callable[[str], None] | None = None,
        colored: bool = False,
        prefix: bool = True,
        timestamps: bool = False,
    ) -> None:
        self._write = write
        self._write_error = write_error or write
        self._width = max((len(name) for name in names), default=0)
        self._colored = colored
        self._prefix = prefix
        self._timestamps = timestamps
        self._colors: dict[str, str] = {}

    def line(self, name: str, text: str, *, stream: Stream = Stream.STDOUT, at: datetime | None = None) -> None:
        """One whole line of ``name``. ``at``: when it was written."""
        if self._timestamps and at is not None:
            text = f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z {text}"
        self._width = max(self._width, len(name))
        before = self._paint(name, f"{name:<{self._width + 1}} | ") if self._prefix else ""
        (self._write if stream is Stream.STDOUT else self._write_error)(before + text)

    def status(self, name: str, text: str) -> None:
        """What became of a source: ``app-1 exited with code 0``."""
        self._write(self._paint(name, f"{name} {text}"))

    def _paint(self, name: str, text: str) -> str:
        if not self._colored:
            return text
        color = self._colors.setdefault(name.partition(" ")[0], COLORS[len(self._colors) % len(COLORS)])
        return f"\033[{color}m{text}\033[0m"


async def show_log(log: AsyncIterator[LogLine], name: str, lines: PrefixedLines) -> datetime | None:
    """Show a container's log; parts of one line come as one, and a last line need not be ended.

    When the last line was written; None: there was none.
    """
    last: datetime | None = None
    rest: dict[Stream, tuple[str, datetime]] = {}
    async for line in log:
        last = line.time
        text, _ = rest.pop(line.stream, ("", line.time))
        if line.partial:
            rest[line.stream] = (text + line.text, line.time)
        else:
            lines.line(name, text + line.text, stream=line.stream, at=line.time)
    for stream, (text, time) in rest.items():
        lines.line(name, text, stream=stream, at=time)
    return last


class HookLines:
    """A listener that shows the output of hooks line by line; a last line without an end is shown when they end."""

    def __init__(self, lines: PrefixedLines) -> None:
        self._lines = lines
        self._rest: dict[tuple[Target, str, Stream], str] = {}

    def __call__(self, stamped: e.Stamped) -> None:
        match stamped.event:
            case e.HookOutput(target=target, hook=hook, stream=stream, text=text):
                self._take(target, hook, stream, text, stamped.wall)
            case e.HookFinished(result=result):
                for stream in Stream:
                    if rest := self._rest.pop((result.target, result.hook.name, stream), ""):
                        self._show(result.target, result.hook, rest, stamped.wall)
            case _:
                pass

    def _take(self, target: Target, hook: Hook, stream: Stream, text: str, at: datetime) -> None:
        key = (target, hook.name, stream)
        # Only "\n" ends a line: a bare "\r" stays inside it, as in the peer (spec 6).
        *whole, self._rest[key] = (self._rest.get(key, "") + text).split("\n")
        for line in whole:
            self._show(target, hook, line, at)

    def _show(self, target: Target, hook: Hook, text: str, at: datetime) -> None:
        """Whatever stream it was written to, it is shown on the standard output (spec 6). The time is ours."""
        self._lines.line(source_of(target, hook), text, at=at)


def source_of(target: Target, hook: Hook) -> str:
    """``app-1 ->``; of a hook in a container of its own ``app pre_start[0] ->`` (spec 9)."""
    if isinstance(hook.handler, RunContainer):
        service = service_of(hook)
        return f"{service} {hook.name} ->"
    return f"{target.name} ->"


def service_of(hook: Hook) -> str:
    """From where it stands: ``services.app.post_start[0]``, a name with a dot in brackets."""
    name = hook.source.path.removeprefix("services").removesuffix(f".{hook.name}")
    return name[1:-1] if name.startswith("[") else name.removeprefix(".")
