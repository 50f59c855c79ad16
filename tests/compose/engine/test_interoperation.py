"""The real Docker Compose and ours on one project of one engine: each sees, stops and removes what the other made."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from boathook.compose import labels
from boathook.compose.engine import EnginePlace
from boathook.compose.options import DownOptions, RunOptions
from boathook.compose.place import Making, Member
from tests.compose.engine.build import OnEngine, prepared

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, pytest.mark.peer]

HOOKED = """
services:
  db: {image: IMAGE, command: &loop ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]}
  app:
    image: IMAGE
    command: *loop
    depends_on: [db]
    volumes: ["data:/data", "./told:/told"]
    post_start: [{command: ["sh", "-c", "echo post >> /told/hooks"]}]
    pre_stop: [{command: ["sh", "-c", "echo pre >> /told/hooks"]}]
volumes: {data: }
"""


def told(site: OnEngine) -> list[str]:
    return (site.directory / "told" / "hooks").read_text().split()


@pytest.mark.behaviour("compose:52")
async def test_the_peer_lists_stops_and_removes_what_ours_brought_up(place: EnginePlace, site: OnEngine) -> None:
    await site.worker(place, site.write(HOOKED)).up()

    listed = site.peer("ps", "--format", "json")
    logs = site.peer("logs")
    stopped = site.peer("stop")
    down = site.peer("down", "-v")

    names = sorted(json.loads(line)["Name"] for line in listed.stdout.splitlines())
    assert names == ["shop-app-1", "shop-db-1"]
    assert [one.returncode for one in (listed, logs, stopped, down)] == [0, 0, 0, 0], down.stderr
    assert told(site) == ["post", "pre"]
    assert site.containers() == []
    assert site.engine.docker("network", "ls", "-q", "--filter", "label=com.docker.compose.project=shop") == ""
    assert site.engine.docker("volume", "ls", "-q", "--filter", "label=com.docker.compose.project=shop") == ""


@pytest.mark.behaviour("compose:52")
async def test_ours_stops_with_hooks_and_removes_what_the_peer_brought_up(place: EnginePlace, site: OnEngine) -> None:
    project = site.write(HOOKED)
    up = site.peer("up", "-d")
    assert up.returncode == 0, up.stderr
    worker = site.worker(place, project)

    names = [one.name for one in await worker.members()]
    await worker.stop()
    stopped = [one.exit.code if one.exit else None for one in await worker.members()]
    removed = await worker.down(DownOptions(volumes=True))

    assert sorted(names) == ["shop-app-1", "shop-db-1"]
    assert stopped == [0, 0]
    assert removed
    assert told(site) == ["post", "pre"]
    assert site.containers() == []
    assert site.engine.docker("network", "ls", "-q", "--filter", "label=com.docker.compose.project=shop") == ""
    assert site.engine.docker("volume", "ls", "-q", "--filter", "label=com.docker.compose.project=shop") == ""


@pytest.mark.behaviour("compose:52")
async def test_every_object_has_the_labels_that_the_peer_gives_it(place: EnginePlace, site: OnEngine) -> None:
    project = site.write(HOOKED)
    worker = site.worker(place, project)
    await worker.up()

    def of(kind: str, name: str) -> dict[str, str]:
        found = json.loads(site.engine.docker(kind, "inspect", name))[0]
        given: dict[str, str] = found["Config"]["Labels"] if kind == "container" else found["Labels"]
        prefix = "com.docker.compose."
        return {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}

    container, network, volume = of("container", "shop-app-1"), of("network", "shop_default"), of("volume", "shop_data")
    image = json.loads(site.engine.docker("image", "inspect", "boathook.test/busybox:1"))[0]["Id"]
    assert container.pop("config-hash") == project.service("app").config_hash
    assert container == {
        "project": "shop",
        "service": "app",
        "container-number": "1",
        "oneoff": "False",
        "image": image,
        "depends_on": "db:service_started:false",
        "version": "2.40.3",
        "project.working_dir": str(site.directory),
        "project.config_files": str(site.directory / "compose.yaml"),
    }
    assert network.pop("config-hash")
    assert volume.pop("config-hash")
    assert network == {"project": "shop", "network": "default", "version": "2.40.3"}
    assert volume == {"project": "shop", "volume": "data", "version": "2.40.3"}


@pytest.mark.behaviour("compose:54")
async def test_a_one_off_has_a_name_of_its_own_and_no_number(place: EnginePlace, site: OnEngine) -> None:
    worker = site.worker(place, site.write(HOOKED))

    member = await worker.create_oneoff(RunOptions(service="db", deps=False))

    slug = member.labels["com.docker.compose.slug"]
    assert member.name == f"shop-db-run-{slug[:12]}"
    assert (member.oneoff, member.number) == (True, 0)
    found = site.inspect(member.name)[0]
    assert found["Config"]["Labels"]["com.docker.compose.oneoff"] == "True"
    assert "com.docker.compose.container-number" not in found["Config"]["Labels"]
    assert "db" not in found["NetworkSettings"]["Networks"]["shop_default"]["Aliases"]


CHANGES = {
    "Env": "environment: {A: '1'}",
    "Cmd": "command: sleep 2000",
    "Entrypoint": "entrypoint: [env]",
    "User": "user: '1'",
    "WorkingDir": "working_dir: /tmp",
    "StopSignal": "stop_signal: SIGQUIT",
    "StopTimeout": "stop_grace_period: 3s",
    "Tty": "tty: true",
    "ExposedPorts": "expose: ['99']",
    "Healthcheck": "healthcheck: {test: 'true'}",
    "Hostname": "hostname: other",
    "Labels": "labels: {a: b}",
    "Mounts": "volumes: [./x:/x]",
    "Privileged": "privileged: true",
    "RestartPolicy": "restart: always",
    "CapAdd": "cap_add: [SYS_ADMIN]",
    "Memory": "mem_limit: 100m",
    "Tmpfs": "tmpfs: [/memory]",
    "Ulimits": "ulimits: {nofile: 100}",
    "ReadonlyRootfs": "read_only: true",
    "NetworkMode": "network_mode: none",
    "Aliases": "networks: {default: {aliases: [other]}}",
    "ExtraHosts": "extra_hosts: {a: 192.0.2.1}",
}


async def theirs(place: EnginePlace, site: OnEngine, text: str) -> Member:
    """A container as the peer labels it: without the mark that makes its hash ours to compare."""
    project = site.write(text)
    ready = (await prepared(place, project, site.events()))["app"]
    given = labels.container_labels(project, ready.service, image_id=ready.image_id, number=1)
    given = {name: value for name, value in given.items() if name != labels.MAKER_LABEL}
    member = await place.create(project, ready, Making(name="shop-app-1", number=1, labels=given))
    return replace(await place.inspect(member.id), labels=given)


async def test_a_container_of_the_peers_is_taken_over_only_where_nothing_was_changed(
    place: EnginePlace, site: OnEngine
) -> None:
    base = "services:\n  app:\n    image: IMAGE\n    command: sleep 1000\n"
    member = await theirs(place, site, base)

    async def difference(text: str) -> str | None:
        project = site.write(text)
        ready = (await prepared(place, project, site.events()))["app"]
        return await place.difference(member, project, ready)

    found = {
        key: await difference(base.replace("    command: sleep 1000\n", "") + f"    {change}\n")
        if key == "Cmd"
        else await difference(base + f"    {change}\n")
        for key, change in CHANGES.items()
    }

    assert await difference(base) is None
    assert found == {key: f"its configuration changed: {key}" for key in CHANGES}
    ports = await difference(base + "    ports: ['8080:80']\n")
    assert ports == "its configuration changed: ExposedPorts"


async def test_what_shares_a_network_with_a_service_is_made_again_when_that_is(
    place: EnginePlace, site: OnEngine
) -> None:
    project = site.write(
        """
services:
  db: {image: IMAGE, command: sleep 1000, stop_signal: SIGKILL}
  app: {image: IMAGE, command: sleep 1000, stop_signal: SIGKILL, network_mode: "service:db"}
"""
    )
    worker = site.worker(place, project)
    await worker.up()
    site.engine.docker("rm", "-f", "shop-db-1")

    await worker.up()

    (db,) = [one for one in await worker.members() if one.service == "db"]
    app = site.inspect("shop-app-1")[0]
    assert app["HostConfig"]["NetworkMode"] == f"container:{db.id}"
    assert app["State"]["Running"]
