"""``boathook compose shutdown-unit``: a systemd unit that runs pre_stop hooks before the engine is stopped."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boathook.cli.compose.flags import ERROR
from boathook.cli.compose.selection import Selection
from boathook.cli.durations import Duration
from boathook.cli.session import always, told
from boathook.errors import UsageError

if TYPE_CHECKING:
    from boathook.compose.model import Project
    from boathook.compose.reading.files import ProjectOptions
    from boathook.compose.shutdown import ShutdownUnit
    from boathook.runtimes.docker.endpoint import Endpoint

_HOOK_TIMEOUT = "30s"
_DOCKER, _PODMAN = "docker.service", "podman.socket"


@click.command("shutdown-unit")
@click.option("--user", is_flag=True, help="For a user's own manager, and an engine that runs in it.")
@click.option("--start", is_flag=True, help="Bring the project up again when the machine has started.")
@click.option(
    "--hook-timeout",
    type=Duration(),
    default=_HOOK_TIMEOUT,
    show_default=True,
    help="For hooks that set none: the machine does not wait for ever.",
)
@click.option(
    "--hook-on-failure",
    type=click.Choice(["abort", "continue"]),
    default="continue",
    show_default=True,
    help="Whether what a failed hook leaves running is stopped all the same.",
)
@click.option("--environment-file", metavar="FILE", help="Variables for the Compose file, read when the project stops.")
@click.option("--engine-unit", metavar="UNIT", help=f"The engine's unit, else {_DOCKER} or {_PODMAN}.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
@click.pass_obj
def shutdown_unit_command(
    selection: Selection,
    user: bool,
    start: bool,
    hook_timeout: timedelta,
    hook_on_failure: str,
    environment_file: str | None,
    engine_unit: str | None,
    output: Path | None,
) -> None:
    """Print a systemd unit that stops the project, with its pre_stop hooks, before its engine is stopped.

    An engine that goes down with the machine runs no hooks. The unit names this program, the project's files and its
    engine; make it anew when one of them moves. It stops containers, and the engine does not start again by itself
    what has been stopped under "restart: unless-stopped": --start brings the project up.
    """

    def work() -> None:
        from boathook.compose.shutdown import unit_text
        from boathook.durations import format_go_duration

        hooks = ("--hook-timeout", format_go_duration(hook_timeout), "--hook-on-failure", hook_on_failure)
        unit = _unit(selection, user=user, start=start, hooks=hooks, hook_timeout=hook_timeout, engine_unit=engine_unit)
        given = "" if environment_file is None else os.path.abspath(environment_file)
        text = unit_text(replace(unit, environment_file=given))
        if output is None:
            click.echo(text, nl=False)
        else:
            output.write_text(text)

    told(work, codes=always(ERROR))


def _unit(
    selection: Selection,
    *,
    user: bool,
    start: bool,
    hooks: tuple[str, ...],
    hook_timeout: timedelta,
    engine_unit: str | None,
) -> ShutdownUnit:
    from boathook.compose.shutdown import ShutdownUnit, longest_stop
    from boathook.home import Home
    from boathook.runtimes.docker.endpoint import find_endpoint

    options = _with_all_services(selection)
    project = replace(selection, options=options).load()
    endpoint = find_endpoint(os.environ)
    environment = (("BOATHOOK_HOME", str(Home.find().path)), *_engine_variables(endpoint))
    _warn_of_this_shell(options, dict(environment))
    if not start:
        _warn_of_what_stays_down(project)
    words = (*_program(), "compose", *_selecting(project, options))
    return ShutdownUnit(
        project=project.name,
        file=f"boathook-{project.name}.service",
        engine=engine_unit or _engine_unit(endpoint, user=user),
        user="" if user or os.geteuid() == 0 else _user_name(),
        environment=environment,
        environment_file="",
        start=(*words, "up", "--detach", "--on", "docker") if start else (),
        stop=(*words, "stop", *hooks, "--on", "docker"),
        timeout=longest_stop(project, hook_timeout),
        target="default.target" if user else "multi-user.target",
    )


def _with_all_services(selection: Selection) -> ProjectOptions:
    """What a profile that is not enabled now has brought up is stopped, too."""
    from boathook.compose.reading.files import STDIN, completed

    options = completed(selection.options, os.environ)
    if STDIN in options.files:
        raise UsageError("a project from the standard input cannot be stopped later", hint="give its file with -f")
    return replace(options, profiles=options.profiles or ("*",))


def _selecting(project: Project, options: ProjectOptions) -> list[str]:
    """What says which project is meant, wherever the command runs."""
    words = ["--project-name", project.name, "--project-directory", project.directory]
    words += [word for file in project.files for word in ("--file", file)]
    words += [word for file in project.environment_files for word in ("--env-file", file)]
    words += [word for profile in options.profiles for word in ("--profile", profile)]
    return words


def _program() -> tuple[str, ...]:
    script = Path(sys.executable).parent / "boathook"
    return (str(script),) if script.exists() else (sys.executable, "-m", "boathook")


def _user_name() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def _engine_variables(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    """The engine that is meant now, whatever context is the current one then."""
    from boathook.runtimes.docker.endpoint import DEFAULT_ADDRESS

    if endpoint.address == DEFAULT_ADDRESS:
        return ()
    variables = {"DOCKER_HOST": endpoint.address}
    if tls := endpoint.tls:
        variables["DOCKER_TLS_VERIFY" if tls.verify else "DOCKER_TLS"] = "1"
        files = [one for one in (tls.authority, tls.certificate, tls.key) if one is not None]
        if files:
            variables["DOCKER_CERT_PATH"] = str(files[0].absolute().parent)
    return tuple(variables.items())


def _engine_unit(endpoint: Endpoint, *, user: bool) -> str:
    """Raises ``UsageError`` when the units of that manager say nothing about the engine's end."""
    if not endpoint.local:
        return ""
    if "podman" in endpoint.socket:
        click.echo(
            "warning: Podman's containers are units of their own, which systemd may stop before their hooks have run",
            err=True,
        )
        return _PODMAN
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    own = endpoint.socket.startswith((f"{runtime}/", "/run/user/", "/var/run/user/"))
    if user and not own:
        raise UsageError(
            f'--user is not for the engine at "{endpoint.socket}": the order of its end is the system\'s',
            hint="leave --user out, or name the engine's unit with --engine-unit",
        )
    if own and not user:
        raise UsageError(
            f'the engine at "{endpoint.socket}" runs in a user\'s manager', hint="--user, or its unit by --engine-unit"
        )
    return _DOCKER


