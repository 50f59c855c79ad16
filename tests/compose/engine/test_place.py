"""What the place does with containers, networks and volumes of a real engine."""

from __future__ import annotations

import json
from datetime import timedelta

import anyio
import pytest

from boathook.compose.engine import EnginePlace
from boathook.compose.options import ImageWishes
from boathook.compose.place import Health, Making, Member, Status
from boathook.errors import Conflict, CouldNotStart, NotFound, NotRunning, OperationFailed
from boathook.model import Stream
from boathook.runtimes.base import ExecSpec, Exit
from tests.compose.engine.build import EVERY_ENGINE, OnEngine, create, prepared

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, EVERY_ENGINE]

LOOP = """
services:
  app:
    image: IMAGE
    command: ["sh", "-c", "trap 'echo got-term; exit 0' TERM; echo up; while :; do sleep 0.05; done"]
"""
STUBBORN = """
services:
  app:
    image: IMAGE
    command: ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done"]
"""


class Told:
    """Remembers what was signalled."""

    def __init__(self) -> None:
        self.signals: list[tuple[str, timedelta | None]] = []

    def __call__(self, signal: str, left: timedelta | None) -> None:
        self.signals.append((signal, left))


class Output:
    def __init__(self) -> None:
        self.of: dict[Stream, bytes] = {Stream.STDOUT: b"", Stream.STDERR: b""}

    def __call__(self, stream: Stream, chunk: bytes) -> None:
        self.of[stream] += chunk


async def running(place: EnginePlace, site: OnEngine, text: str, service: str = "app") -> Member:
    """The container of a service, which has said that it is up."""
    project = site.write(text)
    ready = await prepared(place, project, site.events())
    member = await create(place, project, ready[service])
    await place.start(member.id, ready[service].service)
    async for _ in place.logs(member.id, follow=True):
        break
    return await place.inspect(member.id)


async def test_a_container_is_stopped_by_its_signal_and_its_exit_told(place: EnginePlace, site: OnEngine) -> None:
    member, told = await running(place, site, LOOP), Told()

    ended = await place.stop(member, grace=timedelta(seconds=20), signal="SIGTERM", signalled=told)

    assert ended == Exit(code=0, signal=None)
    assert told.signals == [("SIGTERM", timedelta(seconds=20))]
    assert (await place.inspect(member.id)).status is Status.EXITED


@pytest.mark.behaviour("deps:10")
async def test_what_outlives_its_grace_is_killed_and_that_is_told(place: EnginePlace, site: OnEngine) -> None:
    member, told = await running(place, site, STUBBORN), Told()

    ended = await place.stop(member, grace=timedelta(seconds=1), signal="SIGTERM", signalled=told)

    assert ended == Exit(code=137, signal=9)
    assert told.signals == [("SIGTERM", timedelta(seconds=1)), ("SIGKILL", None)]


async def test_a_policy_does_not_restart_what_was_stopped_and_a_wait_outlasts_a_restart(
    place: EnginePlace, site: OnEngine
) -> None:
    member = await running(place, site, LOOP + "    restart: always\n")
    ends: list[Exit] = []

    async def wait() -> None:
        ends.append(await place.wait(member.id))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await (await place.exec(member.id, ExecSpec(command=("kill", "-TERM", "1")), Output())).wait()
        with anyio.fail_after(30):
            while (await place.inspect(member.id)).started == member.started:  # noqa: ASYNC110
                await anyio.sleep(0.05)
        assert ends == []
        with anyio.fail_after(30):
            while not (seen := await place.inspect(member.id)).running:  # noqa: ASYNC110
                await anyio.sleep(0.05)
        await place.stop(seen, grace=timedelta(seconds=20), signal="SIGTERM", signalled=Told())
    assert (await place.inspect(member.id)).status is Status.EXITED
    assert len(ends) == 1


