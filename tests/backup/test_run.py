"""Backups of simulated pods: in which order what runs, and what a failure leads to."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from boathook.backup.model import EXCLUDE_LABEL, Phase
from boathook.backup.selector import parse_selector
from boathook.cluster.base import Cluster, ObjectKey, VolumeCopy
from boathook.errors import JournalError, OperationFailed
from boathook.journal import ObligationState
from boathook.model import HookPoint, JsonObject
from boathook.runtimes.assumptions import Assumption
from boathook.runtimes.base import ExecSpec, Execution, OutputSink
from tests.backup.build import Made, a_claim, a_pod, a_spec, copying, hooks, make, takes

PRE, POST = HookPoint.PRE_BACKUP, HookPoint.POST_BACKUP


def hook_order(made: Made) -> list[str]:
    return re.findall(r"(pre|post) hook (\w+)$", made.steps, re.M) and [
        f"{phase} {name}" for phase, name in re.findall(r"(pre|post) hook (\w+)$", made.steps, re.M)
    ]


@pytest.mark.behaviour("backup:85", "backup:109")
def test_the_volume_is_copied_between_the_pre_and_the_post_hook() -> None:
    made = make(a_pod(annotations=hooks()), assume=[takes(PRE, "db", 2), copying("db-data", 1)])

    assert made.steps.splitlines() == [
        "0s pre hook db",
        "2s pre hook db succeeded",
        "2s copying db-data",
        "3s copied db-data",
        "3s post hook db",
        "3s post hook db succeeded",
    ]
    assert made.backup.phase is Phase.COMPLETED
    assert made.owed == ()


@pytest.mark.behaviour("backup:84")
def test_pods_of_all_namespaces_are_taken_each_with_two_files() -> None:
    made = make(a_pod("a", namespace="one", annotations=hooks()), a_pod("b", namespace="two", annotations=hooks()))

    assert hook_order(made) == ["pre a", "post a", "pre b", "post b"]
    assert len(made.paths) == 4


@pytest.mark.behaviour("backup:1")
def test_what_is_no_pod_has_no_hooks_whatever_its_annotations_say() -> None:
    config: JsonObject = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "default", "annotations": {**hooks()}},
    }

    made = make(config)

    assert made.steps == ""
    assert made.backup.phase is Phase.COMPLETED
    assert len(made.paths) == 2


@pytest.mark.behaviour("backup:128")
def test_no_two_hooks_overlap_even_in_one_block() -> None:
    made = make(
        a_claim(),
        a_pod("a", claim="shared", annotations=hooks()),
        a_pod("b", claim="shared", annotations=hooks()),
        assume=[takes(point, name, 2) for name in ("a", "b") for point in (PRE, POST)],
    )

    told = [line.split()[:4] for line in made.steps.splitlines() if "hook" in line]
    assert [(at, f"{phase} {name}") for at, phase, _, name in told] == [
        ("0s", "pre a"), ("2s", "pre a"), ("2s", "pre b"), ("4s", "pre b"),
        ("4s", "post a"), ("6s", "post a"), ("6s", "post b"), ("8s", "post b"),
    ]  # fmt: skip


@pytest.mark.behaviour("backup:86")
def test_pods_that_share_nothing_are_done_one_after_the_other() -> None:
    made = make(a_pod("a", annotations=hooks()), a_pod("b", annotations=hooks()))

    assert hook_order(made) == ["pre a", "post a", "pre b", "post b"]


@pytest.mark.behaviour("backup:108")
def test_pods_that_share_a_claim_are_quiet_together_and_its_data_is_stored_once() -> None:
    made = make(
        a_claim(), a_pod("a", claim="shared", annotations=hooks()), a_pod("b", claim="shared", annotations=hooks())
    )

    assert hook_order(made) == ["pre a", "pre b", "post a", "post b"]
    assert made.steps.count("copied") == 1


@pytest.mark.behaviour("backup:87", "backup:102")
def test_a_pod_whose_pre_hook_fails_is_left_out_and_its_post_hook_runs_all_the_same() -> None:
    made = make(a_pod("a", annotations=hooks()), a_pod("b", annotations=hooks()), assume=[takes(PRE, "a", exit_code=3)])

    assert hook_order(made) == ["pre a", "post a", "pre b", "post b"]
    assert {path.rpartition("/")[2] for path in made.paths} == {"b.json"}
    assert (made.backup.phase, made.backup.errors) == (Phase.PARTIALLY_FAILED, 2)
    assert (made.backup.hooks_attempted, made.backup.hooks_failed) == (4, 1)


@pytest.mark.behaviour("backup:105")
def test_exit_code_and_output_of_a_failed_hook_are_in_the_log() -> None:
    made = make(a_pod(annotations=hooks()), assume=[takes(PRE, "db", exit_code=3, output="no space")])

    assert 'msg="stdout: no space"' in made.log
    assert 'error="command terminated with exit code 3"' in made.log


@pytest.mark.behaviour("backup:106")
def test_a_pre_hook_that_may_fail_leaves_its_pod_in_the_backup() -> None:
    made = make(a_pod(annotations=hooks(pre_on_error="Continue")), assume=[takes(PRE, "db", exit_code=1)])

    assert hook_order(made) == ["pre db", "post db"]
    assert len(made.paths) == 2
    assert (made.backup.phase, made.backup.errors, made.backup.hooks_failed) == (Phase.PARTIALLY_FAILED, 1, 1)


@pytest.mark.behaviour("backup:107")
def test_a_post_hook_that_fails_leaves_its_pod_in_the_backup_and_stays_owed() -> None:
    made = make(a_pod(annotations=hooks()), assume=[takes(POST, "db", exit_code=1)])

    assert len(made.paths) == 2
    assert (made.backup.phase, made.backup.errors) == (Phase.PARTIALLY_FAILED, 2)
    assert [one.state for one in made.owed] == [ObligationState.FAILED]


class Broken:
    """A cluster of which one ability is broken."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ran: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)


