"""What an owner's socket answers, and to whom."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from boathook.clock import LoopClock
from boathook.cluster.simulation import simulated_cluster
from boathook.errors import Conflict, PlaceError, UsageError
from boathook.events import EventStream, PhaseChanged, Stamped
from boathook.home import Home
from boathook.journal import Context, Journal, MemoryObligations, SqliteObligations
from boathook.model import JsonObject
from boathook.runtimes.assumptions import Assumptions
from boathook.supervisor.client import asking, call
from boathook.supervisor.host import Host
from boathook.supervisor.operations import OPERATIONS, UNJOURNALLED
from boathook.supervisor.service import owner_socket, serving
from tests.supervisor import operations

pytestmark = pytest.mark.anyio

SECONDS = 10.0


def ignored(stamped: Stamped) -> None: ...


@pytest.fixture(autouse=True)
def of_tests(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("wait", "fail", "owe"):
        monkeypatch.setitem(OPERATIONS, f"test.{name}", f"tests.supervisor.operations:{name}")
    monkeypatch.setattr("boathook.supervisor.service.UNJOURNALLED", UNJOURNALLED | {"test.owe"})
    operations.ended.clear()
    operations.let_go[0] = anyio.Event()
    yield
    assert operations.ended in ([], ["finished"], ["cancelled"])


@pytest.fixture
async def host(home: Home) -> AsyncIterator[Host]:
    """This process as an owner, with a cluster that runs nothing."""
    events = EventStream(clock=LoopClock())
    context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
    async with (
        Journal.open(home) as journal,
        simulated_cluster(context, Assumptions()) as cluster,
        anyio.create_task_group() as tasks,
    ):
        found = Host(home=home, runtime=cluster.runtime, journal=journal, tasks=tasks, cluster=cluster)
        async with serving(found, socket_of(home)):
            with anyio.fail_after(SECONDS):
                yield found
        tasks.cancel_scope.cancel()


def socket_of(home: Home) -> Path:
    return home.socket(owner_socket(os.getpid()))


async def ask(host: Host, operation: str, params: JsonObject | None = None) -> JsonObject:
    return await call(host.home, operation, params or {}, on_event=ignored, owner_pid=os.getpid())


async def until_begun(host: Host, heard: list[Any], operation: str = "test.wait") -> None:
    """Ask, and give up as a client that was killed would: without a word."""
    async with asking(host.home, operation, {}, on_event=heard.append, owner_pid=os.getpid()) as answer:
        heard.append(await answer.lines.receive())


async def test_events_are_heard_before_the_result(host: Host) -> None:
    heard: list[Stamped] = []
    operations.let_go[0].set()

    result = await call(host.home, "test.wait", {}, on_event=heard.append, owner_pid=os.getpid())

    assert result == {"done": True}
    assert [one.event for one in heard] == [PhaseChanged(target=operations.TARGET, phase="Begun", reason=None)]


async def test_an_operation_goes_on_when_its_client_is_gone(host: Host) -> None:
    heard: list[Any] = []
    await until_begun(host, heard)

    operations.let_go[0].set()
    await host.until_answered()

    assert "event" in heard[0]
    assert operations.ended == ["finished"]


async def test_an_operation_ends_when_its_client_cancels_it(host: Host) -> None:
    begun = anyio.Event()

    async def asked() -> None:
        await call(host.home, "test.wait", {}, on_event=lambda stamped: begun.set(), owner_pid=os.getpid())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(asked)
        await begun.wait()
        tasks.cancel_scope.cancel()

    assert operations.ended == ["cancelled"]
    assert host.active == 0


async def test_a_bug_is_told_and_logged_and_ends_nothing_else(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL), pytest.raises(PlaceError, match="failed unexpectedly: KeyError: 'missing'"):
        await ask(host, "test.fail")

    with pytest.raises(UsageError, match='unknown operation "test'):
        await ask(host, "test.nothing")


@pytest.mark.parametrize("said", [b"nonsense\n", b"[]\n", b"", b'{"operation": 3}\n', b"{}\n"])
async def test_nonsense_harms_nobody(host: Host, said: bytes) -> None:
    async with await anyio.connect_unix(socket_of(host.home)) as stream:
        await stream.send(said)

    operations.let_go[0].set()
    assert await ask(host, "test.wait") == {"done": True}


async def test_what_is_new_is_left_to_the_next_while_it_ends(host: Host) -> None:
    host.ending = True

    with pytest.raises(Conflict, match="owns this and is ending"):
        await ask(host, "test.wait")
    with pytest.raises(Exception, match='pods "demo" not found'):
        await ask(
            host, "pod.delete", {"key": {"kind": "Pod", "namespace": "default", "name": "demo"}, "cause": "deleted"}
        )


async def test_a_debt_without_a_run_of_its_own_is_found_by_others(host: Host) -> None:
    answer = await ask(host, "test.owe")
    async with Journal.open(host.home) as other:
        (debt,) = await SqliteObligations(other, "other").owed()

    assert answer == {"run": ""}
    assert (debt.kind, debt.run, debt.owner.pid) == ("test.debt", "", os.getpid())


async def test_a_process_that_is_gone_cannot_be_asked(home: Home) -> None:
    process = await anyio.open_process(["true"])
    await process.wait()

    with pytest.raises(Conflict, match=f"process {process.pid} owns this and cannot be asked"):
        await call(home, "pod.delete", {}, on_event=ignored, owner_pid=process.pid)


STRANGER = """
import json, os, socket, sys
os.setuid(int(sys.argv[2]))
with socket.socket(socket.AF_UNIX) as raw:
    raw.connect(sys.argv[1])
    try:
        raw.sendall(json.dumps({"operation": "test.wait", "params": {}}).encode() + b"\\n")
        print(raw.recv(100))
    except ConnectionError:
        print(b"")
"""


@pytest.mark.root
@pytest.mark.parametrize(("uid", "answer"), [(65534, "b''\n"), (0, 'b\'{"accepted":true}')])
async def test_another_users_process_is_not_answered(host: Host, uid: int, answer: str) -> None:
    path = socket_of(host.home)
    path.parent.chmod(0o711)
    path.chmod(0o666)

    found = await anyio.run_process([sys.executable, "-c", STRANGER, str(path), str(uid)], cwd="/", check=False)
    operations.let_go[0].set()

    assert found.stdout.decode().startswith(answer), found.stderr.decode()
    await host.until_answered()


async def test_the_socket_goes_and_its_directory_with_the_last(home: Home) -> None:
    events = EventStream(clock=LoopClock())
    context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
    first, second = home.socket("owner-1.sock"), home.socket("owner-2.sock")
    left = []
    async with (
        Journal.open(home) as journal,
        simulated_cluster(context, Assumptions()) as cluster,
        anyio.create_task_group() as tasks,
    ):
        found = Host(home=home, runtime=cluster.runtime, journal=journal, tasks=tasks, cluster=cluster)
        async with serving(found, first):
            async with serving(found, second):
                left.append(sorted(path.name for path in first.parent.iterdir()))
            left.append(sorted(path.name for path in first.parent.iterdir()))

    assert left == [["owner-1.sock", "owner-2.sock"], ["owner-1.sock"]]
    assert not first.parent.exists()
