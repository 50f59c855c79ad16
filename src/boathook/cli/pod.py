"""``boathook pod``: run, stop and list pods with their postStart and preStop hooks."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boathook.cli.options import place_options
from boathook.cli.session import Session, run
from boathook.errors import UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.cluster.base import ObjectKey
    from boathook.cluster.local import LocalCluster
    from boathook.cluster.owners import ObjectOwner
    from boathook.cluster.store import ObjectStore
    from boathook.journal import Context
    from boathook.model import JsonObject
    from boathook.pods import PodFile

namespace_option = click.option("-n", "--namespace", default="default", show_default=True, help="The pod's namespace.")


class Duration(click.ParamType[timedelta]):
    """A duration as Go writes it: ``5s``, ``1m30s``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        import durationpy

        try:
            duration: timedelta = durationpy.from_str(value)
        except durationpy.DurationError:
            self.fail(f'found "{value}", expected a duration such as 5s or 1m30s', param, ctx)
        if duration < timedelta(0):
            self.fail("a duration cannot be negative", param, ctx)
        return duration


@click.group()
def pod() -> None:
    """Run, stop and list pods with their postStart and preStop hooks."""


@pod.command("run")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-d", "--detach", is_flag=True, help="Return when the pods are created; they run on in the background.")
@click.option("--for", "lasting", type=Duration(), help="Stop the pods gracefully after this time, e.g. 5s.")
@namespace_option
@place_options
def run_command(file: Path, detach: bool, lasting: timedelta | None, namespace: str, settings: Settings) -> None:
    """Run the pods of FILE until they end, or are stopped with Ctrl-C (twice: at once).

    Exits with 0 when the pods were asked to stop and every hook succeeded, or ended by themselves in phase Succeeded;
    else with 1.
    """

    async def work(session: Session) -> int:
        if detach and lasting is not None:
            raise UsageError("--detach and --for contradict each other", hint="stop it later with boathook pod stop")
        pod_file = load_pods(file, namespace)
        title = ", ".join(one.name for one in pod_file.pods)
        if detach:
            await _run_detached(session, pod_file, file)
            return 0
        async with session.context(command=f"pod run {file}", title=title, live=True) as context:
            return await _run_foreground(session, pod_file, context, file, lasting)

    run(work, settings)


def load_pods(file: Path, namespace: str) -> PodFile:
    """Read and check the file. Raises ``UsageError`` when it cannot be read."""
    from boathook.pods import parse_pods

    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f'cannot read "{file}": {reason}') from error
    return parse_pods(text, str(file), namespace=namespace)


async def _run_foreground(
    session: Session, pod_file: PodFile, context: Context, file: Path, lasting: timedelta | None
) -> int:
    """This process owns the pods: a local cluster of its own on the shared store, which other commands see."""
    stop = session.interrupted
    runtime = await session.runtime()
    # Its spawner starts beside what is still to be imported here.
    from boathook.cluster.foreground import check_pods, run_pods
    from boathook.events import Noted
    from boathook.pods.recovery import settle_pod
    from boathook.pods.run import run_finished, run_started

    await check_pods(pod_file, runtime)
    context.events.emit(run_started(pod_file, runtime, f"pod run {file}"))
    for one in pod_file.pods:
        # As objects of the cluster they have no file any more: what is said of them is said here, with its place in it.
        for notice in one.notices:
            context.events.emit(Noted(finding=notice))
        await settle_pod(one.scope, session.home, context, runtime)
    async with _own_cluster(session, context) as cluster:
        runs = await run_pods(pod_file, cluster, context, lasting=lasting, stop=stop)
    finished = run_finished(runs)
    context.events.emit(finished)
    return 0 if finished.succeeded else 1


@asynccontextmanager
async def _own_cluster(session: Session, context: Context) -> AsyncIterator[LocalCluster]:
    """A cluster on the shared store, whose pods end with this process; other commands reach it by its socket."""
    import anyio

    from boathook.cluster.local import LocalCluster
    from boathook.cluster.owners import FOREGROUND, this_owner
    from boathook.runtimes.base import NetworkMode
    from boathook.supervisor.host import Host
    from boathook.supervisor.service import owner_socket, serving

    owner, network = this_owner(FOREGROUND), NetworkMode(session.settings.network)
    runtime = await session.runtime()
    with _store(session, owner) as store:
        async with (
            anyio.create_task_group() as tasks,
            LocalCluster(store, runtime, context, network=network, owner=owner) as cluster,
        ):
            host = Host(home=session.home, runtime=runtime, journal=session.journal, tasks=tasks, cluster=cluster)
            async with serving(host, session.home.socket(owner_socket(os.getpid()))):
                yield cluster
            tasks.cancel_scope.cancel()