def _warn_of_what_stays_down(project: Project) -> None:
    names = [service.name for service in project.services if service.restart.name == "unless-stopped"]
    if names:
        click.echo(
            f"warning: {', '.join(names)}: what the unit has stopped does not come back with the engine under"
            ' "restart: unless-stopped"; --start brings the project up',
            err=True,
        )


def _warn_of_this_shell(options: ProjectOptions, kept: Mapping[str, str]) -> None:
    """Name the variables of this shell that the file reads: the unit has none of them."""
    bare = {name: os.environ[name] for name in ("PATH",) if name in os.environ} | dict(kept)
    meant, found = _read(options, os.environ), _read(options, bare)
    if meant == found:
        return
    names = [name for name in os.environ if _read(options, bare | {name: os.environ[name]}) != found]
    click.echo(
        f"warning: {', '.join(sorted(names)) or 'variables'}: the file reads it from this shell, and the unit does not"
        " have it; write it to the project's .env, or give --environment-file",
        err=True,
    )


def _read(options: ProjectOptions, environment: Mapping[str, str]) -> str | None:
    """The project under these variables, as text; None: it cannot be read."""
    from boathook.compose.reading import config
    from boathook.compose.reading.files import load_files
    from boathook.compose.reading.normal import normal_project
    from boathook.errors import BoathookError

    try:
        return config.as_json(normal_project(load_files(options, environment)))
    except BoathookError:
        return None