async def test_what_has_not_started_is_waited_for_and_what_is_removed_has_no_seen_end(
    place: EnginePlace, site: OnEngine
) -> None:
    project = site.write("services: {app: {image: IMAGE, command: 'sh -c \"exit 7\"'}}")
    ready = await prepared(place, project, site.events())
    member = await create(place, project, ready["app"])
    ends: list[Exit] = []

    async def wait() -> None:
        ends.append(await place.wait(member.id))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await place.start(member.id)
    await place.remove(member.id)
    await place.remove(member.id)
    ends.append(await place.wait(member.id))

    assert ends == [Exit(code=7, signal=None), Exit(code=None, signal=None)]


async def test_a_restart_starts_what_runs_again_and_what_has_ended_too(place: EnginePlace, site: OnEngine) -> None:
    member, told = await running(place, site, LOOP), Told()

    await place.restart(member, grace=timedelta(seconds=20), signal="SIGTERM", signalled=told)
    again = await place.inspect(member.id)
    await place.stop(again, grace=timedelta(seconds=20), signal="SIGTERM", signalled=Told())
    await place.restart(await place.inspect(member.id), grace=timedelta(seconds=20), signal="SIGTERM", signalled=Told())

    assert told.signals == [("SIGTERM", timedelta(seconds=20))]
    assert again.running
    assert again.started != member.started
    assert (await place.inspect(member.id)).running


async def test_a_paused_container_is_not_entered_and_goes_on_afterwards(place: EnginePlace, site: OnEngine) -> None:
    member = await running(place, site, LOOP)

    await place.pause(member.id)
    paused = await place.inspect(member.id)
    with pytest.raises(NotRunning, match="is paused"):
        await place.exec(member.id, ExecSpec(command=("true",)), Output())
    await place.unpause(member.id)

    assert (paused.status, paused.running, paused.stoppable) == (Status.PAUSED, False, True)
    execution = await place.exec(member.id, ExecSpec(command=("true",)), Output())
    assert (await execution.wait()).ok


@pytest.mark.behaviour("compose:51")
async def test_an_exec_in_a_container_with_a_terminal_has_none(place: EnginePlace, site: OnEngine) -> None:
    member, output = await running(place, site, LOOP + "    tty: true\n"), Output()

    execution = await place.exec(member.id, ExecSpec(command=("sh", "-c", "tty; echo error >&2; exit 9")), output)

    assert await execution.wait() == Exit(code=9, signal=None)
    assert output.of == {Stream.STDOUT: b"not a tty\n", Stream.STDERR: b"error\n"}


async def test_a_program_that_cannot_be_started_is_no_exit_code(place: EnginePlace, site: OnEngine) -> None:
    member = await running(place, site, LOOP)

    with pytest.raises(CouldNotStart, match="/nope"):
        await place.exec(member.id, ExecSpec(command=("/nope",)), Output())
    await place.stop(member, grace=timedelta(seconds=20), signal="SIGTERM", signalled=Told())
    with pytest.raises(NotRunning, match="shop-app-1 is not running"):
        await place.exec(member.id, ExecSpec(command=("true",)), Output())
    with pytest.raises(NotRunning):
        await place.signal(member.id, "SIGTERM")


@pytest.mark.behaviour("compose:53")
async def test_without_a_config_hash_a_container_is_nobodys_member(place: EnginePlace, site: OnEngine) -> None:
    member = await running(place, site, LOOP)
    labels = ["--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=app"]
    site.engine.docker("create", "--name", "shop-app-2", *labels, "boathook.test/busybox:1", "true")

    assert [one.name for one in await place.members("shop")] == ["shop-app-1"]
    assert {name: [one.id for one in found] for name, found in (await place.projects()).items()} == {
        "shop": [member.id]
    }


async def test_a_name_that_is_taken_is_a_conflict_and_a_port_says_what_to_do(
    place: EnginePlace, site: OnEngine
) -> None:
    project = site.write(
        """
services:
  one: {image: IMAGE, command: sleep 1000, ports: ["18431:80"]}
  two: {image: IMAGE, command: sleep 1000, ports: ["18431:80"]}
"""
    )
    ready = await prepared(place, project, site.events())
    one, two = await create(place, project, ready["one"]), await create(place, project, ready["two"])
    await place.start(one.id)

    with pytest.raises(Conflict, match="shop-one-1"):
        await create(place, project, ready["one"])
    with pytest.raises(CouldNotStart) as caught:
        await place.start(two.id)

    assert caught.value.hint is not None
    assert "publish another port" in caught.value.hint
    assert [(one.target, one.published) for one in (await place.inspect(one.id)).ports][:1] == [(80, 18431)]


