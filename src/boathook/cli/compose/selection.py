"""Which Compose project a command is about: what stands before the command on its line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boathook.cli.compose.display import DEFAULT, Display

if TYPE_CHECKING:
    from boathook.compose.model import Project
    from boathook.compose.reading.files import ProjectOptions
    from boathook.compose.reading.loading import Loaded
    from boathook.compose.standing import Origin
    from boathook.model import Finding


@dataclass(frozen=True, slots=True)
class Selection:
    """Which project is meant: by files, by name, or by where we are; and how what happens to it is shown."""

    options: ProjectOptions
    display: Display = DEFAULT
    parallel: int = 0
    """How many containers are worked on at once; 0: no limit."""

    @property
    def name(self) -> str | None:
        return self.options.name

    def is_anywhere(self) -> bool:
        """Whether files are given, or found from here."""
        from boathook.compose.reading.files import completed

        return bool(completed(self.options, os.environ).files)

    def load(self, services: tuple[str, ...] = ()) -> Project:
        """The project; what was said about it goes to stderr."""
        from boathook.compose.parse import parse_loaded

        parsed = parse_loaded(self.loaded(services))
        warn(parsed.warnings)
        return parsed.project

    def loaded(self, services: tuple[str, ...] = ()) -> Loaded:
        """Its files as one, not looked at any closer."""
        from boathook.compose.reading.files import load_files

        return load_files(self.options, os.environ, services=services)

    def of(self, origin: Origin) -> Selection:
        """The same, of the files that containers were made from."""
        directory = self.options.directory or (Path(origin.directory) if origin.directory else None)
        env_files = self.options.env_files or origin.environment_files
        options = replace(self.options, files=origin.files, directory=directory, env_files=env_files)
        return replace(self, options=options)


def warn(findings: Sequence[Finding]) -> None:
    """Say on stderr what was found."""
    for finding in findings:
        click.echo(f"{finding.severity}: {finding}", err=True)
