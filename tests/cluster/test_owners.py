"""What becomes of objects whose owner is dead."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from boathook.clock import SystemClock
from boathook.cluster.owners import FOREGROUND, SUPERVISOR, ObjectOwner, parse_owner, settle_orphans, this_owner
from boathook.cluster.store import ObjectStore
from boathook.model import JsonObject
from boathook.runtimes.processes import ProcessId, process_id
from tests.cluster.build import a_job, a_pod, at, key


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    found = ObjectStore.in_memory(clock=SystemClock(), uids=lambda: "uid")
    yield found
    found.close()


def a_dead_process() -> ProcessId:
    process = subprocess.Popen(["true"])
    found = process_id(process.pid)
    process.wait()
    return found


def dead(kind: str) -> str:
    return str(ObjectOwner(kind=kind, process=a_dead_process()))


def running_pod() -> JsonObject:
    status: JsonObject = {
        "phase": "Running",
        "containerStatuses": [{"name": "app", "ready": True, "started": True, "state": {"running": {}}}],
    }
    return a_pod() | {"status": status}


def test_an_owner_is_read_as_it_was_written() -> None:
    assert str(parse_owner(this_owner(SUPERVISOR))) == this_owner(SUPERVISOR)
    assert parse_owner("") is None


def test_what_the_living_own_is_left_alone(store: ObjectStore) -> None:
    before = store.insert(running_pod(), namespace="default", owner=this_owner(FOREGROUND))

    assert settle_orphans(store) == ()
    assert store.get(key("Pod")) == before


def test_a_dead_commands_pod_is_removed(store: ObjectStore) -> None:
    store.insert(running_pod(), namespace="default", owner=dead(FOREGROUND))

    (sentence,) = settle_orphans(store)

    assert sentence.startswith("removed Pod default/demo, whose owner (process ")
    assert store.list() == ()


def test_a_dead_supervisors_pod_has_failed_and_is_shown_until_it_is_deleted(store: ObjectStore) -> None:
    store.insert(running_pod(), namespace="default", owner=dead(SUPERVISOR))

    (sentence,) = settle_orphans(store)

    pod = store.get(key("Pod"))
    assert sentence.startswith("Pod default/demo ended with its owner (process ")
    assert (at(pod, "status", "phase"), at(pod, "status", "reason")) == ("Failed", "OwnerDied")
    assert at(pod, "status", "containerStatuses", 0, "state", "terminated", "exitCode") == 137
    assert settle_orphans(store) == ()


def test_init_containers_end_with_their_dead_supervisor_too(store: ObjectStore) -> None:
    pod = running_pod()
    status: JsonObject = {
        "phase": "Pending",
        "initContainerStatuses": [
            {"name": "first", "state": {"terminated": {"exitCode": 0}}},
            {"name": "second", "state": {"running": {}}},
        ],
    }
    store.insert(pod | {"status": status}, namespace="default", owner=dead(SUPERVISOR))

    settle_orphans(store)

    found = store.get(key("Pod"))
    assert at(found, "status", "initContainerStatuses", 0, "state", "terminated", "exitCode") == 0
    assert at(found, "status", "initContainerStatuses", 1, "state", "terminated", "reason") == "OwnerDied"


def test_a_pod_that_was_being_deleted_is_gone_with_its_supervisor(store: ObjectStore) -> None:
    pod = running_pod()
    pod["metadata"] = {"name": "demo", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    store.insert(pod, namespace="default", owner=dead(SUPERVISOR))

    settle_orphans(store)

    assert store.list() == ()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"active": 1}, ("Failed", "OwnerDied")),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, ("Complete", None)),
    ],
)
def test_a_job_fails_with_its_supervisor_unless_it_was_over(
    store: ObjectStore, status: JsonObject, expected: tuple[str, str | None]
) -> None:
    store.insert(a_job() | {"status": status}, namespace="default", owner=dead(SUPERVISOR))

    said = settle_orphans(store)

    condition = at(store.get(key("Job")), "status", "conditions", 0)
    assert (condition["type"], condition.get("reason")) == expected
    assert len(said) == (expected[0] == "Failed")


def test_a_pod_that_had_ended_keeps_its_end(store: ObjectStore) -> None:
    store.insert(a_pod() | {"status": {"phase": "Succeeded"}}, namespace="default", owner=dead(SUPERVISOR))

    assert settle_orphans(store) == ()
    assert at(store.get(key("Pod")), "status") == {"phase": "Succeeded"}


def test_of_pods_that_have_ended_the_newest_fifty_are_remembered(store: ObjectStore) -> None:
    for number in range(53):
        store.insert(a_pod(f"pod-{number:02}") | {"status": {"phase": "Succeeded"}}, namespace="default")
    store.insert(a_pod("running") | {"status": {"phase": "Running"}}, namespace="default")

    settle_orphans(store)

    names = [str(at(stored.body, "metadata", "name")) for stored in store.list("Pod")]
    assert names == [f"pod-{number:02}" for number in range(3, 53)] + ["running"]
