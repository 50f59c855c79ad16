"""What is sent to an engine for a service, field by field. Nothing is asked of an engine here."""

from __future__ import annotations

from typing import Any

import pytest

from boathook.compose.engine.bodies import Around, container_body
from boathook.compose.engine.networks import network_body
from boathook.compose.engine.pre_start import helper_body, shared_mounts
from boathook.compose.options import OneOff
from boathook.compose.place import Making
from tests.compose.build import a_project
from tests.compose.engine.test_pre_start import a_hook

OLD, NEW = (1, 41), (1, 44)


def body(
    service: str, *, api: tuple[int, int] = OLD, oneoff: OneOff | None = None, top: str = "", **around: Any
) -> dict[str, Any]:
    """Of the service ``app``, whose fields are ``service``."""
    project = a_project(f"services:\n  app:\n    image: img\n{_indented(service)}\n{top}")
    making = Making(name="demo-app-1", number=0 if oneoff else 1, labels={"l": "v"}, oneoff=oneoff)
    known = Around(api=api, containers=around.pop("containers", {}), **around)
    return container_body(project, project.service("app"), "img", making, known)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


TWO_NETWORKS = """
networks: {a: {priority: 1, aliases: [x], mac_address: "02:42:ac:11:00:03"}, b: {priority: 2}}
mac_address: "02:42:ac:11:00:02"
"""


def test_an_older_engine_is_given_the_first_network_alone() -> None:
    made = body(TWO_NETWORKS, top="networks: {a: , b: }")

    assert made["HostConfig"]["NetworkMode"] == "demo_b"
    assert list(made["NetworkingConfig"]["EndpointsConfig"]) == ["demo_b"]
    assert made["MacAddress"] == "02:42:ac:11:00:02"


def test_a_newer_engine_is_given_all_networks_at_once() -> None:
    made = body(TWO_NETWORKS, api=NEW, top="networks: {a: , b: }")

    endpoints = made["NetworkingConfig"]["EndpointsConfig"]
    assert {name: (one["Aliases"], one["MacAddress"]) for name, one in endpoints.items()} == {
        "demo_b": (["demo-app-1", "app"], "02:42:ac:11:00:02"),
        "demo_a": (["demo-app-1", "app", "x"], "02:42:ac:11:00:03"),
    }
    assert "MacAddress" not in made


@pytest.mark.parametrize(
    ("written", "mode"),
    [
        ("network_mode: host", "host"),
        ("network_mode: none", "none"),
        ("network_mode: container:abc", "container:abc"),
    ],
)
def test_a_network_mode_goes_without_networks(written: str, mode: str) -> None:
    made = body(written)

    assert made["HostConfig"]["NetworkMode"] == mode
    assert "NetworkingConfig" not in made


def test_what_is_shared_with_a_service_is_shared_with_its_container() -> None:
    made = body(
        "network_mode: service:db\nipc: service:db\npid: service:db\nvolumes_from: [db:ro, container:other:rw]",
        top="  db: {image: img}",
        containers={"db": "0123"},
    )

    host = made["HostConfig"]
    assert (host["NetworkMode"], host["IpcMode"], host["PidMode"]) == ("container:0123",) * 3
    assert host["VolumesFrom"] == ["0123:ro", "other:rw"]


@pytest.mark.parametrize(
    ("volume", "binds", "mounts"),
    [
        ("/a:/b", ["/a:/b:rw"], []),
        ("/a:/b:ro,z", ["/a:/b:ro,z"], []),
        ("data:/b", ["demo_data:/b:rw"], []),
        ("data:/b:nocopy", [], [("volume", "demo_data", {"NoCopy": True})]),
        ("/b", [], [("volume", None, {})]),
        ("/a:/b:rshared", [], [("bind", "/a", {"Propagation": "rshared", "CreateMountpoint": True})]),
        (
            "{type: bind, source: /a, target: /b, bind: {create_host_path: false}}",
            [],
            [("bind", "/a", {})],
        ),
        (
            "{type: tmpfs, target: /b, tmpfs: {size: 1m, mode: 01777}}",
            [],
            [("tmpfs", None, {"SizeBytes": 1048576, "Mode": 0o1777})],
        ),
    ],
)
def test_a_volume_is_a_bind_where_that_says_all_of_it(volume: str, binds: list[str], mounts: list[Any]) -> None:
    written = volume if volume.startswith("{") else f'"{volume}"'
    host = body(f"volumes: [{written}]", top="volumes: {data: }")["HostConfig"]

    assert host["Binds"] == binds
    given = [
        (one["Type"], one.get("Source"), next(v for k, v in one.items() if k.endswith("Options")))
        for one in host["Mounts"]
    ]
    assert given == mounts


