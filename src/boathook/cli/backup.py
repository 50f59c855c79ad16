"""``boathook backup``: back up pods and volumes with pre and post hooks; Velero's texts, exit codes that tell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boathook.cli.entry import INTERRUPTED
from boathook.cli.options import place_options
from boathook.cli.session import Session, run
from boathook.errors import BoathookError, Conflict, ManifestError, OperationFailed, UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.backup.model import Backup, BackupSpec
    from boathook.journal import Context

CLIENT_ERROR, FAILED, PARTIALLY_FAILED = 1, 2, 3
"""Exit codes besides 0 and 130 (backup-hooks.md 9.3)."""

PREFIX = "An error occurred: "

LATER = ("delete", "download")
LATER_OPTIONS = (
    *("--include-resources", "--exclude-resources", "--include-cluster-resources", "--or-selector"),
    *("--include-cluster-scoped-resources", "--exclude-cluster-scoped-resources", "--from-schedule"),
    *("--include-namespace-scoped-resources", "--exclude-namespace-scoped-resources", "--ordered-resources"),
    *("--storage-location", "--volume-snapshot-locations", "--snapshot-volumes", "--snapshot-move-data"),
    *("--csi-snapshot-timeout", "--item-operation-timeout", "--default-volumes-to-fs-backup", "--hook"),
    *(
        "--no-annotation-hooks",
        "--namespace",
        "--resource-policies-configmap",
        "--data-mover",
        "--parallel-files-upload",
    ),
)
"""Velero's, or planned, and not of this version: refused by name."""


