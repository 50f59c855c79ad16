"""``boathook hook``: the hooks of a file, and one of them run alone against what already runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boathook.cli.durations import Duration
from boathook.cli.options import place_options
from boathook.cli.pod.stored import namespace_option
from boathook.cli.session import Session, run, told
from boathook.errors import NotFound, NotRunning, UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.cluster.base import ObjectKey
    from boathook.cluster.remote import RemoteCluster
    from boathook.journal import Context
    from boathook.model import Handler, Hook, JsonObject, Target
    from boathook.pods.model import Pod, PodContainer, PodFile
    from boathook.runtimes.base import ContainerId

HEADINGS = ("HOOK", "HANDLER", "WHERE")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHook:
    """A hook, and what it is of."""

    pod: Pod
    container: PodContainer
    hook: Hook

    @property
    def short_name(self) -> str:
        """``app.preStop``."""
        return f"{self.container.name}.{self.hook.name}"

    @property
    def name(self) -> str:
        """``demo/app.preStop``."""
        return f"{self.pod.name}/{self.short_name}"


@click.group()
def hook() -> None:
    """Run one hook of a file alone, or list its hooks.

    Of files with pods and of Compose files; hooks of charts and Backups run with their own commands.
    """


@hook.command("list")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Format.")
@namespace_option
def list_command(file: Path, output: str, namespace: str) -> None:
    """List the hooks of FILE: what each is called for 'hook run', what it does, and where it stands."""

    def work() -> None:
        rows = [(name, handler_words(one.handler), str(one.source)) for name, one in _listed(file, namespace)]
        if output == "json":
            keys = ("hook", "handler", "where")
            click.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2))
        elif not rows:
            click.echo(f'no hooks in "{file}"', err=True)
        else:
            from boathook.cli.pod.table import columns

            click.echo(columns([HEADINGS, *rows]), nl=False)

    told(work)


def _listed(file: Path, namespace: str) -> list[tuple[str, Hook]]:
    """What each hook is called, and it."""
    if is_project(file):
        from boathook.cli.project_hooks import listed_hooks, load_hook_project

        return listed_hooks(load_hook_project(file, None))
    pod_file = load_hook_file(file, namespace)
    several = len(pod_file.pods) > 1
    return [(one.name if several else one.short_name, one.hook) for one in hooks_of(pod_file)]


@hook.command("run")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("name", metavar="[POD/]CONTAINER.HOOK")
@click.option(
    "-p", "--project-name", default=None, metavar="NAME", help="The Compose project's name, where it has another."
)
@click.option(
    "--timeout", type=Duration(), help="End the hook after this time, e.g. 30s; without it there is no limit."
)
@namespace_option
@place_options
def run_command(
    file: Path, name: str, project_name: str | None, timeout: timedelta | None, namespace: str, settings: Settings
) -> None:
    """Run one hook of FILE alone, e.g. app.preStop or app.pre_stop, where its pod or container already runs.

    The hook runs as it would in the container's life: as its user, in its environment and directory, whoever runs
    it. Nothing else happens to the pod or project. It is recorded: history and show have it, and describe.
    POD is needed where the file has several. Of a Compose file CONTAINER is a service, or one of its containers
    (app-2) where several run. Exits with 0 when the hook succeeded, else with 1.
    """

    async def work(session: Session) -> int:
        command = f"hook run {file} {name}"
        if is_project(file):
            from boathook.cli.project_hooks import load_hook_project, run_project_hook
            from boathook.compose.hook_names import find_hook as find_project_hook

            project = load_hook_project(file, project_name)
            return await run_project_hook(session, project, find_project_hook(project, name), timeout, command)
        chosen = find_hook(hooks_of(load_hook_file(file, namespace)), name, file)
        async with session.context(command=command, title=chosen.name, live=True) as context:
            return await _run(session, context, chosen, file, name, timeout)

    run(work, settings)


def is_project(file: Path) -> bool:
    """Whether it is a Compose file, or a directory that may have one."""
    from boathook.planning import FileDialect, dialect_of

    return dialect_of(file) is FileDialect.COMPOSE


def load_hook_file(file: Path, namespace: str) -> PodFile:
    """The pods of a file. Raises ``UsageError`` for files of other dialects, by name, and ``ManifestError``."""
    from boathook.cli.pod.running import load_pods
    from boathook.planning import FileDialect, dialect_of

    dialect = dialect_of(file)
    if dialect is FileDialect.PODS:
        return load_pods(file, namespace)
    command = {
        FileDialect.CHART: ("a chart", "helm"),
        FileDialect.BACKUP: ("a Backup", "backup"),
    }[dialect]
    raise UsageError(
        f'"{file}" is {command[0]}: its hooks cannot be run or listed alone',
        hint=f"boathook plan {file} shows them; boathook {command[1]} runs them",
    )


def hooks_of(pod_file: PodFile) -> tuple[FileHook, ...]:
    """All hooks, in file order."""
    return tuple(
        FileHook(pod=pod, container=container, hook=one)
        for pod in pod_file.pods
        for container in pod.all_containers
        for one in container.hooks
    )


def find_hook(hooks: tuple[FileHook, ...], name: str, file: Path) -> FileHook:
    """The hook of that name. Raises ``NotFound`` with those that there are, and ``UsageError`` for several."""
    found = [one for one in hooks if name in (one.short_name, one.name)]
    if not found:
        names = ", ".join(one.name for one in hooks)
        raise NotFound(f'no hook "{name}" in "{file}"', hint=f"it has: {names}" if names else "it has no hooks")
    if len(found) > 1:
        raise UsageError(
            f'hook "{name}" is ambiguous: the file has several pods',
            hint=f"choose one of {', '.join(one.name for one in found)}",
        )
    return found[0]


async def _run(
    session: Session, context: Context, chosen: FileHook, file: Path, name: str, timeout: timedelta | None
) -> int:
    from boathook.cluster.foreground import key_of_pod
    from boathook.events import RunFinished, RunStarted
    from boathook.pods.lone_hook import run_lone_hook

    cluster = await session.cluster(context)
    target, container, obj = await _where(cluster, key_of_pod(chosen.pod), chosen, file)
    _say_differences(chosen, obj)
    runtime = await session.runtime()
    facts = () if timeout is None else (f"timeout {timeout.total_seconds():g}s",)
    command = f"hook run {file} {name}"
    context.events.emit(RunStarted(title=chosen.name, command=command, place=runtime.name, facts=facts))
    result = await run_lone_hook(chosen.hook, target, container, timeout=timeout, runtime=runtime, context=context)
    said = f"{chosen.short_name} {'succeeded' if result.succeeded else f'failed: {result.reason}'}"
    context.events.emit(RunFinished(succeeded=result.succeeded, message=said))
    return 0 if result.succeeded else 1


async def _where(
    cluster: RemoteCluster, key: ObjectKey, chosen: FileHook, file: Path
) -> tuple[Target, ContainerId, JsonObject]:
    """The instance that runs now. Raises ``NotRunning`` and ``NotFound`` with what to do."""
    from boathook.cli.pod.stored import container_names, container_statuses
    from boathook.cluster.store import uid_of
    from boathook.model import Target
    from boathook.objects import mapping, text
    from boathook.runtimes.base import ContainerId

    try:
        obj = await cluster.get(key)
    except NotFound as error:
        raise NotRunning(
            f'pod "{key.name}" does not run in namespace "{key.namespace}"',
            hint=f"start it with boathook pod run -d {file}",
        ) from error
    name = chosen.container.name
    if name not in container_names(obj):
        raise NotFound(
            f'container "{name}" is not in pod "{key.name}" as it runs',
            hint=f"it was started from another file: boathook pod delete {key.name}, then boathook pod run -d {file}",
        )
    status = container_statuses(obj).get(name, {})
    if not mapping(status, "state", "running") and not _is_starting(status):
        raise NotRunning(
            f'container "{name}" in pod "{key.name}" is not running',
            hint=f"boathook pod describe {key.name} shows its state; boathook pod run -d {file} starts it anew",
        )
    instance = f"{uid_of(obj)}/{name}/{status.get('restartCount') or 0}"
    target = Target(kind="container", scope=chosen.pod.scope, name=name, instance=instance)
    return target, ContainerId(text(status, "containerID").removeprefix("boathook://")), obj


def _is_starting(status: JsonObject) -> bool:
    """Its program runs, and its postStart hook has not ended yet."""
    from boathook.objects import mapping

    return bool(status.get("containerID")) and bool(mapping(status, "state", "waiting"))


def _say_differences(chosen: FileHook, obj: JsonObject) -> None:
    """What is run is the file's hook; that the pod was started with another one is worth a word."""
    from boathook.pods import pod_from_object

    running = next(one for one in pod_from_object(obj).all_containers if one.name == chosen.container.name)
    there = next((one for one in running.hooks if one.point is chosen.hook.point), None)
    if there is None:
        said = "has no such hook"
    elif there.handler != chosen.hook.handler:
        said = f"was started with another one ({handler_words(there.handler)})"
    else:
        return
    click.echo(f"note: {chosen.name} is run as the file has it; the running pod {said}", err=True)


def handler_words(handler: Handler) -> str:
    """``exec sh -c true``, ``GET http://localhost:8080/stop``, ``sleep 5s``."""
    from boathook.model import Exec
    from boathook.report import words

    return ("exec " if isinstance(handler, Exec) else "") + words.handler(handler)
