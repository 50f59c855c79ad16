"""``boathook compose``: projects up and down with their hooks. Commands, exit codes and texts are Docker Compose's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from boathook.cli.compose.selection import Selection
from boathook.cli.lazy import LazyGroup

_HERE = "boathook.cli.compose"
COMMANDS = {
    "up": (f"{_HERE}.lifecycle:up_command", "Create and start services"),
    "down": (f"{_HERE}.lifecycle:down_command", "Stop and remove services"),
    "stop": (f"{_HERE}.lifecycle:stop_command", "Stop services after their pre_stop hooks"),
    "kill": (f"{_HERE}.lifecycle:kill_command", "End services at once, without hooks"),
    "ps": (f"{_HERE}.lifecycle:ps_command", "List containers"),
    "logs": (f"{_HERE}.lifecycle:logs_command", "Show what containers have written"),
    "config": (f"{_HERE}.config:config", "Print the project as it is understood"),
}
NOT_YET = frozenset(
    {
        "attach",
        "bridge",
        "build",
        "commit",
        "cp",
        "create",
        "events",
        "exec",
        "export",
        "images",
        "ls",
        "pause",
        "port",
        "publish",
        "pull",
        "push",
        "restart",
        "rm",
        "run",
        "scale",
        "start",
        "stats",
        "top",
        "unpause",
        "version",
        "volumes",
        "wait",
        "watch",
    }
)
"""The peer's other commands."""

ERROR = 1
"""Every error of the peer's ends with 1."""


class WrongCommandLine(click.UsageError):
    """A usage error with the peer's exit code."""

    exit_code = ERROR


@contextmanager
def _ending_with_1() -> Iterator[None]:
    """A wrong command line ends with 1, too (spec 13.6)."""
    try:
        yield
    except click.UsageError as error:
        raise WrongCommandLine(error.format_message(), error.ctx) from error


class ComposeGroup(LazyGroup):
    """Names the peer's commands that are not there, instead of calling them unknown."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _ending_with_1():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _ending_with_1():
            return super().invoke(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands_at and cmd_name in NOT_YET:
            click.echo(f'error: "compose {cmd_name}" is not there yet', err=True)
            ctx.exit(ERROR)
        return super().get_command(ctx, cmd_name)


@click.group(cls=ComposeGroup, commands_at=COMMANDS)
@click.option("-f", "--file", "files", multiple=True, help="A Compose file; later ones are merged over earlier ones.")
@click.option("-p", "--project-name", "name", help="The project's name.")
@click.option("--profile", "profiles", multiple=True, help="A profile to enable; * for all.")
@click.option("--env-file", "env_files", multiple=True, help="A file of variables, instead of .env.")
@click.option("--project-directory", "directory", type=click.Path(path_type=Path), help="Where relative paths start.")
@click.pass_context
def compose(
    ctx: click.Context,
    files: tuple[str, ...],
    name: str | None,
    profiles: tuple[str, ...],
    env_files: tuple[str, ...],
    directory: Path | None,
) -> None:
    """Bring Compose projects up and down with their post_start and pre_stop hooks.

    The containers of a project share one network namespace, in which each service's name means 127.0.0.1.
    """
    from boathook.compose.files import ProjectOptions

    ctx.obj = Selection(
        ProjectOptions(
            cwd=Path.cwd(), files=files, name=name, directory=directory, env_files=env_files, profiles=profiles
        )
    )