async def test_files_with_content_are_there_at_each_start_with_their_owner_and_mode(
    place: EnginePlace, site: OnEngine
) -> None:
    project = site.write(
        """
services:
  app:
    image: IMAGE
    user: "65534:65534"
    command: ["sh", "-c", "stat -c '%a %u:%g' /etc/app.conf; cat /etc/app.conf; echo > /tmp/x"]
    configs: [{source: settings, target: /etc/app.conf, uid: "65534", gid: "7", mode: 0640}]
configs: {settings: {content: "hello\\n"}}
"""
    )
    ready = await prepared(place, project, site.events())
    member = await create(place, project, ready["app"])

    for _ in range(2):
        await place.start(member.id, ready["app"].service)
        assert (await place.wait(member.id)).code == 0

    lines = [line.text async for line in place.logs(member.id)]
    assert lines == ["640 65534:7", "hello"] * 2


async def test_a_healthcheck_of_the_engine_is_seen(place: EnginePlace, site: OnEngine) -> None:
    member = await running(
        place, site, LOOP + "    healthcheck: {test: test -e /healthy, interval: 100ms, retries: 1}\n"
    )

    seen = [await _health(place, member, Health.UNHEALTHY)]
    execution = await place.exec(member.id, ExecSpec(command=("touch", "/healthy")), Output())
    await execution.wait()
    seen.append(await _health(place, member, Health.HEALTHY))

    assert seen == [Health.UNHEALTHY, Health.HEALTHY]


async def _health(place: EnginePlace, member: Member, wanted: Health) -> Health | None:
    with anyio.move_on_after(30):
        while (await place.inspect(member.id)).health is not wanted:  # noqa: ASYNC110
            await anyio.sleep(0.05)
    return (await place.inspect(member.id)).health


async def test_a_container_goes_into_all_its_networks_and_answers_to_its_names(
    place: EnginePlace, site: OnEngine
) -> None:
    member = await running(
        place, site, LOOP + "    networks: {front: {aliases: [other]}, back: }\nnetworks: {front: , back: }\n"
    )

    found = site.inspect(member.id)[0]["NetworkSettings"]["Networks"]

    assert member.networks == ("shop_back", "shop_front")
    assert {"shop-app-1", "app", "other"} <= set(found["shop_front"]["Aliases"])
    assert "other" not in found["shop_back"]["Aliases"]


async def test_networks_are_used_when_they_are_the_right_ones(place: EnginePlace, site: OnEngine) -> None:
    project = site.write("services: {app: {image: IMAGE, command: sleep 1000}}")
    labels = ["--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.network=other"]
    site.engine.docker("network", "create", *labels, "shop_default")

    with pytest.raises(OperationFailed) as caught:
        await place.create_networks(project, project.services, site.events())

    assert str(caught.value) == (
        "network shop_default was found but has incorrect label com.docker.compose.network set to "
        '"other" (expected: "default")'
    )


async def test_external_networks_and_volumes_must_be_there(place: EnginePlace, site: OnEngine) -> None:
    project = site.write(
        """
services: {app: {image: IMAGE, command: sleep 1000, networks: [out], volumes: ["kept:/kept"]}}
networks: {out: {external: true, name: shop-out}}
volumes: {kept: {external: true, name: shop-kept}}
"""
    )
    ready = await place.prepare(project, project.services, ImageWishes(), site.events())

    with pytest.raises(NotFound) as network:
        await place.create_networks(project, project.services, site.events())
    with pytest.raises(NotFound) as volume:
        await place.create_volumes(project, ready, site.events())

    assert str(network.value) == "network shop-out declared as external, but could not be found"
    assert str(volume.value) == 'external volume "shop-kept" not found'


