"""``boathook pod run`` and ``boathook pod plan``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boathook.cli.durations import Duration
from boathook.cli.options import place_options
from boathook.cli.pod.stored import has_ended, living_owner, namespace_option, object_store
from boathook.cli.session import Session, run, told
from boathook.errors import UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.cluster.local import LocalCluster
    from boathook.cluster.store import ObjectStore
    from boathook.journal import Context
    from boathook.model import JsonObject
    from boathook.pods import PodFile, PodRun

NO_CODE = 1
"""What ``--exit-code-from`` gives for a container that never ran, or whose end nobody saw."""


@click.command("run")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-d", "--detach", is_flag=True, help="Return when the pods are created; they run on in the background.")
@click.option("--for", "lasting", type=Duration(), help="Stop the pods gracefully after this time, e.g. 5s.")
@click.option(
    "--exit-code-from",
    metavar="[POD/]CONTAINER",
    help="Exit with the last exit code of this container; POD is needed where the file has several.",
)
@namespace_option
@place_options
def run_command(
    file: Path,
    detach: bool,
    lasting: timedelta | None,
    exit_code_from: str | None,
    namespace: str,
    settings: Settings,
) -> None:
    """Run the pods of FILE until they end, or are stopped with Ctrl-C (twice: at once).

    Exits with 0 when the pods were asked to stop and every hook succeeded, or ended by themselves in phase Succeeded;
    else with 1. The record of a pod of the same name that has ended is replaced.
    """

    async def work(session: Session) -> int:
        _refuse_contradictions(detach, lasting, exit_code_from)
        pod_file = load_pods(file, namespace)
        source = None if exit_code_from is None else code_source(pod_file, exit_code_from)
        if detach:
            await _run_detached(session, pod_file, file)
            return 0
        title = ", ".join(one.name for one in pod_file.pods)
        async with session.context(command=f"pod run {file}", title=title, live=True) as context:
            runs, succeeded = await _run_foreground(session, pod_file, context, file, lasting)
        return code_of(runs, source) if source is not None else int(not succeeded)

    run(work, settings)


def _refuse_contradictions(detach: bool, lasting: timedelta | None, exit_code_from: str | None) -> None:
    if detach and lasting is not None:
        raise UsageError("--detach and --for contradict each other", hint="stop it later with boathook pod stop")
    if detach and exit_code_from is not None:
        raise UsageError(
            "--detach and --exit-code-from contradict each other", hint="boathook pod describe shows exit codes"
        )


def code_source(pod_file: PodFile, wanted: str) -> tuple[str, str]:
    """Pod and container whose exit code is meant. Raises ``UsageError`` for what the file does not have."""
    pod_name, _, container = wanted.rpartition("/")
    names = ", ".join(pod.name for pod in pod_file.pods)
    if not pod_name and len(pod_file.pods) > 1:
        raise UsageError(
            f'--exit-code-from "{wanted}" is ambiguous: the file has several pods',
            hint=f"write POD/CONTAINER with one of {names}",
        )
    found = next((pod for pod in pod_file.pods if pod.name == (pod_name or pod.name)), None)
    if found is None:
        raise UsageError(f'--exit-code-from: there is no pod "{pod_name}" in the file', hint=f"it has: {names}")
    known = [one.name for one in found.all_containers]
    if container not in known:
        raise UsageError(
            f'--exit-code-from: container "{container}" is not in pod "{found.name}"',
            hint=f"it has: {', '.join(known)}",
        )
    return found.name, container


def code_of(runs: tuple[PodRun, ...], source: tuple[str, str]) -> int:
    """The last exit code of a container, as its pod's status has it."""
    from boathook.cli.pod.stored import container_statuses
    from boathook.objects import mapping

    pod_name, container = source
    for one in runs:
        if one.pod.name == pod_name:
            status = container_statuses({"status": one.status}).get(container, {})
            for state in ("state", "lastState"):
                code = mapping(status, state, "terminated").get("exitCode")
                if isinstance(code, int):
                    return code
    return NO_CODE


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
) -> tuple[tuple[PodRun, ...], bool]:
    """This process owns the pods: a local cluster of its own on the shared store, which other commands see.

    What became of them, and whether all went well.
    """
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
        await _replace_ended(session, cluster.store, pod_file)
        runs = await run_pods(pod_file, cluster, context, lasting=lasting, stop=stop)
    finished = run_finished(runs)
    context.events.emit(finished)
    return runs, finished.succeeded


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
    with object_store(session, owner) as store:
        async with (
            anyio.create_task_group() as tasks,
            LocalCluster(store, runtime, context, network=network, owner=owner) as cluster,
        ):
            host = Host(home=session.home, runtime=runtime, journal=session.journal, tasks=tasks, cluster=cluster)
            async with serving(host, session.home.socket(owner_socket(os.getpid()))):
                yield cluster
            tasks.cancel_scope.cancel()


async def _replace_ended(session: Session, store: ObjectStore, pod_file: PodFile) -> None:
    """What is only the record of an earlier pod of the same name gives way, and that is said."""
    from boathook.cli.pod.ending import remove_pod
    from boathook.cluster.foreground import key_of_pod
    from boathook.objects import mapping

    for pod in pod_file.pods:
        stored = store.find(key_of_pod(pod))
        if stored is None or not has_ended(stored.body) or mapping(stored.body, "metadata").get("ownerReferences"):
            continue
        await remove_pod(session, store, key_of_pod(pod), living_owner(stored), None, "replaced")
        click.echo(f'note: replaced the record of pod "{pod.name}", which had ended', err=True)


async def _run_detached(session: Session, pod_file: PodFile, file: Path) -> None:
    from boathook.cluster.foreground import check_pods

    # The supervisor looks, too, but it does not know where in the file things stand.
    await check_pods(pod_file, await session.runtime())
    # Opening it also says what ended with a supervisor that was killed, before the next one takes its place.
    with object_store(session) as store:
        await _replace_ended(session, store, pod_file)
    objects: list[Any] = [*pod_file.objects, *pod_file.pod_objects]
    title = ", ".join(one.name for one in pod_file.pods)
    params: JsonObject = {"objects": objects, "file": str(file), "title": title, "command": f"pod run -d {file}"}
    await session.call("pod.run", params)
    for one in pod_file.pods:
        click.echo(f"pod/{one.name} created")


@click.command("plan")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--assume",
    multiple=True,
    metavar="POINT:NAME=DURATION",
    help="How long something takes: preStop:app=40s, run:app=5s (a main process). May be repeated.",
)
@click.option("--for", "lasting", type=Duration(), help="Let the pods run for so long before they are stopped.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Format.")
@namespace_option
def plan_command(file: Path, assume: tuple[str, ...], lasting: timedelta | None, output: str, namespace: str) -> None:
    """Show what running the pods of FILE and stopping them would do: nothing is started and no time passes.

    What is not assumed takes no time and succeeds, and is said at the end.
    """

    def work() -> None:
        from boathook.cli.plan import print_plan
        from boathook.pods import simulate_pod
        from boathook.runtimes.assumptions import Assumptions

        assumptions = Assumptions.parse(assume)
        print_plan(simulate_pod(load_pods(file, namespace), assumptions, lasting=lasting), assumptions, output)

    told(work)
