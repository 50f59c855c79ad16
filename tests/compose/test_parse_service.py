"""What the fields of a service mean once every default is filled in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from boathook.codec import from_json, to_json
from boathook.compose.model import (
    Attachment,
    BindMount,
    Dependency,
    GrantedFile,
    Healthcheck,
    Port,
    Project,
    RestartPolicy,
    Service,
    TmpfsMount,
    VolumeMount,
)
from boathook.compose.parse import parse_loaded
from boathook.compose.reading.loading import FileText, load
from boathook.model import HookPoint, OnFailure, RunContainer
from boathook.runtimes.base import PullPolicy
from tests.compose.build import a_project, parsed


def a_service(fields: str, *, top: str = "", variables: dict[str, str] | None = None) -> Service:
    """The service ``app`` with these fields, written in flow style, beside ``db`` and ``cache``."""
    text = f"services: {{app: {{image: backend, {fields}}}, db: {{image: db}}, cache: {{image: cache}}}}\n{top}"
    return a_project(text, variables=variables).service("app")


SECONDS_30 = timedelta(seconds=30)


def test_a_healthcheck_has_an_engines_defaults() -> None:
    assert a_service("healthcheck: {test: curl localhost}").healthcheck == Healthcheck(
        test=("CMD-SHELL", "curl localhost"),
        interval=SECONDS_30,
        timeout=SECONDS_30,
        start_period=timedelta(0),
        start_interval=timedelta(seconds=5),
        retries=3,
    )


def test_a_healthcheck_says_what_it_says() -> None:
    written = "{test: [CMD, true], interval: 500ms, timeout: 1m, start_period: 2s, retries: 7}"

    health = a_service(f"healthcheck: {written.replace('true', 'ready')}").healthcheck

    assert health is not None
    assert (health.test, health.interval, health.timeout) == (
        ("CMD", "ready"),
        timedelta(milliseconds=500),
        timedelta(minutes=1),
    )
    assert (health.start_period, health.retries) == (timedelta(seconds=2), 7)


@pytest.mark.parametrize("written", ["{disable: true}", "{test: [NONE]}", "{test: NONE, disable: 'yes'}"])
def test_a_disabled_healthcheck_is_not_even_the_images(written: str) -> None:
    app = a_service(f"healthcheck: {written}")

    assert (app.healthcheck, app.healthcheck_disabled) == (None, True)


@pytest.mark.parametrize(
    ("fields", "policy"),
    [
        ("", ("no", 0)),
        ("restart: 'no'", ("no", 0)),
        ("restart: none", ("no", 0)),
        ("restart: always", ("always", 0)),
        ("restart: unless-stopped", ("unless-stopped", 0)),
        ("restart: on-failure", ("on-failure", 0)),
        ("restart: on-failure:3", ("on-failure", 3)),
        ("restart: always, deploy: {restart_policy: {condition: on-failure, max_attempts: 2}}", ("on-failure", 2)),
        ("deploy: {restart_policy: {condition: any}}", ("always", 0)),
        ("restart: always, deploy: {restart_policy: {condition: none}}", ("no", 0)),
    ],
)
def test_the_restart_policy_of_deploy_wins(fields: str, policy: tuple[str, int]) -> None:
    assert a_service(fields).restart == RestartPolicy(name=policy[0], retries=policy[1])


@pytest.mark.parametrize(
    ("fields", "scale"),
    [
        ("", 1),
        ("scale: 3", 3),
        ("scale: '2'", 2),
        ("scale: 0", 0),
        ("deploy: {replicas: 4}", 4),
        ("scale: 2, deploy: {replicas: 2}", 2),
    ],
)
def test_replicas_are_said_by_scale_or_deploy(fields: str, scale: int) -> None:
    assert a_service(fields).scale == scale


def test_dependencies_in_both_forms_and_those_that_are_implied() -> None:
    app = a_service("depends_on: {db: {condition: service_healthy, restart: true}}, links: [cache:c]")

    assert app.depends_on == (
        Dependency(service="cache", condition="service_started", restart=True, required=True),
        Dependency(service="db", condition="service_healthy", restart=True, required=True),
    )
    assert a_service("depends_on: [db]").depends_on == (
        Dependency(service="db", condition="service_started", restart=False, required=True),
    )
    assert [one.service for one in a_service("volumes_from: [db:ro], network_mode: 'service:cache'").depends_on] == [
        "cache",
        "db",
    ]


def test_a_dependency_that_is_not_required_may_be_missing_with_a_warning() -> None:
    found = parsed("services: {app: {image: a, depends_on: {gone: {condition: service_started, required: false}}}}")

    assert found.project.service("app").depends_on == ()
    assert [str(one) for one in found.warnings] == [
        'compose.yaml:1:47: services.app.depends_on.gone: optional service "gone" is not defined'
    ]


def test_what_a_provider_serves_has_no_containers_and_is_not_waited_for() -> None:
    found = parsed("services: {ai: {provider: {type: model}}, app: {image: a, depends_on: [ai]}}")

    assert found.project.names == {"app"}
    assert found.project.service("app").depends_on == ()
    assert [one.source.path for one in found.warnings] == ["services.ai.provider"]


def test_ports_in_both_forms_with_ranges() -> None:
    app = a_service(
        "ports: [80, '8080:81', '127.0.0.1:5000-5001:90-91/udp', '3000-3002:70', {target: 60, published: 6000-6009}]"
    )

    assert app.ports == (
        Port(target=80, protocol="tcp", host_ip="", published=""),
        Port(target=81, protocol="tcp", host_ip="", published="8080"),
        Port(target=90, protocol="udp", host_ip="127.0.0.1", published="5000"),
        Port(target=91, protocol="udp", host_ip="127.0.0.1", published="5001"),
        Port(target=70, protocol="tcp", host_ip="", published="3000-3002"),
        Port(target=60, protocol="tcp", host_ip="", published="6000-6009"),
    )


def test_networks_come_by_priority_then_by_name() -> None:
    app = a_service(
        "networks: {b: null, a: {aliases: [one, two]}, c: {priority: 5, ipv4_address: 10.0.0.2}}",
        top="networks: {a: {}, b: {}, c: {}}",
    )

    assert app.networks == (
        Attachment(network="c", aliases=(), priority=5, form={"priority": 5, "ipv4_address": "10.0.0.2"}),
        Attachment(network="a", aliases=("one", "two"), priority=0, form={"aliases": ["one", "two"]}),
        Attachment(network="b", aliases=(), priority=0, form={}),
    )


@pytest.mark.behaviour("compose:59")
def test_networks_are_those_that_are_used_with_their_full_names() -> None:
    project = a_project(
        """
