"""The store of objects: several processes on one file, and who is woken by what."""

from __future__ import annotations

import itertools
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from boathook.clock import SystemClock
from boathook.cluster.store import ObjectStore, plural
from boathook.errors import Conflict, JournalError, NotFound
from tests.cluster.build import a_config_map, at, key

pytestmark = pytest.mark.anyio

SECONDS = 10.0

SETTINGS = key("ConfigMap", "settings")


def opened(path: Path) -> ObjectStore:
    numbers = itertools.count(1)
    return ObjectStore.open(path, clock=SystemClock(), uids=lambda: f"uid-{next(numbers)}")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    found = opened(tmp_path / "objects.db")
    yield found
    found.close()


ELSEWHERE = """
import json, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("UPDATE objects SET body = ? WHERE name = 'settings'", (sys.argv[2],))
database.commit()
"""


def change_elsewhere(path: Path, obj: Any) -> None:
    """Another process writes the object."""
    subprocess.run([sys.executable, "-c", ELSEWHERE, str(path), json.dumps(obj)], check=True, timeout=SECONDS)


async def test_an_object_gets_an_identity_and_each_change_a_version(store: ObjectStore) -> None:
    first = store.insert(a_config_map(a="1"), namespace="default")
    second = store.update(SETTINGS, lambda obj: obj | {"data": {"a": "2"}})
    third = store.update(SETTINGS, lambda obj: obj | {"data": {"a": "2"}})

    assert at(first, "metadata", "uid") == "uid-1"
    assert at(first, "metadata", "namespace") == "default"
    assert [at(one, "metadata", "resourceVersion") for one in (first, second, third)] == ["1", "2", "2"]


async def test_a_change_that_fails_changes_nothing(store: ObjectStore) -> None:
    before = store.insert(a_config_map(a="1"), namespace="default")

    with pytest.raises(ZeroDivisionError):
        store.update(SETTINGS, lambda obj: {"a": 1 // 0})
    with pytest.raises(Conflict):
        store.insert(a_config_map(), namespace="default")
    with pytest.raises(NotFound):
        store.update(key("ConfigMap", "other"), lambda obj: obj)

    assert store.get(SETTINGS) == before
    store.update(SETTINGS, lambda obj: obj | {"data": {}})


async def test_only_the_meant_instance_is_removed(store: ObjectStore) -> None:
    store.insert(a_config_map(), namespace="default")

    assert not store.remove(SETTINGS, uid="another")
    assert store.remove(SETTINGS, uid="uid-1")
    assert not store.remove(SETTINGS)


async def test_who_waits_for_an_object_is_woken_by_its_change_alone(store: ObjectStore) -> None:
    store.insert(a_config_map(), namespace="default")
    store.insert(a_config_map("other"), namespace="default")
    ours, any_of_them = store.version(SETTINGS), store.version()

    store.update(key("ConfigMap", "other"), lambda obj: obj | {"data": {"a": "1"}})
    woken = [ours.is_set(), any_of_them.is_set()]
    store.remove(SETTINGS)

    assert woken == [False, True]
    assert ours.is_set()


async def test_what_another_process_changes_is_seen_by_all_who_wait(store: ObjectStore, tmp_path: Path) -> None:
    obj = store.insert(a_config_map(a="1"), namespace="default")
    seen: list[int] = []

    async def wait(number: int) -> None:
        while at(store.get(SETTINGS), "data", "a") != "2":
            await store.changed(store.version(SETTINGS))
        seen.append(number)

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(wait, number)
            await anyio.to_thread.run_sync(change_elsewhere, tmp_path / "objects.db", obj | {"data": {"a": "2"}})

    assert sorted(seen) == list(range(50))


async def test_what_another_process_changed_between_a_look_and_its_wait_is_not_missed(
    store: ObjectStore, tmp_path: Path
) -> None:
    obj = store.insert(a_config_map(a="1"), namespace="default")
    ours = store.version(SETTINGS)
    await anyio.to_thread.run_sync(change_elsewhere, tmp_path / "objects.db", obj | {"data": {"a": "2"}})
    # Somebody else looks meanwhile.
    store.version()

    with anyio.fail_after(SECONDS):
        await store.changed(ours)

    assert at(store.get(SETTINGS), "data", "a") == "2"


async def test_many_who_wait_look_as_often_as_one(store: ObjectStore) -> None:
    looks = 0
    notice = store._notice_others

    def counting() -> bool:
        nonlocal looks
        looks += 1
        return notice()

    store._notice_others = counting  # type: ignore[method-assign]

    async def wait() -> None:
        await store.changed(store.version(SETTINGS))

    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(wait)
        await anyio.sleep(0.5)
        tasks.cancel_scope.cancel()

    assert 3 <= looks <= 30


async def test_a_file_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot open the cluster's objects in"):
        opened(tmp_path / "missing" / "objects.db")


async def test_a_full_disk_is_told_and_changes_nothing(store: ObjectStore, tmp_path: Path) -> None:
    store.insert(a_config_map(colour="red"), namespace="default")
    with no_file_grows():
        with pytest.raises(JournalError, match="cannot write the cluster's objects: "):
            store.update(SETTINGS, lambda obj: obj | {"data": {"colour": "blue" * 10_000}})
        assert at(store.get(SETTINGS), "data") == {"colour": "red"}

    store.update(SETTINGS, lambda obj: obj | {"data": {"colour": "green"}})
    assert at(store.get(SETTINGS), "data") == {"colour": "green"}


@contextmanager
def no_file_grows() -> Iterator[None]:
    """As if the disk were full: this process can write nothing."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_the_file_is_its_owners_alone(store: ObjectStore, tmp_path: Path) -> None:
    assert (tmp_path / "objects.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("kind", "named"),
    [("Pod", "pods"), ("Ingress", "ingresses"), ("NetworkPolicy", "networkpolicies"), ("ConfigMap", "configmaps")],
)
async def test_kinds_are_named_as_kubectl_does(kind: str, named: str) -> None:
    assert plural(kind) == named
