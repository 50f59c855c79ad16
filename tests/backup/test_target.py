"""Which freezing hooks are refused before they run, and why."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from boathook.backup.model import PodHook
from boathook.backup.parse import backup_pod
from boathook.backup.target import why_not_frozen
from boathook.cluster.base import ObjectKey
from boathook.cluster.local import LocalCluster
from boathook.model import JsonObject
from tests.backup.build import a_pod, hooks

OTHER_FILE_SYSTEM = Path("/proc")


class Machine(LocalCluster):
    """A cluster of which nothing is asked but where a pod's volume lies."""

    def __init__(self, volume: Path | None) -> None:
        self._volume = volume

    async def volume_path(self, pod: ObjectKey, volume: str) -> Path | None:
        return self._volume


def refusal(command: str, volume: Path | None, place: Path, pod: JsonObject | None = None) -> str | None:
    read = backup_pod(pod or a_pod(annotations=hooks(pre=command)))
    hook = read.hooks.pre
    assert isinstance(hook, PodHook)
    return anyio.run(why_not_frozen, Machine(volume), read, hook, (place,))


def test_a_freeze_of_the_file_system_that_holds_the_backups_is_refused(tmp_path: Path) -> None:
    volume, home = tmp_path / "volume", tmp_path / "home"

    why = refusal('["/sbin/fsfreeze", "--freeze", "/data"]', volume, home)

    assert why is not None
    assert f'it would freeze volume "db-data", whose file system also holds {home}' in why


def test_a_freeze_of_another_file_system_may_run(tmp_path: Path) -> None:
    assert refusal('["/sbin/fsfreeze", "--freeze", "/data"]', OTHER_FILE_SYSTEM, tmp_path) is None


def test_where_a_volume_lies_on_no_disk_of_this_machine_nothing_is_refused(tmp_path: Path) -> None:
    assert refusal('["/sbin/fsfreeze", "--freeze", "/data"]', None, tmp_path) is None


@pytest.mark.parametrize(
    "command",
    [
        '["/bin/sh", "-c", "sync; fsfreeze -f /data/"]',
        '["xfs_freeze", "-f", "/data"]',
        '["/bin/sh", "-c", "fsfreeze --freeze $WHERE"]',
    ],
)
def test_every_way_to_freeze_is_looked_at(command: str, tmp_path: Path) -> None:
    assert refusal(command, tmp_path, tmp_path) is not None


def test_a_hook_that_freezes_nothing_is_not_refused(tmp_path: Path) -> None:
    assert refusal('["/sbin/fsfreeze", "--unfreeze", "/data"]', tmp_path, tmp_path) is None
    assert refusal('["/bin/sync", "-f", "/data/file"]', tmp_path, tmp_path) is None


@pytest.mark.parametrize("place", ["/usr", "/data/../usr", "data"])
def test_a_freeze_of_what_is_no_volume_is_refused_wherever_it_lies(place: str, tmp_path: Path) -> None:
    why = refusal(f'["fsfreeze", "--freeze", "{place}"]', OTHER_FILE_SYSTEM, tmp_path)

    assert why == f'it would freeze "{place}", which is no volume of container "db"'