services:
  app: {image: a, networks: [front, outside, called]}
networks:
  front: {driver: bridge, internal: true}
  outside: {external: true, name: theirs}
  called: {name: by-name}
  spare: {}
"""
    )

    assert [(one.key, one.name, one.external) for one in project.networks] == [
        ("called", "by-name", False),
        ("front", "demo_front", False),
        ("outside", "theirs", True),
    ]
    assert project.network("front").form == {"name": "demo_front", "driver": "bridge", "internal": True}


@pytest.mark.behaviour("compose:59")
def test_the_default_network_is_there_only_for_services_that_name_none() -> None:
    with_default = a_project("services: {app: {image: a}}")
    without = a_project(
        "services: {app: {image: a, network_mode: host}, b: {image: a, networks: [n]}}\nnetworks: {n: }"
    )

    assert [one.name for one in with_default.networks] == ["demo_default"]
    assert [one.key for one in without.networks] == ["n"]
    assert (without.service("app").network_mode, without.service("app").networks) == ("host", ())


def test_external_volumes_keep_their_names() -> None:
    project = a_project(
        """
services: {app: {image: a, volumes: ['one:/1', 'two:/2', 'three:/3']}}
volumes:
  one: {external: true}
  two: {external: true, name: theirs}
  three: {driver: nfs, driver_opts: {o: addr}, labels: {a: b}}
