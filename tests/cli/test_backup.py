"""``boathook backup`` as its user runs it, on the embedded runtime."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from boathook.home import Home
from boathook.supervisor.client import supervisor_pid

SECONDS = 60

EXAMPLE = Path(__file__).parents[2] / "examples" / "backup" / "fsfreeze" / "pod-stand-in.yaml"

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: db
  annotations:
    pre.hook.backup.velero.io/command: '["/bin/sh", "-c", "{pre}"]'
    post.hook.backup.velero.io/command: '["/bin/sh", "-c", "echo thawed >> /data/said"]'
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: busybox
    command: [sleep, "1000000"]
    volumeMounts:
    - {{name: data, mountPath: /data}}
  volumes:
  - name: data
    emptyDir: {{}}
"""


@pytest.fixture
def supervised(home: Home) -> Iterator[Home]:
    """A state directory whose supervisor, with its pods, is ended afterwards."""
    yield home
    if (pid := supervisor_pid(home)) is not None:
        os.kill(pid, signal.SIGTERM)


def boathook(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "boathook", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


def running(tmp_path: Path, pre: str) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(POD.format(pre=pre))
    started = boathook("pod", "run", "-d", file)
    assert started.returncode == 0, started.stderr


@pytest.mark.runtime
@pytest.mark.behaviour("backup:121", "backup:122", "backup:123")
def test_the_example_for_ordinary_users_is_backed_up_between_its_hooks(supervised: Home) -> None:
    assert boathook("pod", "run", "-d", EXAMPLE).returncode == 0

    created = boathook("backup", "create", "nightly")

    assert created.returncode == 0, created.stderr
    assert "Backup completed with status: Completed" in created.stdout
    described = boathook("backup", "describe", "nightly", "--details").stdout
    assert "Phase:         Completed\n" in described
    assert "Hooks:         <none>\n" in described
    assert "  v1/Pod:\n    - default/nginx\n" in described
    assert described.endswith("HooksAttempted: 2\nHooksFailed:   0\n")
    logged = [line for line in boathook("backup", "logs", "nightly").stdout.splitlines() if "hookCommand" in line]
    assert [line for line in logged if "running exec hook" in line and "hookPhase=pre" in line]
    assert [line for line in logged if 'msg="stdout: quiet\\n"' in line]
    assert boathook("backup", "get").stdout.splitlines()[1].split()[:4] == ["nightly", "Completed", "0", "0"]
    with tarfile.open(supervised.backups / "nightly/volumes/default/nginx/data.tar.gz") as volume:
        assert {"records", "quiet"} <= {name.removeprefix("./") for name in volume.getnames()}


@pytest.mark.runtime
@pytest.mark.behaviour("backup:118", "backup:123")
def test_a_failed_hook_ends_the_command_with_3_and_a_taken_name_with_2(tmp_path: Path, supervised: Home) -> None:
    running(tmp_path, "echo no space >&2; exit 7")

    created = boathook("backup", "create", "nightly")
    kept = (supervised.backups / "nightly" / "nightly.tar.gz").read_bytes()
    again = boathook("backup", "create", "nightly")

    assert created.returncode == 3
    described = boathook("backup", "describe", "nightly").stdout
    assert "PartiallyFailed (run `boathook backup logs nightly` for more information)" in described
    assert "    default:\n" in described
    assert "error: /command terminated with exit code 7" in described
    assert 'msg="stderr: no space\\n"' in boathook("backup", "logs", "nightly").stdout
    assert again.returncode == 2
    assert "An error occurred: backup already exists in object storage" in again.stderr
    assert (supervised.backups / "nightly" / "nightly.tar.gz").read_bytes() == kept


@pytest.mark.runtime
@pytest.mark.behaviour("backup:123")
def test_an_interrupt_lets_the_hook_end_runs_the_post_hook_and_ends_with_130(tmp_path: Path, supervised: Home) -> None:
    running(tmp_path, "sleep 1.5; echo quiet >> /data/said")
    command = [sys.executable, "-m", "boathook", "backup", "create", "nightly"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    assert any(" pre hook " in line for line in process.stdout)

    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=SECONDS)

    assert process.returncode == 130
    assert "status: Failed" in told
    said = boathook("backup", "logs", "nightly").stdout
    assert said.count("running exec hook") == 2
    assert "Failure reason: interrupted" in boathook("backup", "describe", "nightly").stdout
    assert boathook("recover").stdout == "nothing owed, nothing left\n"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("create",), 1, "a backup name is required"),
        (("create", "Nightly!"), 1, 'invalid backup name "Nightly!"'),
        (("create", "n", "-l", "a in ()"), 1, "invalid selector"),
        (("create", "n", "--include-resources", "pods"), 1, "--include-resources is not part of this version"),
        (("create", "n", "--snapshot-volumes"), 1, "--snapshot-volumes is not part of this version"),
        (("delete", "n"), 1, '"backup delete" is not part of this version'),
        (("describe", "n"), 1, 'backup "n" does not exist'),
        (("logs", "n"), 1, 'backup "n" does not exist'),
    ],
)
@pytest.mark.behaviour("backup:123")
def test_what_cannot_be_done_is_told_and_ends_with_the_client_s_code(
    home: Home, arguments: tuple[str, ...], code: int, told: str
) -> None:
    ended = boathook("backup", *arguments)

    assert (ended.returncode, told in ended.stderr) == (code, True), ended.stderr


@pytest.mark.behaviour("backup:123")
def test_a_document_that_does_not_hold_is_a_failed_validation_and_nothing_is_written(
    tmp_path: Path, home: Home
) -> None:
    file = tmp_path / "backup.yaml"
    file.write_text("apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: n}\nspec:\n  hooks: {resources: []}\n")

    ended = boathook("backup", "create", "-f", file)

    assert ended.returncode == 2
    assert f"{file}:5:3: spec.hooks: hooks in the Backup spec are not part of this version yet" in ended.stderr
    assert not home.backups.exists()
