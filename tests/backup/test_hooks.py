"""Which hook of a pod runs at which point."""

from __future__ import annotations

from datetime import timedelta

import pytest

from boathook.backup.hooks import hooks_for
from boathook.backup.model import BackupPod, OnError
from boathook.backup.parse import backup_pod
from boathook.model import Exec, HookPoint, OnFailure
from tests.backup.build import PLAIN, POST, PRE, a_pod


def commands(annotations: dict[str, str], point: HookPoint) -> list[tuple[str, ...]]:
    found = hooks_for(backup_pod(a_pod(annotations=annotations)), point)
    return [hook.hook.handler.command for hook in found if isinstance(hook.hook.handler, Exec)]


@pytest.mark.behaviour("backup:5", "backup:6")
def test_each_point_has_the_hook_of_its_own_annotations() -> None:
    annotations = {f"{PRE}/command": "quiet", f"{POST}/command": "loud"}

    assert commands(annotations, HookPoint.PRE_BACKUP) == [("quiet",)]
    assert commands(annotations, HookPoint.POST_BACKUP) == [("loud",)]


@pytest.mark.behaviour("backup:4", "backup:96")
def test_an_unprefixed_hook_runs_before_and_never_after() -> None:
    assert commands({f"{PLAIN}/command": "/bin/ls"}, HookPoint.PRE_BACKUP) == [("/bin/ls",)]
    assert commands({f"{PLAIN}/command": "/bin/ls"}, HookPoint.POST_BACKUP) == []


@pytest.mark.behaviour("backup:2")
def test_a_pod_without_annotations_has_no_hooks() -> None:
    assert commands({}, HookPoint.PRE_BACKUP) == []


def two_containers(annotations: dict[str, str]) -> BackupPod:
    containers = [{"name": name, "image": "busybox"} for name in ("foo", "bar")]
    return backup_pod(a_pod(annotations=annotations, containers=containers))


@pytest.mark.behaviour("backup:80")
def test_what_is_not_said_is_the_first_container_fail_and_30_seconds() -> None:
    (hook,) = hooks_for(two_containers({f"{PRE}/command": "x"}), HookPoint.PRE_BACKUP)

    assert (hook.container, hook.on_error, hook.hook.timeout) == ("foo", OnError.FAIL, timedelta(seconds=30))


@pytest.mark.behaviour("backup:14", "backup:81")
def test_what_is_said_is_taken_as_it_is() -> None:
    said = {
        f"{PRE}/command": '["x", "y"]',
        f"{PRE}/container": "bar",
        f"{PRE}/on-error": "Continue",
        f"{PRE}/timeout": "10s",
    }

    (hook,) = hooks_for(two_containers(said), HookPoint.PRE_BACKUP)

    assert (hook.container, hook.on_error, hook.hook.timeout) == ("bar", OnError.CONTINUE, timedelta(seconds=10))
    assert hook.hook.on_failure is OnFailure.CONTINUE
