"""What a pod's file may say, and how it is refused: everything at once, with positions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from boathook.errors import ManifestError
from boathook.model import Exec, HookPoint, JsonObject, Sleep
from boathook.pods import RestartPolicy, parse_pods, pod_from_object
from boathook.pods.model import Claim, EmptyDir, ObjectFiles
from boathook.runtimes.base import PullPolicy
from tests.pods.build import a_container, a_pod, a_pod_object

EXAMPLE = Path(__file__).parents[2] / "examples/pods/prestop/pod.yaml"

LIFECYCLE = "spec.containers[0].lifecycle.preStop"


def refusals(pod: JsonObject) -> list[str]:
    """``path: message`` of every problem."""
    with pytest.raises(ManifestError) as refused:
        pod_from_object(pod)
    return [f"{one.source.path}: {one.message}" for one in refused.value.problems]


def with_pre_stop(handler: Any, **spec: Any) -> JsonObject:
    return a_pod_object(a_container(pre_stop=handler), **spec)


def test_the_documented_pod_is_read_as_it_stands() -> None:
    (pod,) = parse_pods(EXAMPLE.read_text(), "pod.yaml").pods

    (container,) = pod.containers
    assert pod.scope == "default/prestop-pod"
    assert pod.grace == timedelta(seconds=60)
    assert container.args == ("pause",)
    assert container.security.user_text == "1000:1000"
    assert container.security.run_as_non_root
    assert not container.security.allow_privilege_escalation
    assert container.security.capabilities_drop == ("ALL",)
    assert container.pre_stop is not None
    assert container.pre_stop.point is HookPoint.PRE_STOP
    assert isinstance(container.pre_stop.handler, Exec)
    assert container.pre_stop.handler.command[:2] == ("sh", "-c")
    assert (container.pre_stop.source.line, container.pre_stop.source.path) == (14, LIFECYCLE)
    assert isinstance(pod.volume("shared-data").volume, EmptyDir)
    assert [one.source.path for one in pod.notices] == ["spec.containers[0].securityContext.seccompProfile"]


def test_defaults_are_the_apis() -> None:
    pod = a_pod(a_container(image="app", lifecycle={"preStop": {"sleep": {}}}))

    (container,) = pod.containers
    assert pod.restart_policy is RestartPolicy.ALWAYS
    assert pod.grace == timedelta(seconds=30)
    assert pod.hostname == "pod"
    assert container.pull_policy is PullPolicy.ALWAYS
    assert container.message_path == "/dev/termination-log"
    assert container.security.allow_privilege_escalation
    assert container.pre_stop is not None
    assert container.pre_stop.handler == Sleep(duration=timedelta(0))


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("app", PullPolicy.ALWAYS),
        ("host:5000/app", PullPolicy.ALWAYS),
        ("app:latest", PullPolicy.ALWAYS),
        ("app:1", PullPolicy.IF_NOT_PRESENT),
        ("app@sha256:00", PullPolicy.IF_NOT_PRESENT),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: PullPolicy) -> None:
    assert a_pod(a_container(image=image)).containers[0].pull_policy is policy


def test_three_mistakes_are_told_at_once_with_line_and_column() -> None:
    text = """\
apiVersion: v1
kind: Pod
metadata: {name: demo}
spec:
  terminationGracePeriodSeconds: "60"
  containers:
  - name: app
    image: agnhost
    lifecycle:
      preStop:
        timeoutSeconds: 5
        exec: {command: [sync]}
    volumeMounts:
    - {name: data, mountPath: /data}
