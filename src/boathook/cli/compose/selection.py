"""Which Compose project a command is about: what stands before the command on its line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from boathook.compose.files import ProjectOptions
    from boathook.compose.loading import Loaded
    from boathook.compose.model import Project
    from boathook.model import Finding


@dataclass(frozen=True, slots=True)
class Selection:
    """Which project is meant: by files, by name, or by where we are."""

    options: ProjectOptions

    @property
    def name(self) -> str | None:
        return self.options.name

    def is_anywhere(self) -> bool:
        """Whether files are given, or found from here."""
        from boathook.compose.files import completed

        return bool(completed(self.options, os.environ).files)

    def load(self, files: tuple[str, ...] = (), services: tuple[str, ...] = ()) -> Project:
        """The project (of these files, if any); what was said about it goes to stderr."""
        from boathook.compose.parse import parse_loaded

        parsed = parse_loaded(self.loaded(files, services))
        warn(parsed.warnings)
        return parsed.project

    def loaded(self, files: tuple[str, ...] = (), services: tuple[str, ...] = ()) -> Loaded:
        """Its files as one, not looked at any closer."""
        from boathook.compose.files import load_files

        options = replace(self.options, files=files) if files else self.options
        return load_files(options, os.environ, services=services)


def warn(findings: Sequence[Finding]) -> None:
    """Say on stderr what was found."""
    for finding in findings:
        click.echo(f"{finding.severity}: {finding}", err=True)