"""
    )

    assert {one.key: (one.name, one.external, one.labels) for one in project.volumes} == {
        "one": ("one", True, ()),
        "two": ("theirs", True, ()),
        "three": ("demo_three", False, (("a", "b"),)),
    }
    assert project.volume("three").form["driver_opts"] == {"o": "addr"}


def test_every_kind_of_mount() -> None:
    app = a_service(
        "volumes: [/anonymous, {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0o700}},"
        " {type: bind, source: ./b, target: /b, bind: {propagation: rslave}},"
        " {type: volume, source: data, target: /d, read_only: true, volume: {nocopy: true, subpath: x}}],"
        " tmpfs: [/run, '/tmp:size=64m,mode=1770,ro,uid=5']",
        top="volumes: {data: {}}",
    )

    assert app.mounts == (
        VolumeMount(volume="", target="/anonymous", read_only=False, nocopy=False, subpath=""),
        TmpfsMount(target="/t", read_only=False, size=1024**2, mode=0o700),
        BindMount(path="/project/b", target="/b", read_only=False, create=True),
        VolumeMount(volume="data", target="/d", read_only=True, nocopy=True, subpath="x"),
        TmpfsMount(target="/run", read_only=False, size=None, mode=None),
        TmpfsMount(target="/tmp", read_only=True, size=64 * 1024**2, mode=0o1770),
    )


def test_secrets_and_configs_are_files_of_the_machine_or_content() -> None:
    app = a_service(
        "secrets: [plain, {source: said, target: short, mode: 0o400, uid: '5', gid: 6}],"
        " configs: [written, {source: plain, target: /etc/app.conf}]",
        top="secrets: {plain: {file: ./s.txt}, said: {environment: TOKEN}}\n"
        "configs: {written: {content: 'a: $$b'}, plain: {file: /c.txt}}",
        variables={"TOKEN": "hush"},
    )

    def granted(kind: str, source: str, target: str, **other: object) -> GrantedFile:
        facts = {"path": None, "content": None, "uid": "0", "gid": "0", "mode": 0o444} | other
        return GrantedFile(kind=kind, source=source, target=target, **facts)  # type: ignore[arg-type]

    assert app.files == (
        granted("secrets", "plain", "/run/secrets/plain", path="/project/s.txt"),
        granted("secrets", "said", "/run/secrets/short", content="hush", mode=0o400, uid="5", gid="6"),
        granted("configs", "written", "/written", content="a: $b"),
        granted("configs", "plain", "/etc/app.conf", path="/c.txt"),
    )


@pytest.mark.parametrize(
    ("policy", "pull", "every", "build"),
    [
        ("always", PullPolicy.ALWAYS, None, False),
        ("never", PullPolicy.NEVER, None, False),
        ("missing", PullPolicy.IF_NOT_PRESENT, None, False),
        ("if_not_present", PullPolicy.IF_NOT_PRESENT, None, False),
        ("build", PullPolicy.IF_NOT_PRESENT, None, True),
        ("daily", PullPolicy.IF_NOT_PRESENT, timedelta(days=1), False),
        ("weekly", PullPolicy.IF_NOT_PRESENT, timedelta(weeks=1), False),
        ("every_1d12h", PullPolicy.IF_NOT_PRESENT, timedelta(days=1, hours=12), False),
    ],
)
def test_a_pull_policy(policy: str, pull: PullPolicy, every: timedelta | None, build: bool) -> None:
    app = a_service(f"pull_policy: {policy}")

    assert (app.pull, app.pull_every, app.build_always) == (pull, every, build)


def test_what_is_only_built_has_an_image_name_of_its_own() -> None:
    project = a_project("services: {app: {build: ./src}, named: {image: mine, build: {context: ., target: x}}}")

    assert project.service("app").image == "demo-app"
    assert project.service("app").build == {"context": "/project/src", "dockerfile": "Dockerfile"}
    assert project.service("named").image == "mine"
    assert project.service("named").build == {"context": "/project", "dockerfile": "Dockerfile", "target": "x"}


@pytest.mark.parametrize(("written", "seconds"), [("500ms", 0), ("1m30s", 90), ("2.9s", 2), ("0s", 0)])
def test_a_grace_period_counts_whole_seconds(written: str, seconds: int) -> None:
    assert a_service(f"stop_grace_period: {written}").stop_grace == timedelta(seconds=seconds)


@pytest.mark.parametrize(("written", "name"), [("RTMIN+3", "SIGRTMIN+3"), ("37", "SIGRTMIN+3"), ("sigterm", "SIGTERM")])
def test_a_real_time_signal_has_its_name(written: str, name: str) -> None:
    assert a_service(f"stop_signal: {written}").stop_signal == name


def test_switches_and_names_reach_the_model() -> None:
    app = a_service(
        "tty: true, stdin_open: true, privileged: true, read_only: true, attach: false, hostname: h,"
        " platform: linux/arm64, cap_add: [CAP_NET_ADMIN, sys_time], cap_drop: [all],"
        " extra_hosts: ['one:1.2.3.4', two=::1], container_name: mine"
    )

    assert (app.tty, app.stdin_open, app.privileged, app.read_only, app.attach) == (True, True, True, True, False)
    assert (app.hostname, app.platform, app.container_name) == ("h", "linux/arm64", "mine")
    assert (app.capabilities_add, app.capabilities_drop) == (("NET_ADMIN", "SYS_TIME"), ("ALL",))
    assert app.extra_hosts == (("one", "1.2.3.4"), ("two", "::1"))


TIER_TWO = """
services:
  app:
    image: a
    shm_size: 64m
    sysctls: {net.core.somaxconn: 1024}
    ulimits: {nofile: 100}
    dns: 1.1.1.1
    dns_search: [example.org]
    dns_opt: [ndots:1]
    logging: {driver: none}
    deploy: {resources: {limits: {cpus: '0.5', memory: 64m, pids: 10}}}
    pids_limit: 10
    cpuset: '0'
    cpu_shares: 5
    devices: [/dev/null]
    gpus: all
    group_add: [5]
    pid: host
    ipc: private
    uts: host
    userns_mode: host
    cgroup: host
    runtime: runc
    external_links: [x]
    mac_address: 02:42:ac:11:00:02
    annotations: {a: b}
    domainname: d
    init: false
    security_opt: [seccomp:unconfined]
    expose: [80]