async def test_what_is_still_used_is_kept_with_a_warning(place: EnginePlace, site: OnEngine) -> None:
    await running(place, site, LOOP + '    volumes: ["data:/data"]\nvolumes: {data: }\n')
    project = site.write(LOOP + '    volumes: ["data:/data"]\nvolumes: {data: }\n')

    removed = await place.remove_networks(project, site.events()), await place.remove_volumes(project, site.events())

    assert removed == (1, 1)
    assert site.notes == [
        "Network shop_default  Resource is still in use",
        "Volume shop_data  Resource is still in use",
    ]


async def test_a_volume_without_a_name_goes_over_to_the_container_that_takes_the_place(
    place: EnginePlace, site: OnEngine
) -> None:
    project = site.write("services: {app: {image: IMAGE, command: sleep 1000, volumes: [/nameless]}}")
    ready = await prepared(place, project, site.events())
    old = await create(place, project, ready["app"])
    old = await place.inspect(old.id)
    labels = dict(old.labels)

    made = [
        await place.create(
            project,
            ready["app"],
            Making(name=name, number=1, labels=labels, replaces=old, renew_volumes=renew),
        )
        for name, renew in (("kept", False), ("renewed", True))
    ]
    for one in made:
        await place.remove(one.id, volumes=True)

    assert (await place.inspect(old.id)).mounts == old.mounts
    kept, renewed = made
    assert kept.name == "kept"
    assert renewed.name == "renewed"


async def test_what_shares_a_network_with_a_service_follows_its_container(place: EnginePlace, site: OnEngine) -> None:
    if place.engine.podman:
        pytest.skip("Podman removes nothing that another container shares something with")
    project = site.write(
        """
services:
  db: {image: IMAGE, command: sleep 1000}
  app: {image: IMAGE, command: sleep 1000, network_mode: "service:db"}
"""
    )
    ready = await prepared(place, project, site.events())
    db = await create(place, project, ready["db"])
    app = await place.inspect((await create(place, project, ready["app"])).id)

    before = await place.difference(app, project, ready["app"])
    await place.remove(db.id)
    gone = await place.difference(app, project, ready["app"])
    await create(place, project, ready["db"])
    after = await place.difference(app, project, ready["app"])

    assert (before, gone, after) == (None, "its configuration changed", "its configuration changed")


async def test_a_network_that_is_not_as_wanted_is_made_again_unless_it_is_in_use(
    place: EnginePlace, site: OnEngine
) -> None:
    text = "services: {app: {image: IMAGE, command: sleep 1000}}\nnetworks: {default: {labels: {is: LABEL}}}\n"
    if place.engine.podman:
        pytest.skip("Podman takes a network for used by what does not run, too")
    project = site.write(text.replace("LABEL", "old"))
    ready = await prepared(place, project, site.events())
    member = await create(place, project, ready["app"])
    await place.start(member.id)
    await place.stop(member, grace=timedelta(0), signal="SIGTERM", signalled=Told())
    changed = site.write(text.replace("LABEL", "new"))

    await place.create_networks(changed, changed.services, site.events())
    why = await place.difference(await place.inspect(member.id), changed, ready["app"])
    await place.remove(member.id)
    member = await create(place, changed, ready["app"])
    await place.start(member.id)
    with pytest.raises(OperationFailed) as caught:
        await place.create_networks(project, project.services, site.events())

    labels = json.loads(site.engine.docker("network", "inspect", "shop_default"))[0]["Labels"]
    assert labels["is"] == "new"
    assert why == "its networks changed"
    assert str(caught.value) == (
        "network shop_default is not as the file wants it any more (configuration changed), and it is in use by "
        "shop-app-1"
    )


async def test_a_volume_that_is_not_as_wanted_is_used_and_said(place: EnginePlace, site: OnEngine) -> None:
    text = (
        "services: {app: {image: IMAGE, command: 'true', volumes: [data:/d]}}\nvolumes: {data: {labels: {is: LABEL}}}"
    )
    project, changed = site.write(text.replace("LABEL", "old")), site.write(text.replace("LABEL", "new"))
    ready = await prepared(place, project, site.events())

    await place.create_volumes(changed, ready, site.events())

    assert site.notes == [
        'volume "shop_data" exists but doesn\'t match configuration in compose file. It is used as it is: '
        "what it holds is not thrown away"
    ]
