"""How a Compose command shows what it does: progress lines on stderr, and colours where they are wanted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

import click

from boathook.errors import UsageError

if TYPE_CHECKING:
    from boathook.compose.model import Project
    from boathook.events import Listener

AUTO, PLAIN, TTY, JSON, QUIET = "auto", "plain", "tty", "json", "quiet"
PROGRESS = (AUTO, TTY, PLAIN, JSON, QUIET)
NEVER, ALWAYS = "never", "always"
ANSI = (NEVER, ALWAYS, AUTO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """What ``--progress`` and ``--ansi`` say. Lines are plain on a terminal, too."""

    progress: str = AUTO
    ansi: str = AUTO

    @classmethod
    def of(cls, progress: str | None, ansi: str | None) -> Display:
        """Of the flags, else of the peer's variables. Raises ``UsageError`` for what it does not know."""
        progress = progress or os.environ.get("COMPOSE_PROGRESS") or AUTO
        ansi = ansi or os.environ.get("COMPOSE_ANSI") or AUTO
        if progress not in PROGRESS:
            raise UsageError(f'unsupported --progress value "{progress}"')
        if ansi not in ANSI:
            raise UsageError(f'unsupported --ansi value "{ansi}"')
        return cls(progress=progress, ansi=ansi)

    @property
    def tells_people(self) -> bool:
        """Whether more than the peer's own lines may be shown on stderr: neither data nor nothing was asked for."""
        return self.progress not in (JSON, QUIET)

    def listeners(
        self, project: Project, *, names: Iterable[str] = (), quiet: frozenset[str] = frozenset()
    ) -> list[Listener]:
        """Those that show progress. ``names``: of one-off containers; ``quiet``: as ``Progress``."""
        from boathook.compose.model import short_name
        from boathook.compose.showing.progress import Progress

        if self.progress == QUIET:
            return []
        named = (*names, *(service.container_name for service in project.services if service.container_name))
        full = {short_name(project.name, name): name for name in named}
        as_json = self.progress == JSON
        return [Progress(lambda line: click.echo(line, err=True), full, as_json=as_json, quiet=quiet)]

    def is_colored(self, stream: TextIO | None = None) -> bool:
        """Whether colours go to a stream (None: the standard output)."""
        if self.ansi == ALWAYS:
            return True
        stream = stream or sys.stdout
        return self.ansi != NEVER and not os.environ.get("NO_COLOR") and stream.isatty()


DEFAULT = Display()
