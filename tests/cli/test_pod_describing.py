"""``boathook pod describe`` as text, and handlers, probes and volumes in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from boathook.cli.pod.describing import Facts, description
from boathook.cli.pod.handlers import handler_text, probe_text, volume_lines
from boathook.events import HookFinished, HookStarted
from boathook.journal.hook_runs import HookRun
from boathook.model import HookResult, JsonObject, Outcome, Output, SeenBy
from tests.hooks.build import a_hook, an_exec
from tests.journal.build import TARGET

NOW = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)

POD: JsonObject = {
    "metadata": {
        "name": "demo",
        "namespace": "team",
        "labels": {"tier": "db", "app": "web"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
    },
    "spec": {
        "terminationGracePeriodSeconds": 20,
        "initContainers": [{"name": "setup", "image": "busybox", "command": ["true"]}],
        "containers": [
            {
                "name": "app",
                "image": "busybox",
                "command": ["sh", "-c", "line one\nline two"],
                "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
                "env": [
                    {"name": "A", "value": "b"},
                    {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "vault", "key": "k"}}},
                ],
                "envFrom": [{"prefix": "P_", "configMapRef": {"name": "settings"}}],
                "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "true"]}}, "stopSignal": "SIGUSR1"},
                "livenessProbe": {"httpGet": {"port": 80, "path": "healthz"}, "periodSeconds": 5},
                "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True, "subPath": "x"}],
            }
        ],
        "volumes": [{"name": "data", "emptyDir": {"medium": "Memory"}}],
    },
    "status": {
        "phase": "Running",
        "startTime": "2026-01-01T00:00:00Z",
        "podIP": "127.0.0.1",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {
                "name": "app",
                "ready": True,
                "restartCount": 1,
                "containerID": "boathook://c1",
                "imageID": "stand-in",
                "state": {"running": {"startedAt": "2026-01-01T00:01:00Z"}},
                "lastState": {"terminated": {"exitCode": 3, "reason": "Error", "message": "gone\nwrong"}},
            }
        ],
    },
}


def some_facts(*, hook_runs: tuple[HookRun, ...] = (), events: tuple[JsonObject, ...] | None = ()) -> Facts:
    return Facts(run_by="supervisor/7", hook_runs=hook_runs, events=events, now=NOW)


def a_hook_run(*, stdout: str = "bye\n") -> HookRun:
    hook = a_hook(an_exec("false"))
    result = HookResult(
        hook=hook,
        target=TARGET,
        outcome=Outcome.FAILED,
        exit_code=3,
        signal=None,
        stdout=Output(text=stdout, total_bytes=len(stdout), omitted_bytes=0),
        stderr=None,
        started=NOW,
        duration=timedelta(seconds=1.5),
        budget_left=timedelta(seconds=8),
        reason="exited with code 3",
        seen_by=SeenBy.RUN,
    )
    started = HookStarted(target=TARGET, hook=hook, budget=None)
    return HookRun(run="bcdfghj", started=started, finished=HookFinished(result=result))


def test_a_pod_is_described_from_its_head_to_its_events() -> None:
    event: JsonObject = {
        "type": "Warning",
        "reason": "BackOff",
        "message": "Back-off restarting",
        "count": 4,
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:04:50Z",
        "source": {"component": "kubelet"},
    }

    assert description(POD, some_facts(events=(event,))) == EXPECTED


EXPECTED = """\
Name:                      demo
Namespace:                 team
Service Account:           default
Run By:                    supervisor/7
Start Time:                Thu, 01 Jan 2026 00:00:00 +0000
Labels:                    app=web
                           tier=db
Annotations:               <none>
Status:                    Running
Termination Grace Period:  20s
IP:                        127.0.0.1
Init Containers:
  setup:
    Container ID:
    Image:          busybox
    Image ID:
    Port:           <none>
    Command:
      true
    State:          Waiting
    Ready:          False
    Restart Count:  0
    Environment:    <none>
    Mounts:         <none>
