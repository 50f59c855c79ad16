"""``boathook compose``: projects up and down with their hooks. Commands, exit codes and texts are Docker Compose's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from boathook.cli.compose.display import Display
from boathook.cli.compose.flags import ERROR
from boathook.cli.compose.selection import Selection
from boathook.cli.lazy import LazyGroup
from boathook.cli.session import always, told
from boathook.errors import UsageError

_HERE = "boathook.cli.compose"
COMMANDS = {
    "up": (f"{_HERE}.up:up_command", "Create and start services"),
    "create": (f"{_HERE}.starting:create_command", "Create containers without starting them"),
    "start": (f"{_HERE}.starting:start_command", "Start containers that are there, with their post_start hooks"),
    "stop": (f"{_HERE}.stopping:stop_command", "Stop services after their pre_stop hooks"),
    "restart": (f"{_HERE}.starting:restart_command", "Restart services with their hooks"),
    "down": (f"{_HERE}.stopping:down_command", "Stop and remove services"),
    "rm": (f"{_HERE}.stopping:rm_command", "Remove containers that have stopped"),
    "kill": (f"{_HERE}.stopping:kill_command", "End services at once, without hooks"),
    "scale": (f"{_HERE}.starting:scale_command", "Have so many containers of a service"),
    "pause": (f"{_HERE}.starting:pause_command", "Halt services where they are"),
    "unpause": (f"{_HERE}.starting:unpause_command", "Let halted services go on"),
    "run": (f"{_HERE}.running:run_command", "Run a command in a new container of a service"),
    "wait": (f"{_HERE}.waiting:wait_command", "Wait until services have ended"),
    "ps": (f"{_HERE}.listing:ps_command", "List containers"),
    "ls": (f"{_HERE}.listing:ls_command", "List projects"),
    "images": (f"{_HERE}.listing:images_command", "List the images that containers were made of"),
    "volumes": (f"{_HERE}.listing:volumes_command", "List volumes"),
    "port": (f"{_HERE}.listing:port_command", "Print where the machine listens for a port"),
    "top": (f"{_HERE}.listing:top_command", "Show the processes of containers"),
    "version": (f"{_HERE}.listing:version_command", "Show the version"),
    "logs": (f"{_HERE}.logs:logs_command", "Show what containers have written, and their hooks"),
    "exec": (f"{_HERE}.entering:exec_command", "Run a program in a running container"),
    "attach": (f"{_HERE}.entering:attach_command", "Attach this terminal to a running container"),
    "cp": (f"{_HERE}.copying:cp_command", "Copy files into containers and out of them"),
    "events": (f"{_HERE}.watching:events_command", "Show what happens to containers"),
    "pull": (f"{_HERE}.making:pull_command", "Pull images"),
    "build": (f"{_HERE}.making:build_command", "Build images"),
    "plan": (f"{_HERE}.planning:plan_command", "Show what up and down would do, without doing it"),
    "shutdown-unit": (
        f"{_HERE}.shutdown_unit:shutdown_unit_command",
        "Print a systemd unit that runs pre_stop hooks when the machine goes down",
    ),
    "config": (f"{_HERE}.config:config", "Print the project as it is understood"),
}
NOT_HERE = {
    "alpha": "",
    "bridge": "",
    "commit": "docker commit CONTAINER [NAME]; boathook compose ps has the names of containers",
    "convert": "boathook compose config",
    "export": "docker export CONTAINER; boathook compose ps has the names of containers",
    "publish": "",
    "push": "docker push IMAGE; boathook compose config --images has the images",
    "stats": "docker stats CONTAINER...; boathook compose ps has the names of containers",
    "viz": "",
    "watch": "",
}
"""The peer's other commands, and what can be done instead."""


@contextmanager
def _in_peers_words() -> Iterator[None]:
    """A wrong command line ends with 1, too (spec 13.6)."""
    try:
        yield
    except click.UsageError as error:
        from boathook.cli.compose.mistakes import in_peers_words

        raise in_peers_words(error) from error


class ComposeGroup(LazyGroup):
    """Names the peer's commands that are not there, instead of calling them unknown."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _in_peers_words():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _in_peers_words():
            return super().invoke(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands_at and cmd_name in NOT_HERE:
            click.echo(f'error: "compose {cmd_name}" is not supported', err=True)
            if hint := NOT_HERE[cmd_name]:
                click.echo(f"hint: {hint}", err=True)
            ctx.exit(ERROR)
        return super().get_command(ctx, cmd_name)


@click.group(cls=ComposeGroup, commands_at=COMMANDS)
@click.option("-f", "--file", "files", multiple=True, help="A Compose file; later ones are merged over earlier ones.")
@click.option("-p", "--project-name", "name", help="The project's name.")
@click.option("--profile", "profiles", multiple=True, help="A profile to enable; * for all.")
@click.option("--env-file", "env_files", multiple=True, help="A file of variables, instead of .env.")
@click.option("--project-directory", "directory", type=click.Path(path_type=Path), help="Where relative paths start.")
@click.option("--parallel", type=int, help="How many containers are worked on at once; -1 (default): no limit.")
@click.option("--progress", metavar="STYLE", help="What is shown on stderr: auto, tty, plain, json or quiet.")
@click.option("--ansi", metavar="WHEN", help="Colours: never, always or auto.")
@click.option("--dry-run", is_flag=True, help="Not done: see boathook compose plan.")
@click.option("--compatibility", is_flag=True, help="Not done.")
@click.option("--all-resources", is_flag=True, help="Not done.")
@click.pass_context
def compose(
    ctx: click.Context,
    files: tuple[str, ...],
    name: str | None,
    profiles: tuple[str, ...],
    env_files: tuple[str, ...],
    directory: Path | None,
    parallel: int | None,
    progress: str | None,
    ansi: str | None,
    dry_run: bool,
    compatibility: bool,
    all_resources: bool,
) -> None:
    """Bring Compose projects up and down with their post_start and pre_stop hooks.

    The containers of a project share one network namespace, in which each service's name means 127.0.0.1. With
    --on docker they are an engine's containers in networks of their own.
    """
    from boathook.compose.reading.files import ProjectOptions

    refused = {"--dry-run": dry_run, "--compatibility": compatibility, "--all-resources": all_resources}
    told(lambda: _refuse(refused), codes=always(ERROR))
    ctx.obj = Selection(
        ProjectOptions(
            cwd=Path.cwd(), files=files, name=name, directory=directory, env_files=env_files, profiles=profiles
        ),
        told(lambda: Display.of(progress, ansi), codes=always(ERROR)),
        told(lambda: _parallel(parallel), codes=always(ERROR)),
    )


def _refuse(given: dict[str, bool]) -> None:
    hint = {"--dry-run": "boathook compose plan shows what would happen, hooks included"}
    for flag, is_given in given.items():
        if is_given:
            raise UsageError(f"{flag} is not supported", hint=hint.get(flag))


def _parallel(given: int | None) -> int:
    """The flag over the peer's variable; 0: no limit."""
    said = os.environ.get("COMPOSE_PARALLEL_LIMIT", "")
    if given is None and said:
        try:
            given = int(said)
        except ValueError as error:
            raise UsageError(f'COMPOSE_PARALLEL_LIMIT must be an integer (found: "{said}")') from error
    return max(given or 0, 0)
