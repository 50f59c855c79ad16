"""What both tools make of one file on one engine is the same, and either works on what the other made."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from boathook.compose.engine import EnginePlace
from tests.compose.engine.build import OnEngine, create, prepared

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, pytest.mark.peer]

EVERYTHING = """
services:
  db:
    image: IMAGE
    command: sleep 1000
    volumes: [/shared]
  app:
    image: IMAGE
    command: ["sleep", "1000"]
    entrypoint: ["env"]
    environment: {A: "1", EMPTY: "", GONE: null}
    user: "1000:1000"
    working_dir: /tmp
    domainname: example.test
    hostname: app
    volumes:
      - data:/data
      - ./bind:/bind:ro
      - /nameless
      - {type: tmpfs, target: /memory, tmpfs: {size: 10m, mode: 0700}}
      - {type: volume, source: data, target: /bare, volume: {nocopy: true}}
      - {type: bind, source: ./there, target: /there, bind: {create_host_path: false, propagation: rprivate}}
    tmpfs: [/run, "/sized:size=10m"]
    ports: ["18080:80", "127.0.0.1:19000-19001:9000-9001/udp", "77"]
    expose: ["99", "100/udp"]
    networks: {front: {aliases: [other], ipv4_address: 10.197.0.4, priority: 3}, back: null}
    healthcheck: {test: "true", interval: 1s, timeout: 2s, retries: 3, start_period: 1m}
    restart: on-failure:3
    stop_signal: SIGQUIT
    stop_grace_period: 1m30s
    ulimits: {nofile: 1000, nproc: {soft: 10, hard: 20}}
    sysctls: {net.core.somaxconn: 1024}
    dns: 192.0.2.1
    dns_search: [example.test]
    dns_opt: ["ndots:1"]
    shm_size: 32m
    mem_limit: 50m
    mem_reservation: 40m
    cpus: 0.5
    pids_limit: 100
    cpu_shares: 512
    devices: ["/dev/null:/dev/nothing:rw"]
    group_add: [1, "2"]
    ipc: shareable
    cgroup: private
    runtime: runc
    links: ["db:database"]
    volumes_from: ["db"]
    logging: {driver: json-file, options: {max-size: 10m}}
    extra_hosts: {first: 192.0.2.2, second: "::1"}
    init: true
    tty: true
    stdin_open: true
    labels: {mine: "yes"}
    security_opt: ["no-new-privileges:true"]
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD]
    secrets: [password, {source: token, target: elsewhere, uid: "1", gid: "2", mode: 0440}]
    configs: [settings]
networks:
  front: {ipam: {config: [{subnet: 10.197.0.0/24}]}}
  back: {internal: true, attachable: true, labels: {q: r}}
volumes: {data: {labels: {q: r}}}
secrets: {password: {file: ./password}, token: {file: ./token}}
configs: {settings: {content: hello}}
"""

_OWN = re.compile(r"[0-9a-f]{64}|[0-9a-f]{12}")


def text(value: Any) -> str:
    """For a comparison whose failure can be read."""
    return json.dumps(normal(value), indent=1, sort_keys=True)


def normal(value: Any) -> Any:
    """Without what is another's in each: ids, moments, paths of its root. What is empty counts as not said."""
    match value:
        case dict():
            known = {key: normal(one) for key, one in value.items() if key not in _VOLATILE}
            return {key: one for key, one in known.items() if one}
        case list():
            return sorted((normal(one) for one in value), key=repr)
        case str():
            return _OWN.sub("ID", value)
        case _:
            return value


_VOLATILE = frozenset(
    {
        "Id", "Created", "CreatedAt", "GraphDriver", "com.docker.compose.config-hash", "boathook.io/maker",
        "SandboxID", "NetworkID", "EndpointID", "Subnet", "Gateway",
    }
)  # fmt: skip


def everything(site: OnEngine) -> None:
    for name in ("password", "token"):
        (site.directory / name).write_text(name)
    (site.directory / "there").mkdir()


@pytest.mark.behaviour("compose:52")
async def test_both_tools_make_the_same_container_of_one_file(place: EnginePlace, site: OnEngine) -> None:
    everything(site)
    project = site.write(EVERYTHING)
    done = site.peer("create")
    assert done.returncode == 0, done.stderr
    theirs = {name: text(site.inspect(name)[0]) for name in ("shop-app-1", "shop-db-1")}
    their_networks = [text(_of(site, "network", name)) for name in ("shop_front", "shop_back", "shop_default")]
    their_volume = text(_of(site, "volume", "shop_data"))
    assert site.peer("down", "-v").returncode == 0

    ready = await prepared(place, project, site.events())
    for name in ("db", "app"):
        await create(place, project, ready[name])

    ours = {name: text(site.inspect(name)[0]) for name in ("shop-app-1", "shop-db-1")}
    for name in theirs:
        assert ours[name] == theirs[name]
    assert [text(_of(site, "network", name)) for name in ("shop_front", "shop_back", "shop_default")] == their_networks
    assert text(_of(site, "volume", "shop_data")) == their_volume


async def test_what_the_peer_made_is_taken_over_where_nothing_differs(place: EnginePlace, site: OnEngine) -> None:
    everything(site)
    project = site.write(EVERYTHING)
    assert site.peer("create").returncode == 0
    before = [one["Id"] for one in site.inspect(*site.containers())]

    ready = await prepared(place, project, site.events())

    members = await place.members("shop")
    differences = {one.name: await place.difference(one, project, ready[one.service]) for one in members}
    assert differences == {"shop-app-1": None, "shop-db-1": None}
    await site.worker(place, project).up()
    assert [one["Id"] for one in site.inspect(*site.containers())] == before
    assert {one["State"]["Status"] for one in site.inspect(*before)} == {"running"}


def _of(site: OnEngine, kind: str, name: str) -> Any:
    return json.loads(site.engine.docker(kind, "inspect", name))[0]
