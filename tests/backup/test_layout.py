"""What a backup leaves on the disk."""

from __future__ import annotations

import tarfile
from datetime import UTC, datetime, timedelta

import pytest

from boathook.backup.layout import Contents, DirectoryStore
from boathook.backup.model import Backup, Phase
from boathook.errors import Conflict, NotFound, OperationFailed
from boathook.home import Home
from tests.backup.build import a_pod, a_spec

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 5, 1, tzinfo=UTC)
NOTHING = Contents(objects=(), volumes=(), errors=(), warnings=())


def a_backup(phase: Phase = Phase.IN_PROGRESS, name: str = "nightly") -> Backup:
    return Backup(
        spec=a_spec(name),
        uid="uid",
        phase=phase,
        failure_reason=None,
        started=NOW,
        completed=NOW + timedelta(seconds=5) if phase.ended else None,
        total_items=1,
        items_backed_up=1,
        errors=0,
        warnings=0,
        hooks_attempted=2,
        hooks_failed=0,
    )


@pytest.mark.behaviour("backup:117")
async def test_the_archive_has_the_version_first_and_every_object_twice(home: Home) -> None:
    staging = await DirectoryStore(home).begin(a_backup())

    await staging.finish(a_backup(Phase.COMPLETED), Contents(objects=(a_pod(),), volumes=(), errors=(), warnings=()))

    with tarfile.open(home.backups / "nightly" / "nightly.tar.gz") as tar:
        names = tar.getnames()
        files = [tar.extractfile(name) for name in names]
        contents = [file.read() for file in files if file]
    assert names == [
        "metadata/version",
        "resources/pods/namespaces/default/db.json",
        "resources/pods/v1-preferredversion/namespaces/default/db.json",
    ]
    assert contents[0] == b"1.1.0\n"
    assert contents[1] == contents[2]


async def test_a_record_is_read_as_it_was_written(home: Home) -> None:
    store = DirectoryStore(home)
    staging = await store.begin(a_backup())
    assert store.get("nightly") == a_backup()

    await staging.finish(a_backup(Phase.COMPLETED), NOTHING)

    assert store.list() == (a_backup(Phase.COMPLETED),)


@pytest.mark.behaviour("backup:118")
async def test_a_name_that_is_taken_is_refused_and_what_has_it_is_left_alone(home: Home) -> None:
    store = DirectoryStore(home)
    staging = await store.begin(a_backup())
    with pytest.raises(Conflict, match="still in progress"):
        await store.begin(a_backup())
    await staging.finish(a_backup(Phase.COMPLETED), NOTHING)
    before = {path: path.read_bytes() for path in home.backups.rglob("*") if path.is_file()}

    with pytest.raises(Conflict, match="backup already exists in object storage"):
        await store.begin(a_backup())

    assert {path: path.read_bytes() for path in home.backups.rglob("*") if path.is_file()} == before


@pytest.mark.behaviour("backup:119", "backup:121")
async def test_a_backup_that_has_not_ended_is_not_completed_and_has_no_logs_yet(home: Home) -> None:
    store = DirectoryStore(home)
    staging = await store.begin(a_backup())
    staging.log("a line")

    assert [one.phase for one in store.list()] == [Phase.IN_PROGRESS]
    with pytest.raises(OperationFailed, match="not available until it's finished processing"):
        store.log("nightly")
    with pytest.raises(NotFound, match='backup "other" does not exist'):
        store.log("other")

    store.abandon(a_backup(Phase.FAILED))
    assert store.log("nightly") == "a line\n"
    assert [one.phase for one in store.list()] == [Phase.FAILED]


async def test_a_backup_that_died_before_its_record_was_written_leaves_its_name_free(home: Home) -> None:
    store = DirectoryStore(home)
    (home.backups / ".in-progress" / "nightly").mkdir(parents=True)

    store.discard("nightly")

    await store.begin(a_backup())


async def test_a_backup_that_died_after_its_record_was_written_is_put_into_its_place(home: Home) -> None:
    store = DirectoryStore(home)
    await (await store.begin(a_backup())).finish(a_backup(Phase.COMPLETED), NOTHING)
    (home.backups / "nightly").rename(home.backups / ".in-progress" / "nightly")

    store.put_in_place("nightly")

    assert store.is_taken("nightly")
    assert [one.phase for one in store.list()] == [Phase.COMPLETED]
