"""Pods that tests run for real: started, looked into, stopped, and ended with the block whatever happens in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from boathook.errors import ManifestError, UsageError
from boathook.home import Home
from boathook.model import Outcome
from boathook.settings import Settings
from boathook.testing import EmbeddedPlaces, NotHappened, PodRecord, RunPod
from boathook.testing.embedded import open_places
from tests.testing.build import POD, TWO_CONTAINERS, a_file

pytestmark = pytest.mark.runtime
SETTINGS = Settings(on="local", network="pod", image_map={}, offline=True)


@pytest.fixture
def places(home: Home) -> Iterator[EmbeddedPlaces]:
    with open_places(SETTINGS) as found:
        yield found


@pytest.fixture
def run_pod(places: EmbeddedPlaces, tmp_path: Path) -> Iterator[RunPod]:
    with places.open(tmp_path) as running:
        yield running


def test_a_pod_is_stopped_with_its_hook_and_everything_is_known_of_it(run_pod: RunPod, tmp_path: Path) -> None:
    a_file(tmp_path)

    pod = run_pod("pod.yaml").stop()

    hook = pod.hook("app.preStop")
    assert (hook.outcome, hook.exit_code, hook.stdout, hook.stderr) == (Outcome.SUCCEEDED, 0, "from the hook\n", "")
    assert hook.duration is not None
    assert 0 < hook.duration < 5
    assert hook.started == pod.at("app.preStop started")
    pod.assert_order("app started", "app.postStart ended", "app.preStop ended", "app SIGTERM", "app exited")
    assert (pod.exit_codes, pod.phase) == ({"app": 0}, "Succeeded")


def test_both_outputs_of_a_hook_are_told_apart(run_pod: RunPod, tmp_path: Path) -> None:
    hook = run_pod(a_file(tmp_path)).hook("postStart")

    assert (hook.stdout, hook.stderr) == ("out\n", "err\n")


def test_logs_are_there_while_it_runs_and_when_it_is_gone(run_pod: RunPod, tmp_path: Path) -> None:
    pod = run_pod(a_file(tmp_path, POD.replace("echo out", "while ! grep -q TERM /proc/1/cmdline; do :; done")))

    pod.stop()

    assert pod.logs("app") == "hello\nbye\n"
    assert pod.logs() == pod.logs("app")
    assert pod.logs("app", previous=True) == ""


def test_a_program_can_be_run_in_a_container(run_pod: RunPod, tmp_path: Path) -> None:
    pod = run_pod(a_file(tmp_path))

    ran = pod.exec("sh", "-c", "echo $0; echo bad >&2; exit 3", "name")

    assert (ran.exit_code, ran.stdout, ran.stderr) == (3, "name\n", "bad\n")


def test_a_container_must_be_named_where_there_are_several(run_pod: RunPod, tmp_path: Path) -> None:
    pod = run_pod(a_file(tmp_path, TWO_CONTAINERS))

    with pytest.raises(UsageError, match='pod "two": say which container is meant: a, b'):
        pod.exec("true")
    with pytest.raises(UsageError, match='it has no container "c"'):
        pod.logs("c")


def test_a_shorter_grace_period_cuts_the_hook_off(run_pod: RunPod, tmp_path: Path) -> None:
    pod = run_pod(a_file(tmp_path, POD.replace("echo from the hook", "sleep 30")))

    pod.stop(grace=1)

    assert pod.hook("preStop").outcome is Outcome.TIMED_OUT
    assert 1 <= pod.at("app SIGTERM") - pod.at("stop requested") < 2.5


def test_a_stop_can_be_watched(run_pod: RunPod, tmp_path: Path) -> None:
    pod = run_pod(a_file(tmp_path, POD.replace("echo from the hook", "while [ ! -e /tmp/go ]; do sleep 0.05; done")))

    pod.stop(wait=False)
    began = pod.wait_for("app.preStop started")
    hook = pod.hook("preStop")
    pod.exec("touch", "/tmp/go")
    pod.wait()

    assert (hook.outcome, hook.ended, hook.started) == (None, None, began)
    assert pod.hook("preStop").succeeded


def test_a_pod_that_ends_by_itself_can_be_waited_for(run_pod: RunPod, tmp_path: Path) -> None:
    once = POD.replace("while :; do sleep 0.1; done", "sleep 0.3; exit 7").replace(
        "spec:", "spec:\n  restartPolicy: Never"
    )

    pod = run_pod(a_file(tmp_path, once)).wait()

    assert (pod.exit_codes, pod.phase, pod.ran("preStop")) == ({"app": 7}, "Failed", False)
    with pytest.raises(NotHappened, match="has not run"):
        pod.hook("preStop")


def test_two_pods_run_side_by_side_and_are_not_mixed_up(run_pod: RunPod, tmp_path: Path) -> None:
    both = a_file(tmp_path, f"{POD}---\n{POD.replace('name: web', 'name: other')}")

    web, other = run_pod(both, name="web"), run_pod(both, name="other")
    web.stop()

    assert web.ran("preStop")
    assert not other.ran("preStop")


def test_the_same_pod_run_again_is_another_one(run_pod: RunPod, tmp_path: Path) -> None:
    first = run_pod(a_file(tmp_path)).stop()
    second = run_pod(a_file(tmp_path))

    assert (first.phase, len(first.hooks)) == ("Succeeded", 2)
    assert (second.phase, len(second.hooks), second.at("app created") < 5) == ("Running", 1, True)
    assert (first.logs(), second.ran("preStop")) == ("hello\nbye\n", False)


def test_what_still_runs_is_ended_with_the_block_also_when_the_test_fails(
    places: EmbeddedPlaces, tmp_path: Path
) -> None:
    pods: list[PodRecord] = []
    records: list[str] = []

    def fails() -> None:
        with places.open(tmp_path, started=pods.append) as run_pod:
            run_pod(a_file(tmp_path))
            records.extend(str(one) for one in places.home.path.glob("place-*/containers/*/record.json"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()

    assert len(records) == 1
    assert list(places.home.path.glob("place-*")) == []
    assert not pods[0].ran("preStop")


def test_a_pod_that_was_left_running_is_not_in_the_way_of_the_next_test(places: EmbeddedPlaces, tmp_path: Path) -> None:
    for _ in range(2):
        with places.open(tmp_path) as run_pod:
            assert run_pod(a_file(tmp_path)).phase == "Running"


def test_a_session_s_own_home_is_gone_with_it_and_the_images_are_not(home: Home, tmp_path: Path) -> None:
    with open_places(SETTINGS) as places:
        with places.open() as run_pod:
            run_pod(a_file(tmp_path))
        found = places.home.path
        assert places.home.images.resolve() == home.images

    assert found != home.path
    assert not found.exists()
    assert home.images.is_dir()


def test_a_file_that_is_refused_is_told_with_its_position(run_pod: RunPod, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"pod\.yaml:12"):
        run_pod(a_file(tmp_path, POD.replace("preStop: {exec", "preStop: {exce")))


def test_a_pod_that_does_not_start_in_time_fails_the_test(run_pod: RunPod, tmp_path: Path) -> None:
    with pytest.raises(NotHappened, match=r'pod "web" has not started within 0\.5 s: app waits'):
        run_pod(a_file(tmp_path, POD.replace("echo out;", "sleep 30;")), timeout=0.5)
