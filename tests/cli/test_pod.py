"""``boathook pod`` as its user runs it, on the embedded runtime."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from boathook.cli.pod.table import pod_table
from boathook.home import Home
from boathook.model import JsonObject
from boathook.supervisor.client import supervisor_pid

SECONDS = 60

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: demo}}
spec:
  terminationGracePeriodSeconds: 20
  containers:
  - name: app
    image: registry.k8s.io/e2e-test-images/agnhost:2.53
    args: [pause]
    lifecycle:
      preStop:
        exec: {{command: [sh, -c, "{hook}"]}}
    volumeMounts:
    - {{name: out, mountPath: /out}}
  volumes:
  - name: out
    hostPath: {{path: "{out}"}}
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A directory that every container may write to."""
    path = tmp_path / "out"
    path.mkdir()
    path.chmod(0o777)
    return path


def a_file(tmp_path: Path, out: Path, hook: str) -> Path:
    file = tmp_path / "pod.yaml"
    file.write_text(POD.format(hook=hook, out=out))
    return file


def boathook(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "boathook", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


def started_until(line: str, *args: str | Path) -> subprocess.Popen[str]:
    """A command that has got as far as to print this."""
    command = [sys.executable, "-m", "boathook", *map(str, args)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    for printed in process.stdout:
        if line in printed:
            return process
    raise AssertionError(f'"{line}" was never printed')


def the_rest(process: subprocess.Popen[str]) -> str:
    text, _ = process.communicate(timeout=SECONDS)
    return text


@pytest.mark.runtime
@pytest.mark.behaviour("pods:9", "pods:10")
def test_a_pod_runs_for_its_time_and_is_stopped_with_its_hook(tmp_path: Path, out: Path, home: Home) -> None:
    file = a_file(tmp_path, out, "echo bye > /out/said")

    ended = boathook("pod", "run", file, "--for", "100ms")

    assert ended.returncode == 0, ended.stderr
    assert "PreStop hook executed successfully" in ended.stdout
    assert "exited 2 (pause answers SIGTERM with 2)" in ended.stdout
    assert (out / "said").read_text() == "bye\n"
    assert list(home.containers.iterdir()) == []


@pytest.mark.runtime
@pytest.mark.behaviour("pods:13")
def test_a_failed_hook_ends_the_command_with_1(tmp_path: Path, out: Path, home: Home) -> None:
    ended = boathook("pod", "run", a_file(tmp_path, out, "exit 3"), "--for", "100ms")

    assert ended.returncode == 1
    assert "FailedPreStopHook: PreStopHook failed" in ended.stdout
    assert "PreStop hook failed with exit code 3" in ended.stdout


@pytest.mark.runtime
def test_the_first_interrupt_stops_gracefully_and_the_second_at_once(tmp_path: Path, out: Path, home: Home) -> None:
    process = started_until("running", "pod", "run", a_file(tmp_path, out, "sleep 15; echo late > /out/said"))

    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert any(" preStop " in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    the_rest(process)

    assert process.returncode == 130
    assert not (out / "said").exists()
    assert list(home.containers.iterdir()) == []


@pytest.mark.runtime
def test_a_closed_terminal_stops_a_pod_with_its_hook(tmp_path: Path, out: Path, home: Home) -> None:
    file = a_file(tmp_path, out, "echo bye > /out/said")
    command = [sys.executable, "-m", "boathook", "pod", "run", str(file)]
    ours, theirs = os.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    told = b""
    while b" Running" not in told:
        told += os.read(ours, 4096)

    os.close(ours)
    process.send_signal(signal.SIGHUP)

    assert process.wait(SECONDS) == 0
    assert (out / "said").read_text() == "bye\n"
    assert list(home.containers.iterdir()) == []


@pytest.mark.runtime
@pytest.mark.behaviour("pods:31")
def test_a_hook_that_a_kill_cut_off_is_run_again_by_recover(tmp_path: Path, out: Path, home: Home) -> None:
    hook = "echo begin >> /out/said; sleep 1; echo end >> /out/said"
    process = started_until(" preStop ", "pod", "run", a_file(tmp_path, out, hook), "--for", "100ms")
    process.kill()
    the_rest(process)

    recovered = boathook("recover")
    again = boathook("recover")

    assert recovered.returncode == 0, recovered.stderr
    assert "preStop was run again in a fresh container" in recovered.stdout
    assert (out / "said").read_text().splitlines()[-2:] == ["begin", "end"]
    assert "nothing owed, nothing left" in again.stdout


@pytest.mark.runtime
def test_a_hook_that_a_kill_cut_off_is_run_again_before_the_pod_runs_again(
    tmp_path: Path, out: Path, home: Home
) -> None:
    hook = "echo begin >> /out/said; sleep 1; echo end >> /out/said"
    file = a_file(tmp_path, out, hook)
    process = started_until(" preStop ", "pod", "run", file, "--for", "100ms")
    process.kill()
    the_rest(process)

    once_more = boathook("pod", "run", file, "--for", "0s")

    assert once_more.returncode == 0, once_more.stderr
    assert once_more.stdout.count(" preStop ") == 4
    assert (out / "said").read_text().splitlines()[-4:] == ["begin", "end", "begin", "end"]


@pytest.fixture
def supervised(home: Home) -> Iterator[Home]:
    """A state directory whose supervisor, if one was started, is ended afterwards."""
    yield home
    pid = supervisor_pid(home)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)


@pytest.mark.runtime
def test_a_detached_pod_is_seen_by_other_commands_until_one_stops_it(
    tmp_path: Path, out: Path, supervised: Home
) -> None:
    file = a_file(tmp_path, out, "echo bye > /out/said")

    created = boathook("pod", "run", "-d", file)
    listed = boathook("pod", "ls")
    logs = boathook("pod", "logs", "demo")
    again = boathook("pod", "run", "-d", file)
    stopped = boathook("pod", "delete", "demo")
    gone = boathook("pod", "delete", "demo")

    assert created.stdout == "pod/demo created\n", created.stderr
    assert "demo   1/1     Running" in listed.stdout
    assert logs.stdout.startswith("Paused\n"), logs.stderr
    assert (again.returncode, again.stderr) == (1, 'error: pods "demo" already exists\n')
    assert stopped.returncode == 0, stopped.stderr
    assert "preStop             exit 0" in stopped.stdout
    assert (gone.returncode, gone.stderr) == (1, 'error: pods "demo" not found\n')
    assert (out / "said").read_text() == "bye\n"
    assert list(supervised.containers.iterdir()) == []


@pytest.mark.runtime
@pytest.mark.behaviour("pods:14")
def test_a_foreground_pod_can_be_stopped_by_another_command(tmp_path: Path, out: Path, home: Home) -> None:
    process = started_until("running", "pod", "run", a_file(tmp_path, out, "sleep 30"))

    stopped = boathook("pod", "delete", "demo", "--grace-period", "1")
    told = the_rest(process)

    assert stopped.returncode == 0, stopped.stderr
    assert 'pod "demo" deleted' in stopped.stdout
    assert "stop requested (deleted, grace 1s)" in told
    assert "PreStop hook was cut off at the end of the grace period" in told
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("kind: Pod\napiVersion: v1\nmetadata: {}\nspec: {}\n", "metadata.name: Required value"),
        ("a: [\n", "not valid YAML"),
    ],
)
def test_a_bad_file_is_refused_with_its_position(tmp_path: Path, home: Home, content: str, expected: str) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(content)

    ended = boathook("pod", "run", file)

    assert ended.returncode == 2
    assert expected in ended.stderr
    assert f"{file}:" in ended.stderr
    assert not home.containers.exists()


def test_a_missing_file_is_refused(tmp_path: Path, home: Home) -> None:
    ended = boathook("pod", "run", tmp_path / "none.yaml")

    assert ended.returncode == 2
    assert ended.stderr.startswith(f'error: cannot read "{tmp_path}/none.yaml": ')


def test_pods_are_listed_in_kubectls_columns() -> None:
    pod: JsonObject = {
        "metadata": {"name": "demo", "namespace": "team", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"containers": [{"name": "app"}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {"ready": False, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
            ],
        },
    }

    table = pod_table([pod], datetime(2026, 1, 1, 0, 5, tzinfo=UTC), with_namespace=True)

    assert table == (
        "NAMESPACE   NAME   READY   STATUS             RESTARTS   AGE\n"
        "team        demo   0/1     CrashLoopBackOff   3          5m\n"
    )
