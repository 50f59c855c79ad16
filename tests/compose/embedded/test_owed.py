"""What is written down of a hook that is owed: enough to run it later, and no secret."""

from __future__ import annotations

import json

import pytest

from boathook.clock import SystemClock
from boathook.compose.debts import KIND
from boathook.compose.place import member_target
from boathook.compose.recovery import SETTLERS
from boathook.events import EventStream
from boathook.home import Home
from boathook.journal import Context, MemoryObligations, ObligationState
from tests.compose.embedded.build import a_project, real

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

TEXT = """
services:
  app:
    image: skeleton
    command: [sleep, '60']
    secrets: [key]
    tmpfs: [/scratch]
    hostname: box
    volumes: ['data:/data']
    pre_stop: [{command: [sh, -c, 'hostname > /data/by-hook; touch /scratch/x']}]
secrets: {key: {environment: KEY}}
volumes: {data: }
"""


async def test_an_owed_hook_runs_with_the_volumes_of_its_container_once_that_is_gone(home: Home) -> None:
    project = a_project(TEXT, home.path, KEY="s3cret")
    context = Context(events=EventStream(), clock=SystemClock(), obligations=MemoryObligations())
    async with real(home, project) as demo:
        member = await demo.started("app")
        hook = project.service("app").pre_stop[0]
        payload = await demo.place.owed(project, member, hook)
        target = member_target("demo", member)
        obligation = await context.obligations.open(kind=KIND, target=target, description="", payload=payload)
        await demo.place.remove(member.id)
        await demo.place.remove_networks(project, demo.events)

        settled = await SETTLERS[KIND](obligation, context, demo.place.runtime)

        assert settled.state is ObligationState.MET, settled
        assert (home.volumes / "demo_data" / "data" / "by-hook").read_text() == "box\n"
        assert "s3cret" not in json.dumps(payload)
        assert list(home.containers.iterdir()) == []
