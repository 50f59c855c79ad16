"""Boathook from Python: a few lines run a pod, a project, a chart and a backup, and nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

import boathook
from boathook.compose import UpOptions
from boathook.events import Noted
from boathook.home import Home
from boathook.runtimes.base import ExecSpec

EXAMPLES = Path(__file__).parent.parent / "examples"

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: p
  annotations:
    pre.hook.backup.velero.io/command: '["sh", "-c", "echo quiet"]'
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: app
    image: busybox
    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
    volumeMounts: [{name: data, mountPath: /data}]
    lifecycle: {preStop: {exec: {command: [sh, -c, "echo from the hook"]}}}
  volumes: [{name: data, emptyDir: {}}]
"""


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    path = tmp_path / "pod.yaml"
    path.write_text(POD)
    return path


@pytest.mark.anyio
@pytest.mark.runtime
async def test_a_pod_runs_and_its_hook_is_a_result(pod: Path, home: Home) -> None:
    async with boathook.local() as place:
        life = await place.run_pod(pod, stop_after=0)

    (result,) = life.results
    assert result.stdout is not None
    assert (result.outcome, result.stdout.text) == (boathook.Outcome.SUCCEEDED, "from the hook\n")
    assert list(home.containers.iterdir()) == []


@pytest.mark.anyio
@pytest.mark.runtime
async def test_a_listener_hears_the_events_as_they_happen(pod: Path, home: Home) -> None:
    heard: list[boathook.Stamped] = []

    async with boathook.local(listener=heard.append) as place:
        await place.run_pod(pod, stop_after=0)

    assert "preStop" in boathook.render_timeline(heard)


@pytest.mark.anyio
@pytest.mark.runtime
async def test_a_chart_is_installed_and_taken_away(home: Home) -> None:
    async with boathook.local() as place:
        installed = await place.install("demo", EXAMPLES / "helm/post-install-job", values=["sleepyTime=0"])
        await place.uninstall("demo")

    assert [result.outcome for result in installed.results] == [boathook.Outcome.SUCCEEDED]


@pytest.mark.anyio
@pytest.mark.runtime
async def test_a_bad_file_is_refused_with_its_position(tmp_path: Path, home: Home) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(POD.replace("exec:", "exce:"))

    async with boathook.local() as place:
        with pytest.raises(boathook.ManifestError) as refused:
            await place.run_pod(path)

    assert {problem.source.line for problem in refused.value.problems} == {14}


def test_a_plan_needs_no_place(pod: Path) -> None:
    text = boathook.render_timeline(boathook.plan(pod, assume=["pre:app=2s"]))

    assert "pre hook" in text
    assert "2.000" in text


def test_the_promised_names_are_sorted_and_there() -> None:
    assert boathook.__all__ == sorted(boathook.__all__)
    assert all(getattr(boathook, name) is not None for name in boathook.__all__)


@pytest.mark.anyio
@pytest.mark.runtime
async def test_a_project_comes_up_with_its_hooks_and_remembers_those_that_failed(tmp_path: Path, home: Home) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        """
name: demo
services:
  app:
    image: busybox
    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
    post_start: [{command: sh -c 'test -e /tmp/ready || exit 3'}, {command: touch /tmp/done}]
    pre_stop: [{command: sh -c 'test -e /tmp/done'}]
"""
    )
    heard: list[boathook.Stamped] = []

    async with boathook.local(listener=heard.append) as place:
        project = place.project(file)
        with pytest.raises(boathook.OperationFailed, match="app hook exited with status 3"):
            await project.up()
        await project.up()
        (app,) = await project.members()
        await project.place.exec(app.id, ExecSpec(command=("touch", "/tmp/ready")), lambda stream, chunk: None)
        await project.up(UpOptions(rerun_hooks=True))
        await project.up()
        assert await project.down()

    notes = [one.event.finding.message for one in heard if isinstance(one.event, Noted)]
    assert notes == ["post_start[0], post_start[1] of demo-app-1 did not end well when it was started"]
    assert list(home.containers.iterdir()) == []