def test_a_one_off_publishes_nothing_and_is_not_restarted_unless_it_is_told_to() -> None:
    service = 'ports: ["8080:80"]\nrestart: always\ncommand: [a]\nentrypoint: [b]\nuser: "1"\nenvironment: {A: "1"}'
    plain = body(service, oneoff=OneOff())
    told = body(
        service,
        oneoff=OneOff(
            service_ports=True,
            publish=("9090:90",),
            command=("c",),
            user="2",
            environment=(("A", "2"), ("B", None)),
            volumes=("/x:/y",),
            use_aliases=True,
            interactive=True,
            tty=True,
            auto_remove=True,
        ),
    )

    assert plain["HostConfig"]["PortBindings"] == {}
    assert plain["HostConfig"]["RestartPolicy"]["Name"] == ""
    assert (plain["Cmd"], plain["Entrypoint"]) == (["a"], ["b"])
    assert plain["NetworkingConfig"]["EndpointsConfig"]["demo_default"]["Aliases"] == ["demo-app-1"]
    assert sorted(told["HostConfig"]["PortBindings"]) == ["80/tcp", "90/tcp"]
    assert (told["Cmd"], told["User"], told["Env"]) == (["c"], "2", ["A=2", "B"])
    assert told["HostConfig"]["Binds"] == ["/x:/y:rw"]
    assert told["HostConfig"]["AutoRemove"]
    assert (told["Tty"], told["OpenStdin"], told["StdinOnce"], told["AttachStdin"]) == (True,) * 4
    assert "app" in told["NetworkingConfig"]["EndpointsConfig"]["demo_default"]["Aliases"]


def test_an_entrypoint_of_a_one_off_goes_without_the_services_command() -> None:
    made = body("command: [a]", oneoff=OneOff(entrypoint=("x",)))

    assert (made["Entrypoint"], made["Cmd"]) == (["x"], [])


@pytest.mark.parametrize(
    ("written", "key", "value"),
    [
        ("mem_limit: 10m", "Memory", 10485760),
        ("cpus: 0.5", "NanoCpus", 500000000),
        ("deploy: {resources: {limits: {memory: 20m, cpus: '0.25', pids: 7}}}", "Memory", 20971520),
        ("deploy: {resources: {limits: {memory: 20m, cpus: '0.25', pids: 7}}}", "NanoCpus", 250000000),
        ("deploy: {resources: {limits: {memory: 20m, cpus: '0.25', pids: 7}}}", "PidsLimit", 7),
        ("deploy: {restart_policy: {condition: on-failure, max_attempts: 2}}", "RestartPolicy",
         {"Name": "on-failure", "MaximumRetryCount": 2}),
        ("restart: none", "RestartPolicy", {"Name": "no", "MaximumRetryCount": 0}),
        ("cap_add: [net_admin, CAP_SYS_TIME, ALL]", "CapAdd", ["CAP_NET_ADMIN", "CAP_SYS_TIME", "ALL"]),
        ("security_opt: [systempaths=unconfined, 'label:disable']", "SecurityOpt", ["label:disable"]),
        ("gpus: all", "DeviceRequests",
         [{"Driver": "", "Count": -1, "DeviceIDs": None, "Capabilities": [["gpu"]], "Options": None}]),
        ("devices: [vendor.test/gpu=one]", "DeviceRequests", [{"Driver": "cdi", "DeviceIDs": ["vendor.test/gpu=one"]}]),
        ("devices: [/dev/null:/dev/x:r]", "Devices",
         [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "r"}]),
        ("ulimits: {nofile: {soft: 1, hard: 2}}", "Ulimits", [{"Name": "nofile", "Soft": 1, "Hard": 2}]),
        ("external_links: ['other:alias']", "Links", []),
    ],
)  # fmt: skip
def test_a_field_of_the_machine_goes_where_the_peer_puts_it(written: str, key: str, value: object) -> None:
    assert body(written)["HostConfig"][key] == value