"""


def test_what_only_an_engine_acts_upon_is_in_the_form_and_no_warning() -> None:
    found = parsed(TIER_TWO)

    form = found.project.service("app").form
    assert found.warnings == ()
    assert form["deploy"] == {"resources": {"limits": {"cpus": 0.5, "memory": str(64 * 1024**2), "pids": 10}}}
    assert set(form) >= {
        line.strip().partition(":")[0] for line in TIER_TWO.splitlines()[4:] if line.startswith("    ")
    }


@pytest.mark.behaviour("compose:63")
def test_a_pre_start_hook_has_the_services_user_and_directory_unless_it_says_otherwise() -> None:
    plain, own = a_service(
        "user: 1001, working_dir: /srv, pre_start: [{command: a b}, {image: tool, user: root, working_dir: /,"
        " privileged: true, environment: {A: 1, B: null}}]"
    ).pre_start

    assert (plain.point, plain.name) == (HookPoint.PRE_START, "pre_start[0]")
    assert plain.handler == RunContainer(
        image=None, command=("a", "b"), user="1001", privileged=False, working_dir="/srv", environment=()
    )
    assert own.handler == RunContainer(
        image="tool", command=None, user="root", privileged=True, working_dir="/", environment=(("A", "1"), ("B", None))
    )


def test_it_is_known_which_hooks_say_what_their_failure_means() -> None:
    app = a_service(
        "post_start: [{command: a}, {command: b, x-boathook: {on_failure: abort}}],"
        " pre_stop: [{command: c, x-boathook: {on_failure: continue}}, {command: d, x-boathook: {timeout: 5s}}]"
    )

    assert [(hook.name, hook.on_failure) for hook in app.hooks if app.says_on_failure(hook)] == [
        ("post_start[1]", OnFailure.STOP),
        ("pre_stop[0]", OnFailure.CONTINUE),
    ]


def test_a_field_can_be_pointed_at() -> None:
    app = a_project(
        """
services:
  app:
    image: a
    ports:
      - 80
      - 81
    post_start:
      - command: x
        user: y
"""
    ).service("app")

    assert [str(app.at(one)) for one in ("ports", "ports[1]", "ports[1].target", "post_start[0].user", "tty")] == [
        "compose.yaml:6:7",
        "compose.yaml:7:9",
        "compose.yaml:7:9",
        "compose.yaml:10:15",
        "compose.yaml:4:5",
    ]
    assert app.at("ports[1].target").path == "services.app.ports[1].target"


def hash_of(fields: str) -> str:
    return a_service(fields).config_hash


@pytest.mark.behaviour("compose:39")
@pytest.mark.parametrize(
    "fields",
    ["command: x", "pre_start: [{command: x}]", "pre_stop: [{command: x}]", "environment: {A: b}", "oom_score_adj: 5"],
)
def test_the_config_hash_changes_with_what_a_container_is_made_of(fields: str) -> None:
    assert hash_of(fields) != hash_of("")


@pytest.mark.parametrize(
    "fields",
    ["scale: 2", "deploy: {replicas: 2}", "build: .", "pull_policy: always", "depends_on: [db]", "x-mine: 1"],
)
def test_the_config_hash_does_not_change_with_what_needs_no_other_container(fields: str) -> None:
    assert hash_of(fields) == hash_of("")


def test_an_env_file_may_be_taken_as_it_is_and_labels_may_stand_in_a_file() -> None:
    texts = {"raw.env": "A='q' $X\n", "labels": "one=1\ntwo=file\n"}
    loaded = load(
        [FileText(file="compose.yaml", text=ENV_AND_LABEL_FILES)],
        directory=Path("/project"),
        name="demo",
        variables={},
        read=lambda path: texts.get(path.name),
    )

    app = parse_loaded(loaded).project.service("app")

    assert app.environment == (("A", "'q' $X"),)
    assert app.labels == (("one", "1"), ("two", "own"))


ENV_AND_LABEL_FILES = """
services:
  app:
    image: a
    env_file: [{path: raw.env, format: raw}, {path: gone.env, required: false}]
    label_file: labels
    labels: {two: own}
"""


def test_services_that_no_profile_enables_are_known_by_name() -> None:
    project = a_project("services: {app: {image: a}, off: {image: a, profiles: [p]}}")

    assert project.names == {"app"}
    assert project.disabled == ("off",)


def test_a_wide_project_goes_through_json_unharmed() -> None:
    project = a_project(TIER_TWO + "    pre_start: [{command: x}]\n    healthcheck: {test: x}\n    tmpfs: /run\n")

    assert from_json(Project, to_json(project)) == project
