"""Somebody else removes or takes what a command is about to act upon: a clear error, and a repetition converges."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

import anyio
import pytest

from boathook.compose.place import Member, Status
from boathook.compose.project import ProjectWorker
from boathook.errors import BoathookError, Conflict, NotFound, OperationFailed
from boathook.runtimes.base import ContainerId
from tests.compose.build import Act, down, failing, live, runtime_of, stop, takes, up

TEXT = """
services:
  web: {image: web, depends_on: [db], post_start: [{command: warm}], pre_stop: [{command: drain}]}
  db: {image: db, post_start: [{command: migrate}], pre_stop: [{command: dump}]}
"""


async def remove(worker: ProjectWorker, service: str) -> None:
    for one in await worker.members():
        if one.service == service:
            await runtime_of(worker).remove(one.id)


def beside(act: Callable[[ProjectWorker], Awaitable[object]], seconds: float, meddle: Act) -> Act:
    """The act, with somebody who meddles after a time."""

    async def both(worker: ProjectWorker) -> None:
        error: list[BoathookError] = []

        async def do() -> None:
            try:
                await act(worker)
            except BoathookError as failure:
                error.append(failure)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(do)
            await anyio.sleep(seconds)
            await meddle(worker)
        if error:
            raise error[0]

    return both


def without(service: str) -> Act:
    return lambda worker: remove(worker, service)


def test_one_that_is_removed_before_its_start_is_an_error_and_the_next_up_makes_it() -> None:
    lived = live(TEXT, beside(up, 1, without("web")), assume=(takes("post_start", "db", 2),))

    assert isinstance(lived.error, NotFound)
    assert lived.left == {"db-1": Status.RUNNING}

    lived = live(TEXT, failing(beside(up, 1, without("web"))), up, assume=(takes("post_start", "db", 2),))

    assert (lived.error, lived.left) == (None, {"db-1": Status.RUNNING, "web-1": Status.RUNNING})


def test_one_that_is_removed_while_its_post_start_runs_is_a_failed_hook() -> None:
    lived = live(TEXT, beside(up, 1, without("db")), assume=(takes("post_start", "db", 2),))

    assert isinstance(lived.error, OperationFailed)
    assert str(lived.error) == "db hook exited with status 137"
    assert lived.left == {"web-1": Status.CREATED}


def test_one_that_is_removed_between_its_hooks_is_as_stopped_as_can_be() -> None:
    assume = (takes("pre_stop", "web", 2), takes("stop", "web", 3))

    for seconds in (3, 4):
        lived = live(TEXT, up, beside(stop, seconds, without("web")), assume=assume)

        assert (lived.error, lived.left) == (None, {"db-1": Status.EXITED}), seconds


def test_down_of_what_is_removed_meanwhile_goes_on() -> None:
    lived = live(TEXT, up, beside(down, 1, without("db")), assume=(takes("pre_stop", "web", 2),))

    assert (lived.error, lived.left) == (None, {})


def test_a_name_that_is_taken_is_an_error_and_leaves_what_was_there() -> None:
    strangers: list[ContainerId] = []

    async def lose_web_to_a_stranger(worker: ProjectWorker) -> None:
        (member,) = [one for one in await worker.members() if one.service == "web"]
        runtime = runtime_of(worker)
        spec = (await runtime.inspect(member.id)).spec
        await runtime.remove(member.id)
        strangers.append(await runtime.create(dataclasses.replace(spec, labels={})))

    async def it_stands(worker: ProjectWorker) -> None:
        assert (await runtime_of(worker).inspect(strangers[0])).id == strangers[0]

    lived = live(TEXT, up, lose_web_to_a_stranger, failing(up), it_stands, up)

    assert isinstance(lived.error, Conflict)
    assert "demo-web-1" in str(lived.error)


@pytest.mark.parametrize("seconds", [0.5, 1.5, 2.5, 3.5])
def test_an_up_that_is_interrupted_anywhere_is_finished_by_the_next_one(seconds: float) -> None:
    async def interrupted(worker: ProjectWorker) -> None:
        with anyio.move_on_after(seconds):
            await worker.up()

    lived = live(TEXT, interrupted, up, assume=(takes("post_start", "db", 2), takes("post_start", "web", 2)))

    assert (lived.error, lived.left) == (None, {"db-1": Status.RUNNING, "web-1": Status.RUNNING})


def test_containers_are_told_of_before_the_first_of_them_starts() -> None:
    told: list[list[str]] = []

    async def listen(worker: ProjectWorker) -> None:
        def note(members: object) -> None:
            assert isinstance(members, list)
            told.append(sorted(one.name for one in members if isinstance(one, Member)))

        worker.starting = note

    live(TEXT, listen, up, stop, up)

    assert told == [["demo-db-1", "demo-web-1"]] * 2