@contextmanager
def _store(session: Session, owner: str = "") -> Iterator[ObjectStore]:
    """The objects that all processes share. What the dead left in it is settled, and said."""
    import uuid

    from boathook.clock import SystemClock
    from boathook.cluster.base import key_of
    from boathook.cluster.owners import settle_orphans
    from boathook.cluster.store import ObjectStore

    store = ObjectStore.open(session.home.objects, clock=SystemClock(), uids=lambda: str(uuid.uuid4()))
    try:
        for sentence in settle_orphans(store):
            click.echo(f"note: {sentence}", err=True)
        yield store
    finally:
        # What was ended at once with this process is gone, too: nobody else acts on it.
        for stored in store.list():
            if owner and stored.owner == owner:
                store.remove(key_of(stored.body, default_namespace="default"))
        store.close()


async def _run_detached(session: Session, pod_file: PodFile, file: Path) -> None:
    from boathook.cluster.foreground import check_pods

    # The supervisor looks, too, but it does not know where in the file things stand.
    await check_pods(pod_file, await session.runtime())
    with _store(session):
        pass  # Only to say what ended with a supervisor that was killed, before the next one takes its place.
    objects: list[Any] = [*pod_file.objects, *pod_file.pod_objects]
    title = ", ".join(one.name for one in pod_file.pods)
    params: JsonObject = {"objects": objects, "file": str(file), "title": title, "command": f"pod run -d {file}"}
    await session.call("pod.run", params)
    for one in pod_file.pods:
        click.echo(f"pod/{one.name} created")


@pod.command("stop")
@click.argument("name")
@namespace_option
@click.option("--grace-period", type=click.IntRange(min=0), help="Seconds; only ever shortens the pod's own period.")
@place_options
def stop_command(name: str, namespace: str, grace_period: int | None, settings: Settings) -> None:
    """Stop a pod gracefully, with its preStop hooks, and remove it."""
    _end(name, namespace, grace_period, settings, cause="stopped", done="stopped")


@pod.command("delete")
@click.argument("name")
@namespace_option
@click.option("--grace-period", type=click.IntRange(min=0), help="Seconds; only ever shortens the pod's own period.")
@place_options
def delete_command(name: str, namespace: str, grace_period: int | None, settings: Settings) -> None:
    """Delete a pod as kubectl does: it is stopped with its preStop hooks first."""
    _end(name, namespace, grace_period, settings, cause="deleted", done="deleted")


async def _stop_at_owner(
    session: Session, key: ObjectKey, owner: ObjectOwner, grace: timedelta | None, cause: str
) -> None:
    """Ask the process that runs the pod to stop it, and show what happens until it is gone."""
    from boathook.cluster.owners import SUPERVISOR
    from boathook.codec import to_json
    from boathook.report.terminal import LiveTimeline

    session.listeners.append(LiveTimeline())
    params: JsonObject = {
        "key": to_json(key),
        "grace_seconds": None if grace is None else grace.total_seconds(),
        "cause": cause,
    }
    await session.call("pod.delete", params, owner=None if owner.kind == SUPERVISOR else owner.process.pid)


def _living_owner(store: ObjectStore, key: ObjectKey) -> ObjectOwner | None:
    """The process that runs the pod; None when nobody does. Raises ``NotFound``."""
    from boathook.cluster.owners import parse_owner

    store.get(key)
    found = store.find(key)
    owner = parse_owner(found.owner) if found is not None else None
    return owner if owner is not None and owner.process.alive else None


def _end(name: str, namespace: str, grace_period: int | None, settings: Settings, *, cause: str, done: str) -> None:
    grace = None if grace_period is None else timedelta(seconds=grace_period)

    async def work(session: Session) -> int:
        key = _key(namespace, name)
        with _store(session) as store:
            owner = _living_owner(store, key)
            if owner is None:
                store.remove(key)
            else:
                await _stop_at_owner(session, key, owner, grace, cause)
        click.echo(f'pod "{name}" {done}')
        return 0

    run(work, settings)


@pod.command("list")
@namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="Pods of every namespace.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="Format.")
@place_options
def list_command(namespace: str, all_namespaces: bool, output: str, settings: Settings) -> None:
    """List pods, whoever runs them."""

    async def work(session: Session) -> int:
        with _store(session) as store:
            pods = [one.body for one in store.list("Pod", None if all_namespaces else namespace)]
        if output == "json":
            click.echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": pods}, indent=2))
        elif not pods:
            click.echo(f'no pods in namespace "{namespace}"' if not all_namespaces else "no pods", err=True)
        else:
            from boathook.clock import SystemClock

            click.echo(pod_table(pods, SystemClock().now(), with_namespace=all_namespaces), nl=False)
        return 0

    run(work, settings, timeline=False)


