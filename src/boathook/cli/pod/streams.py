"""``boathook pod logs`` and ``boathook pod exec``: what a pod's containers write, and programs run in them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from boathook.cli.durations import Duration
from boathook.cli.options import place_options
from boathook.cli.pod.input import Input
from boathook.cli.pod.stored import (
    container_names,
    container_statuses,
    default_container,
    namespace_option,
    object_store,
    pod_key,
    quiet_cluster,
)
from boathook.cli.session import Session, run
from boathook.errors import UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.cluster.base import ObjectKey
    from boathook.model import JsonObject
    from boathook.runtimes.base import ContainerId, ContainerRuntime, LogLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of a log is printed, and how."""

    follow: bool
    tail: int | None
    since: datetime | None
    timestamps: bool
    prefix: bool


@click.command("logs")
@click.argument("name")
@click.option("-c", "--container", help="Which container; else the first that is no init container.")
@click.option("--all-containers", is_flag=True, help="Of all containers, one after the other (with -f at once).")
@click.option("-f", "--follow", is_flag=True, help="Go on until the container ends, or Ctrl-C.")
@click.option("-p", "--previous", is_flag=True, help="Of the instance before the last restart, while it is kept.")
@click.option("--tail", type=click.IntRange(min=-1), default=-1, help="Only so many of the last lines; -1: all.")
@click.option("--since", type=Duration(), help="Only lines younger than this, e.g. 10s.")
@click.option("--timestamps", is_flag=True, help="Put its time before each line.")
@click.option("--prefix", is_flag=True, help="Put [pod/NAME/CONTAINER] before each line.")
@namespace_option
@place_options
def logs_command(
    name: str,
    container: str | None,
    all_containers: bool,
    follow: bool,
    previous: bool,
    tail: int,
    since: timedelta | None,
    timestamps: bool,
    prefix: bool,
    namespace: str,
    settings: Settings,
) -> None:
    """Print what a container of a pod has written: its stdout on stdout, its stderr on stderr."""

    async def work(session: Session) -> int:
        from boathook.clock import SystemClock

        if container is not None and all_containers:
            raise UsageError("--container and --all-containers contradict each other")
        with object_store(session) as store:
            obj = store.get(pod_key(namespace, name))
        names = container_names(obj) if all_containers else [default_container(obj, container)]
        ids = {one: _instance(obj, one, previous=previous) for one in names}
        wanted = Wanted(
            follow=follow,
            tail=None if tail < 0 else tail,
            since=None if since is None else SystemClock().now() - since,
            timestamps=timestamps,
            prefix=prefix,
        )
        await _print_all(await session.runtime(), obj, ids, wanted)
        return 0

    run(work, settings, timeline=False)


async def _print_all(runtime: ContainerRuntime, obj: JsonObject, ids: dict[str, ContainerId], wanted: Wanted) -> None:
    import anyio

    from boathook.errors import NotFound
    from boathook.objects import text

    pod_name = text(obj, "metadata", "name")

    async def one(container: str, instance: ContainerId) -> None:
        before = f"[pod/{pod_name}/{container}] " if wanted.prefix else ""
        try:
            async for line in _chosen(runtime, instance, wanted):
                _print(line, before, wanted)
        except NotFound as error:
            raise NotFound(f'the log of container "{container}" in pod "{pod_name}" is not kept any more') from error

    if wanted.follow:
        async with anyio.create_task_group() as tasks:
            for container, instance in ids.items():
                tasks.start_soon(one, container, instance)
    else:
        for container, instance in ids.items():
            await one(container, instance)


async def _chosen(runtime: ContainerRuntime, instance: ContainerId, wanted: Wanted) -> AsyncIterator[LogLine]:
    """Those that are young enough, and of those that were there the last ones. What comes later is always told."""

    def is_young(line: LogLine) -> bool:
        return wanted.since is None or line.time >= wanted.since

    skipped = 0
    if wanted.tail is not None:
        there = len([line async for line in runtime.logs(instance) if is_young(line)])
        skipped = max(there - wanted.tail, 0)
    async for line in runtime.logs(instance, follow=wanted.follow):
        if is_young(line):
            if not skipped:
                yield line
            skipped = max(skipped - 1, 0)


def _print(line: LogLine, before: str, wanted: Wanted) -> None:
    from boathook.model import Stream

    time = f"{line.time.strftime('%Y-%m-%dT%H:%M:%S.%f')}000Z " if wanted.timestamps else ""
    click.echo(f"{before}{time}{line.text}", nl=not line.partial, err=line.stream is Stream.STDERR)


def _instance(obj: JsonObject, container: str, *, previous: bool) -> ContainerId:
    """The present or the previous instance, as the pod's status names it. Raises ``NotFound``."""
    from boathook.errors import NotFound
    from boathook.objects import text
    from boathook.runtimes.base import ContainerId

    name, status = text(obj, "metadata", "name"), container_statuses(obj).get(container, {})
    if previous:
        found = text(status, "lastState", "terminated", "containerID")
        if not found:
            raise NotFound(f'previous terminated container "{container}" in pod "{name}" not found')
    else:
        found = text(status, "containerID")
        if not found:
            reason = text(status, "state", "waiting", "reason") or "ContainerCreating"
            raise NotFound(f'container "{container}" in pod "{name}" is waiting to start: {reason}')
    return ContainerId(found.removeprefix("boathook://"))


@click.command("exec", context_settings={"ignore_unknown_options": False})
@click.argument("name")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
@click.option("-c", "--container", help="Which container; else the first that is no init container.")
@click.option("-i", "--stdin", is_flag=True, help="Pass standard input on; without it the program's is empty.")
@click.option("-t", "--tty", is_flag=True, help="Not done: a program gets no terminal.")
@namespace_option
@place_options
def exec_command(
    name: str,
    command: tuple[str, ...],
    container: str | None,
    stdin: bool,
    tty: bool,
    namespace: str,
    settings: Settings,
) -> None:
    """Run COMMAND in a container of a pod, as a hook would run: its user, environment and working directory.

    Its streams are kept apart, and its exit code is this command's. Ctrl-C ends it.
    """

    async def work(session: Session) -> int:
        if tty:
            raise UsageError("--tty is not supported: a program in a container gets no terminal", hint="leave -t out")
        if not command:
            raise UsageError("no command was given", hint="for example: boathook pod exec NAME -- ls /")
        with Input() if stdin else contextlib.nullcontext() as given:
            return await _exec(session, pod_key(namespace, name), container, command, given)

    run(work, settings, timeline=False)


async def _exec(
    session: Session, key: ObjectKey, container: str | None, command: tuple[str, ...], given: Input | None
) -> int:
    import anyio

    from boathook.model import Stream
    from boathook.runtimes.base import ExecSpec

    unread = anyio.Event()

    def show(stream: Stream, chunk: bytes) -> None:
        to = sys.stdout.buffer if stream is Stream.STDOUT else sys.stderr.buffer
        try:
            to.write(chunk)
            to.flush()
        except BrokenPipeError:
            unread.set()

    async def end_when_unread() -> None:
        await unread.wait()
        raise BrokenPipeError

    cluster = quiet_cluster(session)
    try:
        chosen = default_container(await cluster.get(key), container)
        spec = ExecSpec(command=command, stdin=None if given is None else given.read)
        execution = await cluster.exec(key, chosen, spec, show)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(end_when_unread)
                if given is not None:
                    tasks.start_soon(given.pass_on)
                ended = await execution.wait()
                tasks.cancel_scope.cancel()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await execution.kill()
            raise
    finally:
        cluster.close()
    return ended.command_code
