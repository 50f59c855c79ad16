"""``boathook pod stop`` and ``boathook pod delete``: both stop gracefully; ``stop`` keeps the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from boathook.cli.options import place_options
from boathook.cli.pod.stored import (
    chosen_pods,
    container_names,
    has_ended,
    living_owner,
    object_store,
    selection_options,
)
from boathook.cli.session import Session, run
from boathook.errors import BoathookError, UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.cluster.base import ObjectKey
    from boathook.cluster.owners import ObjectOwner
    from boathook.cluster.store import ObjectStore, Stored

F = TypeVar("F", bound=Callable[..., Any])

SHORTEST = timedelta(seconds=1)
"""What a period of 0 means without ``--force``, and ``--now`` (kubectl, ``delete.go``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How pods are ended."""

    grace: timedelta | None
    force: bool
    keep: bool
    """Their records stay."""
    wait: bool

    @property
    def cause(self) -> str:
        return "stopped" if self.keep else "deleted"

    @property
    def done(self) -> str:
        return f"{'force ' if self.force else ''}{self.cause}"


def grace_options(function: F) -> F:
    """Adds ``--grace-period`` and ``--force``."""
    period = click.option(
        "--grace-period",
        type=click.IntRange(min=0),
        metavar="SECONDS",
        help="Only ever shortens the pod's own period; 0 counts as 1 without --force.",
    )
    force = click.option("--force", is_flag=True, help="Do not wait for hooks and programs: end them at once.")
    return period(force(function))


@click.command("stop")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="All pods of the namespace.")
@grace_options
@selection_options
@place_options
def stop_command(
    names: tuple[str, ...],
    everything: bool,
    grace_period: int | None,
    force: bool,
    namespace: str,
    all_namespaces: bool,
    selector: str,
    settings: Settings,
) -> None:
    """Stop pods gracefully, with their preStop hooks, and keep their records.

    What a stopped pod was, how its containers ended and what they wrote can be looked at with ps, describe and logs
    until it is deleted, or run again under the same name. A pod that a command in a terminal runs goes with it.
    """

    async def work(session: Session) -> int:
        ending = Ending(grace=grace_of(grace_period, force, now=False), force=force, keep=True, wait=True)
        return await _end_all(session, names, namespace, all_namespaces, selector, everything, ending)

    run(work, settings)


@click.command("delete")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="All pods of the namespace.")
@click.option("--now", is_flag=True, help="As --grace-period 1.")
@click.option("--wait", type=click.BOOL, default=True, metavar="BOOL", help="false: do not wait until they are gone.")
@grace_options
@selection_options
@place_options
def delete_command(
    names: tuple[str, ...],
    everything: bool,
    now: bool,
    wait: bool,
    grace_period: int | None,
    force: bool,
    namespace: str,
    all_namespaces: bool,
    selector: str,
    settings: Settings,
) -> None:
    """Delete pods as kubectl does: they are stopped with their preStop hooks first."""

    async def work(session: Session) -> int:
        ending = Ending(grace=grace_of(grace_period, force, now=now), force=force, keep=False, wait=wait)
        return await _end_all(session, names, namespace, all_namespaces, selector, everything, ending)

    run(work, settings)


def grace_of(seconds: int | None, force: bool, *, now: bool) -> timedelta | None:
    """The period that the options mean, by kubectl's rules (``delete.go``); None: the pod's own."""
    if now and seconds is not None:
        raise UsageError("--now and --grace-period cannot be specified together")
    if force and (now or seconds):
        raise UsageError("--force and --grace-period greater than 0 cannot be specified together")
    if force:
        return timedelta(0)
    if now:
        return SHORTEST
    return None if seconds is None else max(timedelta(seconds=seconds), SHORTEST)


async def _end_all(
    session: Session,
    names: tuple[str, ...],
    namespace: str,
    all_namespaces: bool,
    selector: str,
    everything: bool,
    ending: Ending,
) -> int:
    _refuse_unclear(names, selector, everything)
    with object_store(session) as store:
        pods = chosen_pods(store, names, namespace, all_namespaces, selector)
        if not pods:
            click.echo("No resources found")
            return 0
        return await _end_each(session, store, pods, ending)


def _refuse_unclear(names: tuple[str, ...], selector: str, everything: bool) -> None:
    if everything and (names or selector):
        raise UsageError(f"--all and {'a name' if names else '--selector'} contradict each other")
    if not names and not selector and not everything:
        raise UsageError("which pods is not said", hint="give their names, -l SELECTOR or --all")


async def _end_each(session: Session, store: ObjectStore, pods: list[Stored], ending: Ending) -> int:
    """All at the same time. The first mistake is raised when every other pod is done."""
    import anyio

    from boathook.report.terminal import LiveTimeline
    from boathook.report.timeline import Timeline

    # Their containers were created long ago, so that the timeline cannot know them.
    several = any(len(container_names(stored.body)) > 1 for stored in pods)
    timeline = Timeline(several_containers=several, several_pods=len(pods) > 1)
    session.listeners.append(LiveTimeline(timeline=timeline))
    mistakes: list[BoathookError] = []

    async def one(stored: Stored) -> None:
        try:
            await _end(session, store, stored, ending)
        except BoathookError as error:
            mistakes.append(error)

    async with anyio.create_task_group() as group:
        for stored in pods:
            group.start_soon(one, stored)
    if mistakes:
        raise mistakes[0]
    return 0


async def _end(session: Session, store: ObjectStore, stored: Stored, ending: Ending) -> None:
    from boathook.cluster.base import key_of
    from boathook.cluster.owners import FOREGROUND

    key, owner = key_of(stored.body, default_namespace="default"), living_owner(stored)
    if ending.keep:
        if owner is None or has_ended(stored.body):
            click.echo(f'pod "{key.name}" has ended already')
            return
        # The record of a pod that a command runs would have nobody once that command has ended.
        ending_keeps = owner.kind != FOREGROUND
        await _ask_owner(session, key, owner, ending, keep=ending_keeps)
        said = "" if ending_keeps else f" (its record goes with the command that ran it, process {owner.process.pid})"
        click.echo(f'pod "{key.name}" {ending.done}{said}')
        return
    if owner is None:
        store.remove(key)
    else:
        await _ask_owner(session, key, owner, ending, keep=False)
    click.echo(f'pod "{key.name}" {ending.done}')


async def _ask_owner(session: Session, key: ObjectKey, owner: ObjectOwner, ending: Ending, *, keep: bool) -> None:
    """Ask the process that runs the pod to end it, and show what happens until that is done."""
    from boathook.cluster.owners import SUPERVISOR
    from boathook.codec import to_json
    from boathook.model import JsonObject

    params: JsonObject = {
        "key": to_json(key),
        "grace_seconds": None if ending.grace is None else ending.grace.total_seconds(),
        "cause": ending.cause,
        "keep": keep,
    }
    operation = "pod.delete" if ending.wait else "cluster.delete"
    await session.call(operation, params, owner=None if owner.kind == SUPERVISOR else owner.process.pid)


async def remove_pod(
    session: Session, store: ObjectStore, key: ObjectKey, owner: ObjectOwner | None, grace: timedelta | None, cause: str
) -> None:
    """Have a pod that has ended removed with all that is kept of it, by whoever keeps it."""
    from boathook.cluster.owners import SUPERVISOR
    from boathook.codec import to_json

    if owner is None:
        store.remove(key)
        return
    seconds = None if grace is None else grace.total_seconds()
    await session.call(
        "pod.delete",
        {"key": to_json(key), "grace_seconds": seconds, "cause": cause},
        owner=None if owner.kind == SUPERVISOR else owner.process.pid,
    )