pod.add_command(list_command, "ls")


@pod.command("get")
@click.argument("name")
@namespace_option
@place_options
def get_command(name: str, namespace: str, settings: Settings) -> None:
    """Print a pod's object as JSON, with its status."""

    async def work(session: Session) -> int:
        with _store(session) as store:
            obj = store.get(_key(namespace, name))
        click.echo(json.dumps(obj, indent=2))
        return 0

    run(work, settings, timeline=False)


@pod.command("logs")
@click.argument("name")
@click.option("-c", "--container", help="Which container; needed only where the pod has several.")
@namespace_option
@place_options
def logs_command(name: str, container: str | None, namespace: str, settings: Settings) -> None:
    """Print what a container of a pod has written so far."""

    async def work(session: Session) -> int:
        from boathook.model import Stream
        from boathook.runtimes.base import ContainerId

        with _store(session) as store:
            obj = store.get(_key(namespace, name))
        container_id = _container_id(obj, container or _only_container(obj))
        runtime = await session.runtime()
        async for line in runtime.logs(ContainerId(container_id)):
            click.echo(line.text, nl=not line.partial, err=line.stream is Stream.STDERR)
        return 0

    run(work, settings, timeline=False)


def _key(namespace: str, name: str) -> ObjectKey:
    from boathook.cluster.base import ObjectKey

    return ObjectKey(kind="Pod", namespace=namespace, name=name)


def _only_container(obj: JsonObject) -> str:
    from boathook.pods import pod_from_object

    found = pod_from_object(obj)
    if len(found.containers) > 1:
        names = ", ".join(one.name for one in found.containers)
        raise UsageError(f'pod "{found.name}" has several containers', hint=f"choose one with -c: {names}")
    return found.containers[0].name


def _container_id(obj: JsonObject, container: str) -> str:
    """The present instance, as the pod's status names it. Raises ``NotFound``."""
    from boathook.errors import NotFound
    from boathook.objects import mapping
    from boathook.pods.problems import items

    name = mapping(obj.get("metadata")).get("name")
    statuses = {one.get("name"): one for _, one in items(mapping(obj.get("status")).get("containerStatuses"))}
    if container not in statuses:
        raise NotFound(f'container "{container}" is not in pod "{name}"')
    found = str(statuses[container].get("containerID") or "").removeprefix("boathook://")
    if not found:
        raise NotFound(f'container "{container}" in pod "{name}" is waiting to start')
    return found


def pod_table(pods: Sequence[JsonObject], now: datetime, *, with_namespace: bool) -> str:
    """Pods in kubectl's columns."""
    rows = [("NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"), *(_row(one, now) for one in pods)]
    if not with_namespace:
        rows = [row[1:] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["   ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(obj: JsonObject, now: datetime) -> tuple[str, ...]:
    from boathook.objects import mapping
    from boathook.pods.problems import items

    metadata, status = mapping(obj.get("metadata")), mapping(obj.get("status"))
    containers = [one for _, one in items(status.get("containerStatuses"))]
    wanted = len(list(items(mapping(obj.get("spec")).get("containers"))))
    ready = sum(bool(one.get("ready")) for one in containers)
    restarts = sum(count for one in containers if isinstance(count := one.get("restartCount"), int))
    return (
        str(metadata.get("namespace") or ""),
        str(metadata.get("name") or ""),
        f"{ready}/{wanted}",
        "Terminating" if metadata.get("deletionTimestamp") else _state_word(status, containers),
        str(restarts),
        _age(str(metadata.get("creationTimestamp") or ""), now),
    )


def _state_word(status: JsonObject, containers: list[JsonObject]) -> str:
    """As kubectl says it: a waiting or terminated container's reason before the phase."""
    from boathook.objects import mapping

    for one in containers:
        state = mapping(one.get("state"))
        reason = mapping(state.get("waiting")).get("reason") or mapping(state.get("terminated")).get("reason")
        if reason:
            return str(reason)
    return str(status.get("phase") or "Pending")


def _age(created: str, now: datetime) -> str:
    from boathook.report import words

    try:
        began = datetime.fromisoformat(created)
    except ValueError:
        return "<unknown>"
    seconds = int((now - began).total_seconds())
    if seconds < 120:
        return words.span(timedelta(seconds=max(seconds, 0)))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    return f"{minutes}m" if minutes < 120 else f"{hours}h" if hours < 48 else f"{days}d"
