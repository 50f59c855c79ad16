"""``boathook hook``: hooks of a file are listed, and one is run alone against what already runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from boathook.cli.hook import find_hook, hooks_of
from boathook.cli.main import main
from boathook.errors import NotFound, UsageError
from boathook.home import Home
from boathook.pods import parse_pods
from tests.cli.test_pod import boathook, started_until, supervised, the_rest

__all__ = ["supervised"]

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: demo}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: busybox
    command: [sleep, "1000"]
    workingDir: /tmp
    env: [{name: GREETING, value: hello}]
    securityContext: {runAsUser: 0}
    lifecycle:
      postStart: {exec: {command: ["true"]}}
      preStop: {exec: {command: [sh, -c, "HOOK"]}}
"""

SECOND = """\
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec:
  containers:
  - name: app
    image: busybox
    lifecycle:
      preStop: {sleep: {seconds: 5}}
"""


def a_file(tmp_path: Path, hook: str = "echo $GREETING from $(pwd)", *, more: str = "") -> Path:
    file = tmp_path / "pod.yaml"
    file.write_text(POD.replace("HOOK", hook) + more)
    return file


def called(*args: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, args)])


def test_the_hooks_of_a_file_are_listed_with_what_they_do_and_where_they_stand(tmp_path: Path) -> None:
    file = a_file(tmp_path)

    listed = called("hook", "list", file)

    assert listed.output == (
        "HOOK            HANDLER                                   WHERE\n"
        f"app.postStart   exec true                                 {file}:14:18\n"
        f"app.preStop     exec sh -c 'echo $GREETING from $(pwd)'   {file}:15:16\n"
    )


def test_with_several_pods_a_hook_is_named_with_its_pod(tmp_path: Path) -> None:
    listed = called("hook", "list", a_file(tmp_path, more=SECOND), "-o", "json")

    assert [(one["hook"], one["handler"]) for one in json.loads(listed.output)][1:] == [
        ("demo/app.preStop", "exec sh -c 'echo $GREETING from $(pwd)'"),
        ("other/app.preStop", "sleep 5s"),
    ]


def test_a_name_that_several_hooks_have_needs_its_pod(tmp_path: Path) -> None:
    file = a_file(tmp_path, more=SECOND)
    hooks = hooks_of(parse_pods(file.read_text(), str(file)))

    with pytest.raises(UsageError) as ambiguous:
        find_hook(hooks, "app.preStop", file)
    with pytest.raises(NotFound) as unknown:
        find_hook(hooks, "app.preStart", file)

    assert ambiguous.value.hint == "choose one of demo/app.preStop, other/app.preStop"
    assert unknown.value.hint == "it has: demo/app.postStart, demo/app.preStop, other/app.preStop"
    assert find_hook(hooks, "other/app.preStop", file).pod.name == "other"
    assert find_hook(hooks, "app.postStart", file).pod.name == "demo"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("backup.yaml", "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\n", "is a Backup"),
        ("chart/Chart.yaml", "name: x\n", "is a chart"),
    ],
)
def test_files_of_other_dialects_are_refused_by_name(tmp_path: Path, name: str, content: str, expected: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)

    refused = called("hook", "list", file.parent if "/" in name else file)

    assert refused.exit_code == 2
    assert f"{expected}: its hooks cannot be run or listed alone" in refused.output


def test_a_pod_that_does_not_run_is_a_clear_error(tmp_path: Path, home: Home) -> None:
    file = a_file(tmp_path)

    ended = boathook("hook", "run", file, "app.preStop")

    assert ended.returncode == 1
    assert ended.stderr == (
        f'error: pod "demo" does not run in namespace "default"\nhint: start it with boathook pod run -d {file}\n'
    )


@pytest.mark.runtime
def test_a_hook_runs_in_the_container_of_a_detached_pod_and_is_recorded(tmp_path: Path, supervised: Home) -> None:
    file = a_file(tmp_path)
    assert boathook("pod", "run", "-d", file).returncode == 0

    ended = boathook("hook", "run", file, "app.preStop")
    changed = boathook("hook", "run", a_file(tmp_path, "exit 3"), "demo/app.preStop")
    listed = boathook("history", "-o", "json")
    described = boathook("pod", "describe", "demo")
    boathook("pod", "delete", "demo", "--force")

    assert ended.returncode == 0, ended.stderr
    assert "| hello from /tmp" in ended.stdout
    assert changed.returncode == 1
    assert "note: demo/app.preStop is run as the file has it; the running pod was started with another one" in (
        changed.stderr
    )
    assert "app.preStop failed: exited with code 3" in changed.stdout
    runs = {one["command"]: one["result"] for one in json.loads(listed.stdout)}
    assert runs[f"hook run {file} app.preStop"] == "succeeded"
    assert runs[f"hook run {file} demo/app.preStop"] == "failed"
    assert "Outcome:    failed: exited with code 3" in described.stdout
    assert "hello from /tmp" in described.stdout


@pytest.mark.runtime
def test_a_hook_runs_against_a_pod_of_another_command_and_leaves_it_alone(tmp_path: Path, home: Home) -> None:
    file = a_file(tmp_path)
    process = started_until("Running", "pod", "run", file)

    ended = boathook("hook", "run", file, "app.preStop")
    limited = boathook("hook", "run", a_file(tmp_path, "sleep 30"), "app.preStop", "--timeout", "200ms")
    there = boathook("pod", "ps")
    boathook("pod", "delete", "demo", "--now")
    the_rest(process)

    assert ended.returncode == 0, ended.stderr
    assert limited.returncode == 1
    assert "timed out after 200ms" in limited.stdout
    assert "demo   1/1     Running" in there.stdout