def test_a_healthcheck_says_only_what_is_written() -> None:
    assert body("healthcheck: {test: 'x', interval: 1m30s}")["Healthcheck"] == {
        "Test": ["CMD-SHELL", "x"],
        "Interval": 90 * 10**9,
        "Timeout": 0,
        "StartPeriod": 0,
        "Retries": 0,
    }
    assert body("healthcheck: {disable: true}")["Healthcheck"] == {"Test": ["NONE"]}
    assert "Healthcheck" not in body("tty: true")


def test_a_grace_period_is_in_whole_seconds_and_the_engines_own_where_none_is_written() -> None:
    assert body("stop_grace_period: 500ms")["StopTimeout"] == 0
    assert "StopTimeout" not in body("tty: true")


def test_a_network_is_made_as_the_file_describes_it() -> None:
    project = a_project(
        "services: {app: {image: img, networks: [n]}}\n"
        "networks: {n: {driver: macvlan, internal: true, enable_ipv6: true, driver_opts: {parent: eth0},"
        " ipam: {config: [{subnet: 10.0.0.0/24, gateway: 10.0.0.1, aux_addresses: {a: 10.0.0.2}}]}}}"
    )

    made = network_body(project, project.network("n"))

    labels = made.pop("Labels")
    assert labels["com.docker.compose.network"] == "n"
    assert made == {
        "Name": "demo_n",
        "CheckDuplicate": True,
        "Driver": "macvlan",
        "Internal": True,
        "Attachable": False,
        "EnableIPv6": True,
        "Options": {"parent": "eth0"},
        "IPAM": {
            "Driver": "default",
            "Config": [{"Subnet": "10.0.0.0/24", "Gateway": "10.0.0.1", "AuxiliaryAddresses": {"a": "10.0.0.2"}}],
            "Options": None,
        },
    }


@pytest.mark.behaviour("compose:64")
def test_a_helper_mounts_what_its_container_mounts_one_by_one() -> None:
    beside = {
        "HostConfig": {
            "Binds": ["/host:/bind:ro", "demo_data:/data:rw"],
            "Mounts": [{"Type": "tmpfs", "Target": "/memory"}, {"Type": "volume", "Target": "/nameless"}],
            "Tmpfs": {"/run": ""},
        },
        "Mounts": [
            {"Type": "bind", "Source": "/host", "Destination": "/bind", "RW": False},
            {"Type": "volume", "Name": "demo_data", "Source": "/var/x", "Destination": "/data", "RW": True},
            {"Type": "volume", "Name": "0123", "Source": "/var/y", "Destination": "/nameless", "RW": True},
            {"Type": "tmpfs", "Source": "", "Destination": "/memory", "RW": True},
        ],
    }

    made = shared_mounts(beside)

    named = {one["Target"]: one for one in made["Mounts"]}
    assert made["Binds"] == ["/host:/bind:ro"]
    assert made["Tmpfs"] == {"/run": ""}
    assert sorted(named) == ["/data", "/memory", "/nameless"]
    assert named["/nameless"]["Source"] == "0123"
    assert named["/data"]["VolumeOptions"] == {"NoCopy": True}


@pytest.mark.behaviour("compose:63")
def test_a_helper_has_its_services_image_and_environment_and_its_own_over_them() -> None:
    project = a_project("services: {app: {image: img, user: '5', working_dir: /w, environment: {A: '1', B: '2'}}}")
    beside = {"HostConfig": {"NetworkMode": "demo_default"}, "Mounts": []}

    made = helper_body(project, project.service("app"), beside, a_hook("x", A="3", B=None), several=False)

    assert (made["Image"], made["Cmd"], made["User"], made["WorkingDir"]) == ("img", ["x"], "5", "/w")
    assert made["Env"] == ["A=3", "B"]
    assert "Entrypoint" not in made
