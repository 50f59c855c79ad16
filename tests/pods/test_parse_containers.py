"""What a container of a pod's file comes to: its kind, ports, hooks, probes, restart rules and resources."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from boathook.model import Exec, HttpGet, JsonObject, TcpSocket
from boathook.pods import RestartPolicy
from boathook.pods.model import (
    ContainerKind,
    ContainerPort,
    GrpcCheck,
    PodContainer,
    Probe,
    ProbeKind,
    RestartAction,
    RestartRule,
)
from tests.pods.build import a_container, a_pod

WEB: JsonObject = {"name": "web", "containerPort": 8080}


def a_parsed(**fields: Any) -> PodContainer:
    return a_pod(a_container(**fields)).containers[0]


def a_liveness(**fields: Any) -> Probe:
    probe = a_parsed(ports=[WEB], livenessProbe=fields).liveness_probe
    assert probe is not None
    return probe


def test_an_init_container_that_is_always_restarted_is_a_sidecar() -> None:
    init = [
        a_container("plain"),
        a_container("side", restartPolicy="Always", pre_stop="bye"),
        a_container("again", restartPolicy="OnFailure"),
    ]

    pod = a_pod(a_container(), initContainers=init)

    assert [one.kind for one in pod.init_containers] == [
        ContainerKind.INIT,
        ContainerKind.SIDECAR,
        ContainerKind.INIT,
    ]
    assert [one.name for one in pod.all_containers] == ["plain", "side", "again", "app"]
    assert pod.init_containers[1].pre_stop is not None
    assert pod.init_containers[1].pre_stop.source.path == "spec.initContainers[1].lifecycle.preStop"
    assert pod.init_containers[2].restart_policy is RestartPolicy.ON_FAILURE


def test_a_pod_may_have_a_deadline() -> None:
    assert a_pod(activeDeadlineSeconds=7).active_deadline == timedelta(seconds=7)
    assert a_pod().active_deadline is None


def test_ports_are_tcp_where_nothing_else_is_said() -> None:
    container = a_parsed(ports=[WEB, {"containerPort": 53, "protocol": "UDP"}])

    assert container.ports == (
        ContainerPort(name="web", number=8080, protocol="TCP"),
        ContainerPort(name="", number=53, protocol="UDP"),
    )


class TestHandlers:
    def test_an_http_hook_has_the_apis_defaults(self) -> None:
        hook = a_parsed(pre_stop={"httpGet": {"port": 80}}).pre_stop

        assert hook is not None
        assert hook.handler == HttpGet(scheme="HTTP", host="", port=80, path="/", headers=())

    def test_an_http_hook_keeps_repeated_headers_and_its_query(self) -> None:
        headers: list[JsonObject] = [{"name": "X-A", "value": "1"}, {"name": "X-A", "value": "2"}]
        handler: JsonObject = {
            "port": 80,
            "host": "example.com",
            "scheme": "HTTPS",
            "path": "/stop?why=x",
            "httpHeaders": [*headers],
        }

        hook = a_parsed(pre_stop={"httpGet": handler}).pre_stop

        assert hook is not None
        assert hook.handler == HttpGet(
            scheme="HTTPS", host="example.com", port=80, path="/stop?why=x", headers=(("X-A", "1"), ("X-A", "2"))
        )

    @pytest.mark.behaviour("pods:23")
    @pytest.mark.parametrize(("port", "expected"), [("web", 8080), ("other", "other")])
    def test_a_port_is_found_by_its_name_in_the_same_container_only(self, port: str, expected: int | str) -> None:
        app = a_container(ports=[WEB], pre_stop={"httpGet": {"port": port}})
        second = a_container("second", ports=[{"name": "other", "containerPort": 9090}])

        hook = a_pod(app, second).containers[0].pre_stop

        assert hook is not None
        assert isinstance(hook.handler, HttpGet)
        assert hook.handler.port == expected

    @pytest.mark.behaviour("pods:24")
    def test_a_tcp_hook_is_accepted(self) -> None:
        hook = a_parsed(ports=[WEB], post_start={"tcpSocket": {"port": "web"}}).post_start

        assert hook is not None
        assert hook.handler == TcpSocket(host="", port=8080)


class TestProbes:
    def test_its_numbers_are_the_apis_where_none_or_zero_is_given(self) -> None:
        probe = a_liveness(exec={"command": ["true"]}, periodSeconds=0, timeoutSeconds=0)

        assert (probe.kind, probe.source.path) == (ProbeKind.LIVENESS, "spec.containers[0].livenessProbe")
        assert (probe.initial_delay, probe.timeout, probe.period) == (
            timedelta(0),
            timedelta(seconds=1),
            timedelta(seconds=10),
        )
        assert (probe.success_threshold, probe.failure_threshold, probe.grace) == (1, 3, None)

    def test_its_numbers_are_taken_over(self) -> None:
        probe = a_liveness(
            exec={"command": ["true"]},
            initialDelaySeconds=1,
            timeoutSeconds=2,
            periodSeconds=3,
            failureThreshold=4,
            terminationGracePeriodSeconds=5,
        )

        assert [probe.initial_delay, probe.timeout, probe.period, probe.grace] == [
            timedelta(seconds=number) for number in (1, 2, 3, 5)
        ]
        assert probe.failure_threshold == 4

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (
                {"exec": {"command": ["true"]}},
                Exec(command=("true",), user=None, privileged=False, working_dir=None, environment=()),
            ),
            ({"httpGet": {"port": "web"}}, HttpGet(scheme="HTTP", host="", port=8080, path="/", headers=())),
            ({"tcpSocket": {"port": 1, "host": "h"}}, TcpSocket(host="h", port=1)),
            ({"grpc": {"port": 5000}}, GrpcCheck(port=5000, service="")),
            ({"grpc": {"port": 5000, "service": "s"}}, GrpcCheck(port=5000, service="s")),
        ],
    )
    def test_it_asks_in_one_of_four_ways(self, given: dict[str, Any], expected: object) -> None:
        assert a_liveness(**given).handler == expected

    def test_a_container_may_have_all_three(self) -> None:
        ask: JsonObject = {"exec": {"command": ["true"]}}

        container = a_parsed(startupProbe=ask, livenessProbe=ask, readinessProbe={**ask, "successThreshold": 2})

        kinds = (container.startup_probe, container.liveness_probe, container.readiness_probe)
        assert [probe.kind for probe in kinds if probe is not None] == list(ProbeKind)
        assert container.readiness_probe is not None
        assert container.readiness_probe.success_threshold == 2


def test_restart_rules_keep_their_order() -> None:
    rules: list[JsonObject] = [
        {"action": "Restart", "exitCodes": {"operator": "In", "values": [3, 4, 256]}},
        {"action": "RestartAllContainers", "exitCodes": {"operator": "NotIn", "values": []}},
    ]

    container = a_parsed(restartPolicy="Never", restartPolicyRules=[*rules])

    assert container.restart_policy is RestartPolicy.NEVER
    assert container.restart_rules == (
        RestartRule(action=RestartAction.RESTART, exit_codes=frozenset({3, 4, 256}), negated=False),
        RestartRule(action=RestartAction.RESTART_ALL, exit_codes=frozenset(), negated=True),
    )


def test_a_limit_is_also_the_request_that_is_not_given() -> None:
    resources: JsonObject = {"limits": {"cpu": 1, "memory": "64Mi"}, "requests": {"cpu": "100m"}}

    assert a_parsed(resources=resources).resources == {
        "limits.cpu": "1",
        "limits.memory": "64Mi",
        "requests.cpu": "100m",
        "requests.memory": "64Mi",
    }


def test_a_grace_period_longer_than_any_duration_is_a_long_one() -> None:
    pod = a_pod(a_container(pre_stop={"sleep": {"seconds": 2**62}}), grace=2**62)

    assert pod.grace > timedelta(days=365 * 10_000)
