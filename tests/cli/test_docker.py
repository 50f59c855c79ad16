"""``--on docker``: the commands that people know, with an engine's containers."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from boathook.home import Home
from tests.kubernetes.image_archive import write
from tests.peers.docker import IMAGE, TestEngine

pytestmark = pytest.mark.runtime

EXAMPLE = Path(__file__).parents[2] / "examples/pods/prestop/pod.yaml"
POD = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data: {{name: demo-settings}}
---
apiVersion: v1
kind: Pod
metadata: {{name: demo}}
spec:
  terminationGracePeriodSeconds: 20
  initContainers:
  - name: first
    image: "{IMAGE}"
    command: [sh, -c, "echo seed > /data/file"]
    volumeMounts: [&data {{name: data, mountPath: /data}}]
  containers:
  - name: web
    image: "{IMAGE}"
    command:
    - sh
    - -c
    - |
      trap 'cat /data/file /conf/name > /dev/termination-log; exit 3' TERM
      mkdir /w; httpd -p 80 -h /w; echo up
      while :; do sleep 0.1; done
    readinessProbe: {{tcpSocket: {{port: 80}}, periodSeconds: 1}}
    lifecycle:
      postStart: {{exec: {{command: [sh, -c, "echo begun as $(id -u)"]}}}}
      preStop: {{exec: {{command: [sh, -c, "cat /data/file /conf/name"]}}}}
    volumeMounts: [*data, {{name: conf, mountPath: /conf}}]
  volumes:
  - {{name: data, emptyDir: {{}}}}
  - {{name: conf, configMap: {{name: settings}}}}
"""


def boathook(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "boathook", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def a_pod(tmp_path: Path) -> Path:
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    return file


def test_the_documented_pod_runs_with_its_hook_on_an_engine(
    home: Home, docker_engine: TestEngine, tmp_path: Path
) -> None:
    write("agnhost", tmp_path / "agnhost.tar")
    docker_engine.docker("load", "-i", str(tmp_path / "agnhost.tar"))

    done = boathook("pod", "run", EXAMPLE, "--on", "docker", "--for", "1s")

    assert done.returncode == 0, done.stderr
    assert "docker  grace 60s" in done.stdout
    assert "preStop" in done.stdout
    assert "exit 0 after 10." in done.stdout
    assert docker_engine.docker("ps", "-aq") == ""


def test_a_pod_with_all_that_pods_have_runs_on_an_engine(home: Home, docker_engine: TestEngine, tmp_path: Path) -> None:
    done = boathook("pod", "run", a_pod(tmp_path), "--on", "docker", "--for", "2s")

    assert "begun as 0" in done.stdout, done.stdout + done.stderr
    assert "| seed" in done.stdout
    assert "| demo-settings" in done.stdout
    assert "exited 3" in done.stdout
    assert "PreStop hook executed successfully" in done.stdout
    assert docker_engine.docker("ps", "-aq") == ""


def test_what_a_killed_command_left_in_an_engine_is_settled_and_removed(
    home: Home, docker_engine: TestEngine, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "boathook", "pod", "run", str(a_pod(tmp_path)), "--on", "docker"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.split()[-2:] == ["demo", "Running"]:
                break
        running.send_signal(signal.SIGKILL)
    assert docker_engine.docker("ps", "-q") != ""

    done = boathook("recover", "--on", "docker")

    assert f"removed container 'web', which process {running.pid} left behind in the engine" in done.stdout, done.stderr
    assert docker_engine.docker("ps", "-aq") == ""
    assert boathook("recover", "--on", "docker").stdout == "nothing owed, nothing left\n"


def test_an_engine_that_is_not_there_is_told_with_the_remedy(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")

    done = boathook("pod", "run", EXAMPLE, "--on", "docker")

    assert f"error: the engine at unix://{tmp_path}/none (DOCKER_HOST) cannot be reached: " in done.stderr
    assert "hint: start it" in done.stderr
    assert done.returncode not in (0, 70)


@pytest.mark.parametrize(
    ("option", "why"),
    [
        (("--detach",), "--on docker is not supported for what runs in the background"),
        (("--image-map", "a=host"), "--image-map is not supported with --on docker"),
        (("--isolation", "process"), "--isolation process contradicts --on docker"),
    ],
)
def test_what_an_engine_is_not_used_for_is_refused_by_name(
    home: Home, docker_engine: TestEngine, tmp_path: Path, option: tuple[str, ...], why: str
) -> None:
    done = boathook("pod", "run", a_pod(tmp_path), "--on", "docker", *option)

    assert f"error: {why}" in done.stderr
    assert done.returncode == 2


@pytest.mark.behaviour("deps:2")
def test_an_engine_needs_no_client_library(home: Home, docker_engine: TestEngine) -> None:
    script = (
        "import sys; sys.modules['aiodocker'] = sys.modules['aiohttp'] = None; "
        "sys.argv = ['boathook', 'recover', '--on', 'docker']; from boathook.cli.entry import run; run()"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing owed, nothing left\n", "")