class BackupGroup(click.Group):
    """A group whose mistakes end with Velero's code, and which refuses Velero's other commands by name."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        return _later(cmd_name) if command is None and cmd_name in LATER else command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _client_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _client_errors():
            return super().invoke(ctx)


@contextmanager
def _client_errors() -> Iterator[None]:
    """click ends with 2 for a wrong command line, which here means a failed backup."""
    try:
        yield
    except click.ClickException as error:
        error.show()
        sys.exit(CLIENT_ERROR)


def _later(name: str) -> click.Command:
    @click.command(name, context_settings={"ignore_unknown_options": True, "help_option_names": []})
    @click.argument("ignored", nargs=-1)
    def later(ignored: tuple[str, ...]) -> None:
        raise click.UsageError(f'"backup {name}" is not part of this version: it has create, describe, get and logs')

    return later


def _refuse(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    if value:
        raise click.UsageError(f"{parameter.opts[0]} is not part of this version yet", ctx)


def _later_options(function: Any) -> Any:
    for name in LATER_OPTIONS:
        # With a value or without: Velero has both kinds.
        function = click.option(
            name, is_flag=False, flag_value="true", hidden=True, expose_value=False, callback=_refuse
        )(function)
    return function


def codes(error: BoathookError) -> int:
    """A name that is taken and a backup that cannot be written are Failed, a bad document FailedValidation.

    All else is a client error.
    """
    return FAILED if isinstance(error, Conflict | ManifestError | OperationFailed) else CLIENT_ERROR


def phase_code(backup: Backup) -> int:
    from boathook.backup import Phase
    from boathook.backup.run import INTERRUPTED as REASON

    if backup.phase is Phase.COMPLETED:
        return 0
    if backup.phase is Phase.PARTIALLY_FAILED:
        return PARTIALLY_FAILED
    return INTERRUPTED if backup.failure_reason == REASON else FAILED


@click.group(cls=BackupGroup)
def backup() -> None:
    """Back up pods and volumes with their pre and post hooks."""


@backup.command("create")
@click.argument("name", required=False)
@click.option(
    "-f", "--file", type=click.Path(path_type=Path), help="A Backup document (velero.io/v1 or ark.heptio.com/v1)."
)
@click.option(
    "--include-namespaces", multiple=True, help="Namespaces to take, separated by commas; globs (default: *)."
)
@click.option("--exclude-namespaces", multiple=True, help="Namespaces to leave out, separated by commas; globs.")
@click.option("-l", "--selector", default="", help="Only objects with these labels, e.g. app=db,tier!=web.")
@click.option("--ttl", default="", help="How long the backup is kept, e.g. 720h.")
@click.option("--labels", default="", help="Labels of the backup itself: a=b,c=d.")
@click.option("--wait", is_flag=True, help="Accepted: a local backup always runs to its end.")
@_later_options
@place_options
def create_command(
    name: str | None,
    file: Path | None,
    include_namespaces: tuple[str, ...],
    exclude_namespaces: tuple[str, ...],
    selector: str,
    ttl: str,
    labels: str,
    wait: bool,
    settings: Settings,
) -> None:
    """Back up what runs: pre hooks, volumes and objects, post hooks.

    Ctrl-C lets the hook that runs end, runs the post hooks that are due and writes the backup as Failed.

    Exits with 0 Completed, 1 wrong usage, 2 Failed, 3 PartiallyFailed, 130 interrupted.
    """

    async def work(session: Session) -> int:
        flags = (include_namespaces, exclude_namespaces, selector, ttl, labels)
        if file is not None and any(flags):
            raise UsageError("a file and filter flags contradict each other", hint="put the filters into the file")
        spec = _spec_of_file(file, name) if file is not None else _spec_of_flags(name, *flags)
        return await _create(session, spec)

    run(work, settings, timeline=False, codes=codes, prefix=PREFIX)


def _spec_of_file(file: Path, name: str | None) -> BackupSpec:
    from boathook.backup import parse_backup

    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f'cannot read "{file}": {reason}') from error
    return parse_backup(text, str(file), name=name)


def _spec_of_flags(
    name: str | None, included: tuple[str, ...], excluded: tuple[str, ...], selector: str, ttl: str, labels: str
) -> BackupSpec:
    from boathook.backup.parse import spec_from_flags

    return spec_from_flags(
        name, included=_split(included), excluded=_split(excluded), selector=selector, ttl=ttl, labels=labels
    )


def _split(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for value in values for part in value.split(",") if part)


async def _create(session: Session, spec: BackupSpec) -> int:
    from boathook.backup import DirectoryStore, create_backup
    from boathook.backup.debts import backup_scope
    from boathook.journal import target_lock

    interrupted, command = session.interrupted, f"backup create {spec.name}"
    async with session.context(command=command, title=spec.name, live=True) as context:
        await _settle_dead(session, context, command)
        async with target_lock(session.home, backup_scope(spec), command=command):
            cluster = await session.cluster(context)
            made = await create_backup(spec, cluster, context, DirectoryStore(session.home), interrupted=interrupted)
    click.echo(
        f"You may check for more information using the commands `boathook backup describe {spec.name}` and "
        f"`boathook backup logs {spec.name}`."
    )
    return phase_code(made)


async def _settle_dead(session: Session, context: Context, command: str) -> None:
    """What killed backups owe is paid first: nothing is frozen that is frozen already."""
    from functools import partial

    from boathook.backup import SETTLERS
    from boathook.journal import recover, target_lock

    debts = [one for one in await context.obligations.owed() if one.kind in SETTLERS]
    if any(context.obligations.is_orphaned(one) for one in debts):
        runtime = await session.runtime()
        await recover(context, runtime, SETTLERS, locking=partial(target_lock, session.home, command=command))


@backup.command("describe")
@click.argument("name")
@click.option("--details", is_flag=True, help="List the objects, too.")
def describe_command(name: str, details: bool) -> None:
    """Show a backup: its phase, what it holds, errors and warnings, hooks."""
    from boathook.backup.describe import describe

    store = _store()
    with _told():
        found = store.get(name)
        results = store.json(name, "results")
        volumes, resources = store.json(name, "podvolumebackups.json"), store.json(name, "resource-list.json")
    click.echo(describe(found, results=results, volumes=volumes, resources=resources, details=details), nl=False)


@backup.command("get")
@click.argument("name", required=False)
def get_command(name: str | None) -> None:
    """List backups."""
    from boathook.backup.describe import table
    from boathook.clock import SystemClock

    with _told():
        found = (_store().get(name),) if name else _store().list()
    if found:
        click.echo(table(found, SystemClock().now()), nl=False)


@backup.command("logs")
@click.argument("name")
def logs_command(name: str) -> None:
    """Print the log of a backup that has ended."""
    with _told():
        text = _store().log(name)
    click.echo(text, nl=False)


def _store() -> Any:
    from boathook.backup import DirectoryStore
    from boathook.home import Home

    return DirectoryStore(Home.find())


@contextmanager
def _told() -> Iterator[None]:
    from boathook.cli.session import tell_error

    try:
        yield
    except BoathookError as error:
        sys.exit(tell_error(error, codes=lambda one: CLIENT_ERROR, prefix=PREFIX))