"""

    with pytest.raises(ManifestError) as refused:
        parse_pods(text, "pod.yaml")

    assert str(refused.value).splitlines() == [
        'pod.yaml:5:34: spec.terminationGracePeriodSeconds: found "60", expected a whole number',
        f'pod.yaml:11:9: {LIFECYCLE}.timeoutSeconds: unknown field "{LIFECYCLE}.timeoutSeconds"',
        'pod.yaml:14:14: spec.containers[0].volumeMounts[0].name: Not found: "data"',
    ]


class TestHandlers:
    @pytest.mark.parametrize(
        ("handler", "expected"),
        [
            ({}, [f"{LIFECYCLE}: Required value: must specify a handler type"]),
            (
                {"sleep": {"seconds": 1}, "exec": {"command": ["a"]}},
                [f"{LIFECYCLE}.sleep: Forbidden: may not specify more than 1 handler type"],
            ),
            ({"exec": {"command": []}}, [f"{LIFECYCLE}.exec.command: Required value"]),
            (
                {"httpGet": {"port": 0}},
                [f"{LIFECYCLE}.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive"],
            ),
            (
                {"httpGet": {"port": 80, "scheme": "http"}},
                [f'{LIFECYCLE}.httpGet.scheme: Unsupported value: "http": supported values: "HTTP", "HTTPS"'],
            ),
            (
                {"tcpSocket": {"port": 70000}},
                [f"{LIFECYCLE}.tcpSocket.port: Invalid value: 70000: must be between 1 and 65535, inclusive"],
            ),
        ],
    )
    def test_a_hook_has_exactly_one_well_formed_handler(self, handler: Any, expected: list[str]) -> None:
        assert refusals(with_pre_stop(handler)) == expected

    @pytest.mark.parametrize(
        ("port", "detail"),
        [
            ("8080", "must contain at least one letter (a-z)"),
            ("UP", "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"),
            ("a" * 16, "must be no more than 15 characters"),
            ("a--b", "must not contain consecutive hyphens"),
            ("-a", "must not begin or end with a hyphen"),
        ],
    )
    def test_the_name_of_a_port_follows_its_rules(self, port: str, detail: str) -> None:
        told = refusals(with_pre_stop({"httpGet": {"port": port}}))

        assert f'{LIFECYCLE}.httpGet.port: Invalid value: "{port}": {detail}' in told

    @pytest.mark.behaviour("pods:25")
    @pytest.mark.parametrize("seconds", [0, 10])
    def test_a_sleep_may_be_zero_or_the_whole_grace_period(self, seconds: int) -> None:
        pod = pod_from_object(with_pre_stop(seconds, grace=10))

        assert pod.containers[0].pre_stop is not None

    @pytest.mark.behaviour("pods:25")
    @pytest.mark.parametrize("seconds", [-1, 11])
    def test_a_sleep_outside_the_grace_period_is_refused(self, seconds: int) -> None:
        detail = "must be non-negative and less than terminationGracePeriodSeconds (10)"

        assert refusals(with_pre_stop(seconds, grace=10)) == [f"{LIFECYCLE}.sleep: Invalid value: {seconds}: {detail}"]

    @pytest.mark.behaviour("pods:21")
    def test_a_plain_init_container_may_have_no_hooks(self) -> None:
        init = a_container("init", pre_stop="bye")

        told = refusals(a_pod_object(a_container(), initContainers=[init]))

        detail = "Forbidden: may not be set for init containers without restartPolicy=Always"
        assert f"spec.initContainers[0].lifecycle: {detail}" in told

    @pytest.mark.parametrize(
        ("os", "expected"),
        [
            (None, "Forbidden: may not be set for containers with empty `spec.os.name`"),
            ({"name": "linux"}, 'Unsupported value: "USR1"'),
        ],
    )
    def test_a_stop_signal_needs_an_os_and_must_be_one_of_its_signals(self, os: Any, expected: str) -> None:
        container = a_container(lifecycle={"stopSignal": "USR1"})

        (told,) = refusals(a_pod_object(container, os=os))

        assert told.startswith(f"spec.containers[0].lifecycle.stopSignal: {expected}")


class TestRefusals:
    @pytest.mark.parametrize(
        ("container", "expected"),
        [
            ({"name": "App"}, "spec.containers[0].name: Invalid value"),
            ({"image": ""}, "spec.containers[0].image: Required value"),
            ({"command": "sh"}, 'spec.containers[0].command: found "sh", expected a list'),
            ({"readinessProbe": {}}, "spec.containers[0].readinessProbe: Required value: must specify a handler type"),
            ({"imagePullPolicy": "Sometimes"}, "spec.containers[0].imagePullPolicy: Unsupported value"),
            ({"volumeMounts": [{"name": "x"}]}, 'spec.containers[0].volumeMounts[0].name: Not found: "x"'),
            ({"env": [{"name": "A", "value": 1}]}, "spec.containers[0].env[0].value: found 1, expected text"),
        ],
    )
    def test_a_container_is_refused_by_name(self, container: dict[str, Any], expected: str) -> None:
        told = refusals(a_pod_object({**a_container(), **container}))

        assert told[0].startswith(expected)

    def test_two_containers_may_not_have_one_name(self) -> None:
        assert refusals(a_pod_object(a_container(), a_container())) == [
            'spec.containers[1].name: Duplicate value: "app"'
        ]

    def test_what_is_not_there_yet_is_refused_by_name(self) -> None:
        app = a_container(volumeDevices=[{"name": "v", "devicePath": "/dev/x"}])

        told = refusals(a_pod_object(app, volumes=[{"name": "v", "nfs": {}}]))

        assert told == [
            "spec.volumes[0].nfs: nfs volumes are not there yet",
            "spec.containers[0].volumeDevices: volumeDevices are not there yet",
        ]

    @pytest.mark.behaviour("pods:21")
    def test_ephemeral_containers_are_refused_by_name_and_their_hooks_besides(self) -> None:
        late = a_container("late", pre_stop="bye")

        assert refusals(a_pod_object(ephemeralContainers=[late])) == [
            "spec.ephemeralContainers: Forbidden: cannot be set on create",
            "spec.ephemeralContainers[0].lifecycle: Forbidden: cannot be set for an Ephemeral Container",
        ]

    def test_the_place_is_that_of_the_one_entry_where_the_api_names_the_whole_list(self) -> None:
        text = """\
