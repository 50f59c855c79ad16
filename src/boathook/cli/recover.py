"""``boathook recover``: settle what the dead owe, then remove what they left behind."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial

import click

from boathook.cli.options import place_options
from boathook.cli.session import Session, run
from boathook.events import RunFinished, RunStarted
from boathook.home import Home
from boathook.journal import Obligation, Settled, Settler, target_lock
from boathook.journal import recovery as journal_recovery
from boathook.journal.locks import sweep_target_locks
from boathook.journal.obligations import ObligationState
from boathook.journal.owners import sweep_owner_locks
from boathook.report import words
from boathook.settings import DOCKER, Settings

DIALECTS = ("pods", "compose", "helm", "backup")


@click.command()
@place_options
def recover(settings: Settings) -> None:
    """Settle what a crash left owing, and remove what it left behind.

    Hooks that were owed are run (a file system that was frozen is thawed, in a fresh container if its own is gone),
    and releases get their true status. What a living command owes is left to it. Exits with 1 when something could
    not be settled.
    """
    run(_recover, settings)


async def _recover(session: Session) -> int:
    import anyio.to_thread

    from boathook.helm.recovery import settlers_on
    from boathook.runtimes.sweep import sweep
    from boathook.supervisor.sweep import sweep_sockets

    async with session.context(command="recover", title="recover") as context:
        place = ""
        results: list[tuple[Obligation, Settled]] = []
        if await context.obligations.owed():
            runtime = await session.runtime()
            place = runtime.name
            context.events.emit(RunStarted(title="recover", command="recover", place=place, facts=()))
            locking = partial(target_lock, session.home, command="recover")
            known = {**settlers(), **settlers_on(partial(session.cluster, context))}
            results = await journal_recovery.recover(context, runtime, known, locking=locking)
        removed = (
            *await anyio.to_thread.run_sync(sweep, session.home),
            *await _sweep_engine(session),
            *_settle_objects(session.home),
        )
        sweep_sockets(session.home)
        sweep_owner_locks(session.home)
        sweep_target_locks(session.home)
        failed = sum(journal_recovery.is_unsettled(settled) for _, settled in results)
        context.events.emit(RunFinished(succeeded=not failed, message=_summary(results, len(removed))))
    for obligation, settled in results:
        click.echo(f"{_word(settled)}: {obligation.description}: {settled.reason}")
    for what in removed:
        click.echo(what)
    if not results and not removed:
        click.echo("nothing owed, nothing left")
    return 1 if failed else 0


def _settle_objects(home: Home) -> tuple[str, ...]:
    """Pods and Jobs of the local cluster whose owner is dead: a sentence for each."""
    import uuid

    from boathook.clock import SystemClock
    from boathook.cluster.owners import settle_orphans
    from boathook.cluster.store import ObjectStore

    if not home.objects.exists():
        return ()
    store = ObjectStore.open(home.objects, clock=SystemClock(), uids=lambda: str(uuid.uuid4()))
    try:
        return settle_orphans(store)
    finally:
        store.close()


async def _sweep_engine(session: Session) -> tuple[str, ...]:
    """What was left in an engine, where that is the place that is meant."""
    if session.settings.on != DOCKER:
        return ()
    import os

    from boathook.runtimes.docker.endpoint import find_endpoint
    from boathook.runtimes.docker.removal import sweep_engine

    return await sweep_engine(session.home, find_endpoint(os.environ))


def settlers() -> Mapping[str, Settler]:
    """What each dialect knows how to settle."""
    known: dict[str, Settler] = {}
    for dialect in DIALECTS:
        try:
            module = importlib.import_module(f"boathook.{dialect}.recovery")
        except ModuleNotFoundError as error:
            if error.name != f"boathook.{dialect}.recovery":
                raise
            continue
        known |= module.SETTLERS
    return known


def _word(settled: Settled) -> str:
    match settled.state:
        case ObligationState.MET:
            return "settled"
        case ObligationState.MOOT:
            return "no longer owed"
        case ObligationState.OPEN:
            return "left"
        case ObligationState.FAILED:
            return "not settled"


def _summary(results: list[tuple[Obligation, Settled]], removed: int) -> str:
    settled = sum(one.state in (ObligationState.MET, ObligationState.MOOT) for _, one in results)
    return f"{words.plural(settled, 'debt')} settled, {words.plural(removed, 'thing')} removed"