class FullDisk(Broken):
    """Its volumes cannot be copied."""

    async def archive_volume(self, pod: ObjectKey, volume: str, destination: Path) -> VolumeCopy:
        raise OperationFailed(f"cannot copy {volume}: no space left on device")


@pytest.mark.behaviour("backup:110")
def test_post_hooks_run_after_a_copy_that_failed() -> None:
    made = make(a_pod(annotations=hooks()), through=lambda cluster: cast("Cluster", FullDisk(cluster)))

    assert hook_order(made) == ["pre db", "post db"]
    assert (made.backup.phase, made.backup.errors) == (Phase.PARTIALLY_FAILED, 1)
    assert 'error="cannot copy db-data: no space left on device"' in made.log
    assert len(made.paths) == 2
    assert made.owed == ()


class BrokenJournal(Broken):
    """The second program in the container ``a`` fails around its hook, not in it."""

    async def exec(self, pod: ObjectKey, container: str, spec: ExecSpec, output: OutputSink) -> Execution:
        if container == "a" and container in self._ran:
            raise JournalError("the journal is damaged")
        self._ran.add(container)
        return await self._cluster.exec(pod, container, spec, output)


def test_what_breaks_around_one_pod_s_post_hook_keeps_no_other_pod_s_from_running() -> None:
    pods = (a_pod(name, claim="shared", annotations=hooks()) for name in ("a", "b"))

    made = make(a_claim(), *pods, through=lambda cluster: cast("Cluster", BrokenJournal(cluster)))

    assert hook_order(made) == ["pre a", "pre b", "post a", "post b"]
    assert "post hook b succeeded" in made.steps
    assert "the journal is damaged" in made.log
    assert [(one.state, one.reason) for one in made.owed] == [(ObligationState.FAILED, "its post hook was not run")]


@pytest.mark.behaviour("backup:104")
def test_a_hook_that_takes_too_long_is_ended_and_the_backup_goes_on_at_once() -> None:
    made = make(a_pod(annotations=hooks(pre_timeout="2s")), assume=[takes(PRE, "db", 60)])

    assert "2s pre hook db timed_out" in made.steps
    assert 'error="timed out after 2s"' in made.log
    assert "2s post hook db succeeded" in made.steps


@pytest.mark.behaviour("backup:8", "backup:79", "backup:82", "backup:100")
@pytest.mark.parametrize(
    ("fields", "error"),
    [({"pre_container": "nope"}, r"no such container: \"nope\""), ({"pre": "[]"}, "command is required")],
)
def test_a_hook_that_cannot_be_started_says_why(fields: dict[str, str], error: str) -> None:
    made = make(a_pod(annotations=hooks(**fields)))

    assert f'error="{error}"'.replace(r"\"", '\\"') in made.log
    assert made.backup.hooks_failed == 1


@pytest.mark.behaviour("backup:83", "backup:111")
def test_hooks_of_a_pod_that_has_ended_are_counted_and_not_run() -> None:
    pod = a_pod(annotations=hooks(), restartPolicy="Never", volumes=[])
    pod["spec"]["containers"][0].pop("volumeMounts")  # type: ignore[index,call-overload,union-attr,arg-type]

    def ended(cluster: Any) -> Any:
        key = ObjectKey(kind="Pod", namespace="default", name="db")
        return cluster.wait_until(key, lambda obj: obj["status"].get("phase") == "Succeeded" or None)

    made = make(pod, assume=[Assumption(point="run", name="db", duration=timedelta(seconds=1))], wait=ended)

    assert hook_order(made) == []
    assert "Pod entered phase Succeeded before some post-backup exec hooks ran" in made.log
    assert (made.backup.phase, made.backup.hooks_attempted, made.backup.hooks_failed) == (Phase.COMPLETED, 2, 0)


@pytest.mark.behaviour("backup:112")
def test_pods_that_are_not_selected_have_no_hooks() -> None:
    excluded = a_pod("a", labels={EXCLUDE_LABEL: "true", "app": "db"}, annotations=hooks())
    elsewhere = a_pod("b", namespace="other", labels={"app": "db"}, annotations=hooks())
    unlabelled = a_pod("c", annotations=hooks())
    spec = a_spec(excluded_namespaces=("oth*",), selector=parse_selector("app=db"))

    made = make(excluded, elsewhere, unlabelled, spec=spec)

    assert (hook_order(made), made.paths, made.backup.hooks_attempted) == ([], [], 0)


@pytest.mark.behaviour("backup:113")
def test_without_hooks_and_errors_a_backup_is_completed() -> None:
    made = make(a_pod())

    assert (made.backup.phase, made.backup.hooks_attempted, made.backup.hooks_failed) == (Phase.COMPLETED, 0, 0)


def test_an_interrupt_while_copying_runs_the_post_hook_and_fails_the_backup() -> None:
    made = make(
        a_pod("a", annotations=hooks()),
        a_pod("b", annotations=hooks()),
        assume=[copying("a-data", 100)],
        interrupt_after=5,
    )

    assert hook_order(made) == ["pre a", "post a"]
    assert (made.backup.phase, made.backup.failure_reason) == (Phase.FAILED, "interrupted")
    assert made.owed == ()


def test_an_interrupt_lets_the_hook_that_runs_end() -> None:
    made = make(a_pod(annotations=hooks()), assume=[takes(PRE, "db", 20)], interrupt_after=5)

    assert "20s pre hook db succeeded" in made.steps
    assert hook_order(made) == ["pre db", "post db"]
    assert made.backup.phase is Phase.FAILED
