"""What a project needs so that it can run: refused at load, with the place where it is written."""

from __future__ import annotations

import pytest

from boathook.errors import ManifestError
from tests.compose.build import parsed


def problems_of(fields: str, *, top: str = "volumes: {data: {}}") -> list[str]:
    with pytest.raises(ManifestError) as refused:
        parsed(f"services:\n  app: {{image: a, {fields}}}\n{top}")
    return [f"{one.source.path}: {one.message}" for one in refused.value.problems]


@pytest.mark.behaviour("compose:63")
def test_a_hook_for_each_replica_is_refused_in_the_peers_words() -> None:
    assert problems_of("pre_start: [{command: x}, {command: y, per_replica: true}]") == [
        'services.app.pre_start[1].per_replica: service "app" pre_start[1]: per_replica is not yet supported; '
        "remove per_replica or set it to false"
    ]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("restart: sometimes", 'restart: found "sometimes", expected "no" or "always" or "unless-stopped"'),
        ("restart: always:3", 'restart: found "always:3", expected'),
        ("restart: on-failure:x", 'restart: found "on-failure:x", expected'),
        ("deploy: {restart_policy: {condition: often}}", 'condition: found "often", expected "none" or "on-failure"'),
        ("stop_grace_period: -5s", 'stop_grace_period: found "-5s", expected a duration that is not negative'),
        ("ports: [{target: 70000}]", "ports[0].target: found 70000, expected a number from 1 to 65535"),
        ("ports: [{target: 70, published: hello}]", 'ports[0].published: invalid port "hello"'),
        ("ports: [{target: 70, protocol: icmp}]", 'ports[0].protocol: found "icmp", expected "sctp" or "tcp" or "udp"'),
        ("volumes: ['data:x']", 'volumes[0]: found the target "x", expected an absolute path'),
        ("volumes: [{type: bind, target: /x}]", "volumes[0]: a bind mount needs a source"),
        ("tmpfs: run", 'tmpfs[0]: found the target "run", expected an absolute path'),
        ("tmpfs: '/run:size=much'", 'tmpfs[0]: found the options "size=much"'),
        ("working_dir: tmp", 'working_dir: found "tmp", expected an absolute path'),
        ("scale: 2, container_name: mine", "container_name: 2 containers cannot have one name"),
    ],
)
def test_what_an_engine_would_refuse_half_way_is_refused_at_load(fields: str, problem: str) -> None:
    found = problems_of(fields)

    assert len(found) == 1
    assert found[0].startswith("services.app.")
    assert problem in found[0]


def test_every_wrong_item_of_a_list_is_told_with_its_own_place() -> None:
    assert [one.partition(" in ")[0] for one in problems_of("ports: ['99999:80', 'abc', '8080:80']")] == [
        'services.app.ports[0]: invalid port "99999"',
        'services.app.ports[1]: invalid port "abc"',
    ]


@pytest.mark.parametrize(
    ("fields", "top", "problem"),
    [
        ("secrets: [s]", "secrets: {s: {external: true}}", "unsupported external secret s"),
        ("configs: [c]", "configs: {c: {external: true, name: n}}", "unsupported external config n"),
        (
            "secrets: [s]",
            "secrets: {s: {environment: NOPE}}",
            'environment variable "NOPE" required by secret "s" is not set',
        ),
        (
            "configs: [c], read_only: true",
            "configs: {c: {content: x}}",
            'cannot create config "c" in read-only service app: `file` is the sole supported option',
        ),
        ("secrets: [s]", "secrets: {}", 'service "app" refers to undefined secret "s"'),
    ],
)
def test_secrets_and_configs_that_no_container_can_have(fields: str, top: str, problem: str) -> None:
    (found,) = problems_of(fields, top=top)

    assert problem in found


@pytest.mark.parametrize(
    ("top", "problem"),
    [
        ("secrets: {s: {}}", "secrets.s: one of file|environment must be set"),
        ("secrets: {s: {file: a, environment: B}}", "secrets.s: file|environment attributes are mutually exclusive"),
        ("configs: {c: {labels: {a: b}}}", "configs.c: one of file|environment|content must be set"),
    ],
)
def test_a_secret_or_config_comes_from_one_place(top: str, problem: str) -> None:
    assert problem in problems_of("", top=top)[0]


def test_a_container_name_is_taken_once() -> None:
    with pytest.raises(ManifestError) as refused:
        parsed("services: {a: {image: a, container_name: one}, b: {image: a, container_name: one}}")

    assert str(refused.value).endswith('container name "one" is already that of service "a"')


@pytest.mark.parametrize(
    ("fields", "one", "other"),
    [
        ("mem_limit: 5m, deploy: {resources: {limits: {memory: 6m}}}", "mem_limit", "resources.limits.memory"),
        ("mem_limit: 5m, deploy: {resources: {limits: {cpus: 1}}}", "mem_limit", "resources.limits.memory"),
        ("cpus: 5, deploy: {resources: {limits: {cpus: 6}}}", "cpus", "resources.limits.cpus"),
        ("pids_limit: 5, deploy: {resources: {limits: {pids: 6}}}", "pids_limit", "resources.limits.pids"),
        (
            "mem_reservation: 5m, deploy: {resources: {reservations: {memory: 6m}}}",
            "mem_reservation",
            "resources.reservations.memory",
        ),
        ("scale: 2, deploy: {replicas: 3}", "scale", "replicas"),
    ],
)
def test_what_is_said_twice_is_said_alike(fields: str, one: str, other: str) -> None:
    assert problems_of(fields) == [
        f"services.app.{one}: services.app: can't set distinct values on '{one}' and 'deploy.{other}'"
    ]


def test_the_same_limit_may_be_said_in_both_places() -> None:
    assert (
        parsed("services: {a: {image: a, mem_limit: 5m, deploy: {resources: {limits: {memory: 5m}}}}}").warnings == ()
    )


@pytest.mark.parametrize("name", ["'a b'", "a/b", "'ä'"])
def test_a_service_has_a_name_of_letters_and_digits(name: str) -> None:
    with pytest.raises(ManifestError, match="invalid service name"):
        parsed(f"services: {{{name}: {{image: a}}}}")
