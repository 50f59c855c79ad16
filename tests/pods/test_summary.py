"""The closing line of a pod's run."""

from __future__ import annotations

from boathook.model import HookPoint
from boathook.pods.summary import closing_line
from tests.pods.build import Life, a_container, a_pod, live, takes


def line_of(life: Life, *, asked: bool = True) -> str:
    worker = life.worker
    return closing_line(worker.pod, worker.results, worker.phase, asked_to_stop=asked)


def test_a_hook_that_succeeded() -> None:
    assert line_of(live(a_pod(a_container(pre_stop="bye")))) == "PreStop hook executed successfully"


def test_a_hook_that_failed() -> None:
    life = live(a_pod(a_container(pre_stop="no")), takes(0, exit_code=3))

    assert line_of(life) == "PreStop hook failed with exit code 3"


def test_a_hook_that_was_cut_off() -> None:
    life = live(a_pod(a_container(pre_stop="long"), grace=5), takes(60))

    assert line_of(life) == "PreStop hook was cut off at the end of the grace period"


def test_hooks_of_several_containers_are_told_by_name() -> None:
    life = live(a_pod(a_container("c1", pre_stop="bye"), a_container("c2", pre_stop="bye")), takes(9, name="c2"))

    assert line_of(life) == "PreStop hook executed successfully in c1, PreStop hook executed successfully in c2"


def test_a_failed_post_start_hook_is_told_and_a_successful_one_is_not() -> None:
    pod = a_pod(a_container("c1", post_start="no"), a_container("c2", post_start="yes"), restartPolicy="Never")

    life = live(pod, takes(0, HookPoint.POST_START, "c1", exit_code=2))

    assert "PostStart hook failed with exit code 2 in c1" in line_of(life)
    assert "c2" not in line_of(life)


def test_a_pod_without_hooks_that_ended_by_itself_tells_its_phase() -> None:
    assert line_of(live(a_pod(a_container(), restartPolicy="Never")), asked=False) == "Pod phase: Succeeded"