Containers:
  app:
    Container ID:   boathook://c1
    Image:          busybox
    Image ID:       stand-in
    Ports:          80/TCP, 53/UDP
    Command:
      sh
      -c
      line one
      line two
    State:          Running
      Started:      Thu, 01 Jan 2026 00:01:00 +0000
    Last State:     Terminated
      Reason:       Error
      Message:      gone
                    wrong
      Exit Code:    3
    Ready:          True
    Restart Count:  1
    Liveness:       http-get http://:80/healthz delay=0s timeout=1s period=5s #success=1 #failure=3
    preStop:        exec [sh -c true]
    Stop Signal:    SIGUSR1
    Environment:    all of ConfigMap settings with prefix 'P_'
                    A: b
                    KEY: <set to the key 'k' in secret 'vault'>
    Mounts:         /data from data (ro,path="x")
Conditions:
  Type    Status
  Ready   True
Volumes:
  data:
    Type:       EmptyDir (a temporary directory that shares a pod's lifetime)
    Medium:     Memory
    SizeLimit:  <unset>
Hook Runs:  <none>
Events:
  Type      Reason    Age                From      Message
  ----      ------    ----               ----      -------
  Warning   BackOff   10s (x4 over 5m)   kubelet   Back-off restarting
"""


def test_hooks_are_shown_with_outcome_code_time_and_output() -> None:
    text = description(POD, some_facts(hook_runs=(a_hook_run(),)))

    assert text[text.index("Hook Runs") : text.index("Events")] == (
        "Hook Runs:\n"
        f"  app {a_hook().name}:\n"
        "    Outcome:    failed: exited with code 3\n"
        "    Exit Code:  3\n"
        "    Started:    Thu, 01 Jan 2026 00:05:00 +0000\n"
        "    Duration:   1.5s\n"
        "    Left:       8.0s of its time\n"
        "    Run:        bcdfghj (boathook show bcdfghj)\n"
        "    Output:\n"
        "      bye\n"
    )


def test_only_the_head_of_a_hooks_output_is_shown() -> None:
    text = description(POD, some_facts(hook_runs=(a_hook_run(stdout="".join(f"{n}\n" for n in range(9))),)))

    assert "      4\n      … (18 B in all)\n" in text
    assert "      5\n" not in text


def test_a_hook_without_an_end_says_so() -> None:
    run = a_hook_run()
    text = description(POD, some_facts(hook_runs=(HookRun(run=run.run, started=run.started, finished=None),)))

    assert "started, and its end is not known" in text


def test_events_can_be_left_out() -> None:
    assert "Events" not in description(POD, some_facts(events=None))
    assert description(POD, some_facts()).endswith("Events:  <none>\n")


def test_a_pod_that_is_being_deleted_shows_the_period_of_its_deletion() -> None:
    marks: JsonObject = {"deletionTimestamp": "2026-01-01T00:04:50Z", "deletionGracePeriodSeconds": 3}
    metadata = POD["metadata"]
    assert isinstance(metadata, dict)

    text = description(POD | {"metadata": metadata | marks}, some_facts())

    assert "Terminating (lasts 10s)" in text
    assert "Termination Grace Period:  3s" in text


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        ({"exec": {"command": ["sh", "-c", "echo a b"]}}, "exec [sh -c 'echo a b']"),
        ({"httpGet": {"port": "web", "scheme": "HTTPS", "host": "h", "path": "/x"}}, "http-get https://h:web/x"),
        ({"httpGet": {"port": 80}}, "http-get http://:80/"),
        ({"tcpSocket": {"port": 80}}, "tcp-socket :80"),
        ({"sleep": {"seconds": 5}}, "sleep 5s"),
        ({"grpc": {"port": 9, "service": "s"}}, "grpc <pod>:9 s"),
    ],
)
def test_handlers_in_words(handler: JsonObject, expected: str) -> None:
    assert handler_text(handler) == expected


def test_a_probe_has_all_its_times() -> None:
    assert probe_text({"exec": {"command": ["true"]}, "periodSeconds": 3}) == (
        "exec [true] delay=0s timeout=1s period=3s #success=1 #failure=3"
    )


def test_volumes_show_their_type_and_fields() -> None:
    host: JsonObject = {"name": "h", "hostPath": {"path": "/tmp", "type": "Directory"}}
    claim: JsonObject = {"name": "c", "persistentVolumeClaim": {"claimName": "data", "readOnly": True}}

    assert list(volume_lines(host)) == [
        ("Type", "HostPath (bare host directory volume)"),
        ("Path", "/tmp"),
        ("HostPathType", "Directory"),
    ]
    assert list(volume_lines(claim))[1:] == [("ClaimName", "data"), ("ReadOnly", "true")]
