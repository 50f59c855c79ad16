"""The whole life of a project in a real engine: what its order, hooks and failures leave there."""

from __future__ import annotations

import json
import re

import pytest

from boathook.compose.engine import EnginePlace
from boathook.compose.options import UpOptions
from boathook.compose.place import Status
from boathook.errors import OperationFailed
from boathook.events import HookFinished
from tests.compose.engine.build import DOCKER, OnEngine

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.runtime,
    pytest.mark.parametrize("site", [DOCKER], indirect=True),
]

RUN = """["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]"""


def hooks(site: OnEngine) -> list[str]:
    return [
        f"{one.event.result.target.name} {one.event.result.hook.name}"
        for one in site.heard
        if isinstance(one.event, HookFinished)
    ]


async def test_a_network_that_has_changed_is_made_again_after_the_pre_stop_hooks_of_what_uses_it(
    place: EnginePlace, site: OnEngine
) -> None:
    text = f"""
services:
  app: {{image: IMAGE, command: {RUN}, depends_on: [db], pre_stop: [{{command: 'true'}}]}}
  db: {{image: IMAGE, command: {RUN}, pre_stop: [{{command: 'true'}}]}}
networks: {{default: {{labels: {{is: LABEL}}}}}}
"""
    await site.worker(place, site.write(text.replace("LABEL", "old"))).up()

    worker = site.worker(place, site.write(text.replace("LABEL", "new")))
    await worker.up()

    assert hooks(site) == ["app-1 pre_stop[0]", "db-1 pre_stop[0]"]
    assert json.loads(site.engine.docker("network", "inspect", "shop_default"))[0]["Labels"]["is"] == "new"
    assert [one.status for one in await worker.members()] == [Status.RUNNING] * 2
    assert site.containers() == ["shop-app-1", "shop-db-1"]


@pytest.mark.behaviour("compose:61")
async def test_a_failed_pre_start_is_kept_under_the_id_that_its_message_names(
    place: EnginePlace, site: OnEngine
) -> None:
    project = site.write(
        f"services: {{app: {{image: IMAGE, command: {RUN}, pre_start: [{{command: [sh, -c, echo no; exit 17]}}]}}}}"
    )
    worker = site.worker(place, project)

    with pytest.raises(OperationFailed) as failed:
        await worker.up()

    found = re.fullmatch(
        r'service "app" pre_start\[0\] exited with code 17: no \(hook container ([0-9a-f]{12}) retained for'
        r" inspection\)",
        str(failed.value),
    )
    assert found is not None
    assert site.engine.docker("logs", found[1]) == "no\n"
    assert [(one.name, one.status) for one in await worker.members()] == [("shop-app-1", Status.CREATED)]
    await worker.down()
    assert site.containers() == []


async def test_a_hook_that_outlasts_its_limit_runs_no_longer(place: EnginePlace, site: OnEngine) -> None:
    project = site.write(
        f"services: {{app: {{image: IMAGE, command: {RUN}, post_start:"
        " [{command: sleep 1234, x-boathook: {timeout: 1s, on_failure: continue}}, {command: 'true'}]}}"
    )
    worker = site.worker(place, project)

    await worker.up()

    assert "sleep 1234" not in site.engine.docker("top", "shop-app-1")
    assert hooks(site) == ["app-1 post_start[0]", "app-1 post_start[1]"]
    assert site.notes[-1].startswith("app hook timed out after 1s")


async def test_a_forced_replacement_leaves_the_name_and_one_container(place: EnginePlace, site: OnEngine) -> None:
    worker = site.worker(
        place, site.write(f"services: {{app: {{image: IMAGE, command: {RUN}, scale: 2, volumes: [/data]}}}}")
    )
    await worker.up()
    before = {one.name: one for one in await worker.members()}

    await worker.up(UpOptions(force_recreate=True))

    after = {one.name: one for one in await worker.members()}
    assert before.keys() == after.keys() == {"shop-app-1", "shop-app-2"}
    assert all(before[name].id != after[name].id for name in before)
    assert all(before[name].mounts == after[name].mounts for name in before), "volumes without a name go over"