apiVersion: v1
kind: Pod
metadata: {name: demo}
spec:
  containers:
  - name: app
    image: agnhost
    volumeMounts:
    - {name: v, mountPath: /a}
    - {name: v, mountPath: /b, subPath: ../up}
  volumes: [{name: v, emptyDir: {}}]
"""

        with pytest.raises(ManifestError) as refused:
            parse_pods(text, "pod.yaml")

        assert str(refused.value) == (
            "pod.yaml:10:41: spec.containers[0].volumeMounts.subPath: Invalid value: \"../up\": must not contain '..'"
        )

    def test_what_has_no_effect_is_a_warning(self) -> None:
        pod = a_pod(a_container(resources={"limits": {"cpu": "1"}}), nodeSelector={"disk": "ssd"})

        assert {(one.id, one.source.path) for one in pod.notices} == {
            ("pods.not-enforced", "spec.containers[0].resources"),
            ("pods.not-enforced", "spec.nodeSelector"),
        }

    def test_what_says_nothing_is_no_warning(self) -> None:
        assert a_pod(a_container(resources={}), dnsPolicy="ClusterFirst").notices == ()


class TestFiles:
    def test_the_objects_that_a_pod_needs_stand_beside_it(self) -> None:
        text = """\
kind: ConfigMap
apiVersion: v1
metadata: {name: settings}
data: {a: b}
---
apiVersion: v1
kind: Pod
metadata: {name: demo}
spec:
  containers: [{name: app, image: agnhost}]
  volumes:
  - {name: settings, configMap: {name: settings}}
  - {name: data, persistentVolumeClaim: {claimName: data}}
"""

        file = parse_pods(text, "pod.yaml", namespace="team")

        assert [one["kind"] for one in file.objects] == ["ConfigMap"]
        assert file.pods[0].scope == "team/demo"
        assert file.pods[0].volume("data").volume == Claim(name="data", read_only=False)
        assert isinstance(file.pods[0].volume("settings").volume, ObjectFiles)
        assert file.pod_objects[0]["metadata"] == {"name": "demo", "namespace": "team"}

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("kind: Deployment\n", 'pod.yaml:1:7: kind: found "Deployment", expected one of Pod,'),
            ("", "pod.yaml: no pod in it"),
            ("a: [\n", "pod.yaml:1:5: not valid YAML"),
        ],
    )
    def test_a_file_without_a_pod_is_refused(self, text: str, expected: str) -> None:
        with pytest.raises(ManifestError) as refused:
            parse_pods(text, "pod.yaml")

        assert str(refused.value).startswith(expected)
