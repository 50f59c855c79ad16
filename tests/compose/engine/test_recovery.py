"""What a crash leaves owing on an engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from boathook.clock import SystemClock
from boathook.codec import to_json
from boathook.compose.debts import KIND
from boathook.compose.engine import EnginePlace
from boathook.compose.model import Project
from boathook.compose.place import Member, member_target
from boathook.compose.recovery import settle_stop
from boathook.journal import Context, MemoryObligations
from boathook.journal.obligations import ObligationState
from boathook.journal.recovery import Settled
from tests.compose.engine.build import EVERY_ENGINE, OnEngine
from tests.compose.engine.test_place import Told, running

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, EVERY_ENGINE]

SAVING = """
services:
  app:
    image: IMAGE
    command: ["sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"]
    environment: {WHAT: saved}
    working_dir: /data
    volumes: ["data:/data", /nameless]
    pre_stop: [{command: ["sh", "-c", "echo $$WHAT > file; echo $$WHAT > /nameless/file"]}]
volumes: {data: }
"""


async def settled(place: EnginePlace, site: OnEngine, project: Project, member: Member) -> Settled:
    """How a debt of its pre_stop hook is settled after ``member`` was left as it is now."""
    context = Context(events=site.events(), clock=SystemClock(), obligations=MemoryObligations())
    (hook,) = project.service("app").pre_stop
    payload = {"hook": to_json(hook), **await place.owed(project, member, hook)}
    if site.directory.joinpath("stopped").exists():
        await place.stop(member, grace=timedelta(seconds=20), signal="SIGTERM", signalled=Told())
        await place.remove(member.id, volumes=False)
    obligation = await context.obligations.open(
        kind=KIND, target=member_target("shop", member), description="run it", payload=payload
    )
    return await settle_stop(obligation, context, place)


async def test_a_hook_whose_container_is_gone_runs_in_a_fresh_one_with_the_same_volumes(
    place: EnginePlace, site: OnEngine
) -> None:
    (site.directory / "stopped").touch()
    member = await running(place, site, SAVING)
    project = site.write(SAVING)

    result = await settled(place, site, project, member)

    assert result.state is ObligationState.MET
    assert site.engine.docker("run", "--rm", "-v", "shop_data:/d", "boathook.test/busybox:1", "cat", "/d/file") == (
        "saved\n"
    )
    assert site.engine.docker("ps", "-aq", "--filter", "label=boathook.io/owed-for") == ""


async def test_a_container_that_runs_on_is_owed_nothing(place: EnginePlace, site: OnEngine) -> None:
    member = await running(place, site, SAVING)
    project = site.write(SAVING)

    result = await settled(place, site, project, member)

    assert result.state is ObligationState.MOOT
