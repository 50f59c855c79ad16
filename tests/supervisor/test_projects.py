"""Compose projects in a process that owns containers: brought up when it is asked to, stopped when it ends."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from boathook.clock import LoopClock
from boathook.cluster.simulation import simulated_cluster
from boathook.compose.embedded import EmbeddedPlace
from boathook.compose.operations import Wish
from boathook.compose.options import DownOptions, StartOptions, StopOptions, UpOptions
from boathook.compose.place import Status
from boathook.events import EventStream, HookFinished, Stamped
from boathook.home import Home
from boathook.journal import Context, Journal, MemoryObligations
from boathook.runtimes.assumptions import Assumptions
from boathook.supervisor.client import call
from boathook.supervisor.ending import bring_down_all
from boathook.supervisor.host import Host
from boathook.supervisor.service import owner_socket, serving
from tests.compose.embedded.build import a_project

pytestmark = pytest.mark.anyio

PROJECT = a_project("""
services:
  app:
    image: a
    pre_stop: [{command: bye}]
  other: {image: b}
""")


@pytest.fixture
async def host(home: Home) -> AsyncIterator[Host]:
    """This process as an owner, in which nothing really runs."""
    events = EventStream(clock=LoopClock())
    context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
    async with (
        Journal.open(home) as journal,
        simulated_cluster(context, Assumptions()) as cluster,
        anyio.create_task_group() as tasks,
    ):
        place = EmbeddedPlace(cluster.runtime, tasks=tasks, host_paths=False)
        found = Host(home=home, runtime=cluster.runtime, journal=journal, tasks=tasks, cluster=cluster, projects=place)
        async with serving(found, socket_of(home)):
            with anyio.fail_after(30):
                yield found
        tasks.cancel_scope.cancel()


def socket_of(home: Home) -> Path:
    return home.socket(owner_socket(os.getpid()))


async def ask(host: Host, operation: str, options: Any) -> list[Stamped]:
    heard: list[Stamped] = []
    params = Wish(project=PROJECT, options=options, command=operation.replace(".", " ")).parameters()
    await call(host.home, operation, params, on_event=heard.append, owner_pid=os.getpid())
    return heard


def hooks(heard: list[Stamped]) -> list[str]:
    return [one.event.result.hook.name for one in heard if isinstance(one.event, HookFinished)]


async def states(host: Host) -> dict[str, Status]:
    return {one.service: one.status for one in await host.place.members("demo")}


async def test_all_that_is_asked_of_it_is_done_in_one_place(host: Host) -> None:
    await ask(host, "compose.up", UpOptions())
    assert set((await states(host)).values()) == {Status.RUNNING}
    assert hooks(await ask(host, "compose.stop", StopOptions())) == ["pre_stop[0]"]
    assert set((await states(host)).values()) == {Status.EXITED}
    await ask(host, "compose.start", StartOptions())
    assert set((await states(host)).values()) == {Status.RUNNING}
    assert hooks(await ask(host, "compose.down", DownOptions())) == ["pre_stop[0]"]
    assert await states(host) == {}


@pytest.mark.parametrize("again", [False, True])
async def test_what_stands_is_stopped_with_its_hooks_when_the_process_is_told_to_end(host: Host, again: bool) -> None:
    await ask(host, "compose.up", UpOptions())
    if again:
        await ask(host, "compose.stop", StopOptions())
        await ask(host, "compose.start", StartOptions())
    await host.until_answered()

    await bring_down_all(host, "told to end")

    assert set((await states(host)).values()) == {Status.EXITED}


async def test_what_was_taken_down_is_not_stopped_again(host: Host) -> None:
    await ask(host, "compose.up", UpOptions())
    await ask(host, "compose.down", DownOptions())
    await host.until_answered()

    assert host.brought_up == {}
