"""Wrong command lines in the peer's words: what click found, as the peer's own parser says it."""

from __future__ import annotations

import re
from typing import IO, Any

import click

from boathook.cli.compose.flags import ERROR


class WrongCommandLine(click.UsageError):
    """A usage error with the peer's text and exit code."""

    exit_code = ERROR

    def show(self, file: IO[Any] | None = None) -> None:
        """The text alone, and where the options are described."""
        click.echo(self.message, file=file, err=file is None)
        if self.ctx is not None:
            click.echo(f"hint: see {self.ctx.command_path} --help", file=file, err=file is None)


def in_peers_words(error: click.UsageError) -> WrongCommandLine:
    """The same mistake as the peer tells it."""
    return WrongCommandLine(_text(error), error.ctx)


def _text(error: click.UsageError) -> str:
    match error:
        case click.NoSuchOption(option_name=name) if name.startswith("--"):
            return f"unknown flag: {name}"
        case click.NoSuchOption(option_name=name):
            return f"unknown shorthand flag: '{name[1:]}' in {name}"
        case click.BadOptionUsage(option_name=name) if "requires an argument" in error.message:
            return f"flag needs an argument: {_named(name)}"
        case click.MissingParameter(param=click.Argument()):
            return "requires at least 1 arg(s), only received 0"
        case click.BadParameter(param=click.Option() as option):
            return _bad_value(option, error)
        case _ if found := re.fullmatch(r"No such command '(.*)'\.", error.message):
            return f'unknown command: "compose {found[1]}"'
        case _:
            return error.format_message()


def _named(option: str) -> str:
    return option if option.startswith("--") else f"'{option[1:]}' in {option}"


def _bad_value(option: click.Option, error: click.BadParameter) -> str:
    flag = ", ".join(sorted(option.opts, key=len))
    if found := re.match(r"'(.*)' is not a valid integer", error.message):
        value = found[1]
        return f'invalid argument "{value}" for "{flag}" flag: strconv.ParseInt: parsing "{value}": invalid syntax'
    return f'invalid argument for "{flag}" flag: {error.message.rstrip(".")}'
