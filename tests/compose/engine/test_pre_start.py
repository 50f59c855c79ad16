"""Containers of ``pre_start`` hooks on a real engine."""

from __future__ import annotations

import pytest

from boathook.compose.engine import EnginePlace
from boathook.compose.engine.pre_start import HelperExecution
from boathook.compose.model import Project
from boathook.compose.place import Member, Ready
from boathook.errors import CouldNotStart
from boathook.model import RunContainer, Stream
from boathook.runtimes.base import Exit
from tests.compose.engine.build import EVERY_ENGINE, OnEngine, create, prepared
from tests.compose.engine.test_place import Output

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, EVERY_ENGINE]

MOUNTING = """
services:
  app:
    image: IMAGE
    command: sleep 1000
    user: "65534:65534"
    working_dir: /tmp
    environment: {FROM: service, GONE: there}
    networks: {default: {aliases: [other]}}
    volumes:
      - data:/data
      - ./bind:/bind
      - /nameless
      - {type: tmpfs, target: /memory, tmpfs: {size: 1m}}
    tmpfs: [/short]
volumes: {data: }
"""


def a_hook(*command: str, user: str | None = None, **environment: str | None) -> RunContainer:
    return RunContainer(
        image=None,
        command=command,
        user=user,
        privileged=False,
        working_dir=None,
        environment=tuple(environment.items()),
    )


async def beside(place: EnginePlace, site: OnEngine, text: str = MOUNTING) -> tuple[Project, Ready, Member]:
    project = site.write(text)
    ready = await prepared(place, project, site.events())
    return project, ready["app"], await create(place, project, ready["app"])


@pytest.mark.behaviour("compose:60", "compose:64")
async def test_a_helper_sees_all_volumes_of_its_container_and_is_gone_when_it_succeeds(
    place: EnginePlace, site: OnEngine
) -> None:
    project, ready, member = await beside(place, site)
    script = (
        "id -u; pwd; echo $FROM $HOOK ${GONE-gone} >&2; echo a > /data/f; echo b > /bind/f; echo c > /nameless/f;"
        " echo d > /memory/f; echo e > /short/f"
    )
    hook, output = a_hook("sh", "-c", script, user="0", HOOK="hook", GONE=None), Output()

    execution = await place.run_helper(project, ready, member, hook, output, label="pre_start:app")
    ended = await execution.wait()

    assert ended == Exit(code=0, signal=None)
    assert output.of == {Stream.STDOUT: b"0\n/tmp\n", Stream.STDERR: b"service hook gone\n"}
    assert site.containers() == ["shop-app-1"]
    await place.start(member.id)
    assert site.engine.docker("exec", "shop-app-1", "cat", "/data/f", "/bind/f", "/nameless/f") == "a\nb\nc\n"


async def test_a_helper_has_the_user_and_directory_of_its_service(place: EnginePlace, site: OnEngine) -> None:
    project, ready, member = await beside(place, site)
    output = Output()

    execution = await place.run_helper(project, ready, member, a_hook("sh", "-c", "id -u; pwd"), output, label="")
    await execution.wait()

    assert output.of[Stream.STDOUT] == b"65534\n/tmp\n"


@pytest.mark.behaviour("compose:61")
async def test_a_helper_that_fails_is_kept_and_is_no_member_until_it_is_removed(
    place: EnginePlace, site: OnEngine
) -> None:
    project, ready, member = await beside(place, site)

    execution = await place.run_helper(project, ready, member, a_hook("sh", "-c", "exit 17"), Output(), label="")
    ended = await execution.wait()

    assert ended == Exit(code=17, signal=None)
    assert isinstance(execution, HelperExecution)
    kept = site.inspect(str(execution.helper_id))[0]
    assert kept["Config"]["Labels"]["com.docker.compose.hook"] == "pre_start"
    assert [one.id for one in await place.members("shop")] == [member.id]
    assert await place.remove_helpers("shop", ["other"]) == 0
    assert await place.remove_helpers("shop", ["app"]) == 1
    assert site.containers() == ["shop-app-1"]


@pytest.mark.behaviour("compose:66")
async def test_a_helper_that_is_killed_leaves_nothing(place: EnginePlace, site: OnEngine) -> None:
    project, ready, member = await beside(place, site)

    execution = await place.run_helper(project, ready, member, a_hook("sleep", "1000"), Output(), label="")
    assert len(site.containers()) == 2
    await execution.kill()

    assert site.containers() == ["shop-app-1"]


async def test_a_helper_whose_program_is_missing_could_not_start_and_leaves_nothing(
    place: EnginePlace, site: OnEngine
) -> None:
    project, ready, member = await beside(place, site)

    with pytest.raises(CouldNotStart, match="/nope"):
        await place.run_helper(project, ready, member, a_hook("/nope"), Output(), label="")

    assert site.containers() == ["shop-app-1"]


@pytest.mark.behaviour("compose:65")
async def test_a_helper_answers_to_the_names_of_its_service(place: EnginePlace, site: OnEngine) -> None:
    project, ready, member = await beside(place, site)

    execution = await place.run_helper(project, ready, member, a_hook("sleep", "1000"), Output(), label="")
    helper = next(name for name in site.containers() if name != "shop-app-1")
    aliases = site.inspect(helper)[0]["NetworkSettings"]["Networks"]["shop_default"]["Aliases"]
    await execution.kill()

    assert {"shop-app-0", "app", "other"} <= set(aliases)
