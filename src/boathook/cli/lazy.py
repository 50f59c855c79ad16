"""A group of commands whose modules are imported only when they are used: a command pays for nothing but itself."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import click

from boathook.cli.entry import INTERRUPTED


class LazyGroup(click.Group):
    """Knows its commands' names and one-line helps without importing them.

    ``commands_at`` has for each name where the command is (``module:attribute``) and what the list of commands says
    of it; a command of which it says nothing is another name of one that it lists.
    """

    def __init__(self, *args: Any, commands_at: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands_at = commands_at

    def invoke(self, ctx: click.Context) -> Any:
        """Ctrl-C while a command's modules are imported ends it as it does later, and not as click would have it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, (_, text) in self.commands_at.items() if text]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands_at:
            return None
        module, _, attribute = self.commands_at[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.commands_at.items() if text])
