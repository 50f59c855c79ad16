"""A real file system frozen by a real hook: backed up, and thawed after its backup was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from boathook.backup import DirectoryStore
from boathook.backup.model import Phase
from boathook.backup.recovery import takes_writes
from boathook.home import Home
from boathook.supervisor.client import supervisor_pid

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, pytest.mark.root, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "backup" / "fsfreeze"


@pytest.fixture
def place() -> Iterator[Path]:
    """The example, set up; thawed and taken down whatever the test did."""
    with tempfile.TemporaryDirectory(prefix="boathook-fsfreeze-") as directory:
        path = Path(directory) / "disk"
        made = subprocess.run([EXAMPLE / "set-up", path], capture_output=True, text=True, timeout=60, check=False)
        if made.returncode == 3:
            pytest.skip(made.stderr.strip())
        assert made.returncode == 0, made.stderr
        try:
            yield path
        finally:
            subprocess.run(
                ["/sbin/fsfreeze", "--unfreeze", str(path / "volume")], capture_output=True, timeout=30, check=False
            )
            subprocess.run([EXAMPLE / "tear-down", path], capture_output=True, timeout=60, check=True)


def owner(home: Home, file: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "BOATHOOK_HOME": str(home.path), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.backup.owner", str(file)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    )


def slow_thaw(pod: Path) -> None:
    """Leave time to kill the backup while its volume is frozen."""
    thaw = '["/bin/sh", "-c", "sleep 1; $0 $@", "/sbin/fsfreeze", "--unfreeze"'
    pod.write_text(pod.read_text().replace('["/sbin/fsfreeze", "--unfreeze"', thaw))


def boathook(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "boathook", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


async def test_the_documented_example_freezes_copies_and_thaws(home: Home, place: Path) -> None:
    with owner(home, place / "pod.yaml") as process:
        output, _ = process.communicate(timeout=60)

    assert output.splitlines() == [
        "pre hook fsfreeze",
        "pre hook fsfreeze succeeded",
        "copying data",
        "copied data",
        "post hook fsfreeze",
        "post hook fsfreeze succeeded",
        "Completed 2 0",
    ]
    assert (home.backups / "nightly/volumes/default/nginx/data.tar.gz").stat().st_size > 0
    assert await takes_writes([place / "volume"])


@pytest.mark.behaviour("backup:104")
async def test_a_hook_that_hangs_on_what_it_has_frozen_itself_is_thawed_at_its_timeout(home: Home, place: Path) -> None:
    pod = place / "pod.yaml"
    hangs = '["/bin/sh", "-c", "fsfreeze --freeze /data; touch /data/stuck"]'
    pod.write_text(
        pod.read_text().replace('["/sbin/fsfreeze", "--freeze", "/data"]', hangs).replace("timeout: 30s", "timeout: 1s")
    )
    with owner(home, pod) as process:
        output, _ = process.communicate(timeout=60)

    assert output.splitlines() == [
        "pre hook fsfreeze",
        "pre hook fsfreeze timed_out",
        "copying data",
        "copied data",
        "post hook fsfreeze",
        "post hook fsfreeze succeeded",
        "PartiallyFailed 2 1",
    ]
    assert await takes_writes([place / "volume"])


@pytest.mark.parametrize("moment", ["pre hook fsfreeze succeeded", "copied data", "post hook fsfreeze succeeded"])
async def test_a_file_system_that_a_killed_backup_left_frozen_is_thawed(home: Home, place: Path, moment: str) -> None:
    pod = place / "pod.yaml"
    slow_thaw(pod)
    with owner(home, pod) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == moment:
                process.kill()
                break
    frozen = not await takes_writes([place / "volume"])

    recovered = boathook("recover")

    assert frozen is (moment != "post hook fsfreeze succeeded")
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    assert await takes_writes([place / "volume"])
    assert boathook("recover").stdout == "nothing owed, nothing left\n"
    record = DirectoryStore(home).get("nightly")
    assert record.phase.ended
    if frozen:
        assert (record.phase, record.failure_reason) == (Phase.FAILED, "its command ended before its time")
        files = sorted(path.name for path in (home.backups / "nightly").iterdir())
        assert files == ["nightly-logs.gz", "velero-backup.json"]


def following(*arguments: str) -> subprocess.Popen[str]:
    """A command whose lines are read while it runs."""
    command = [sys.executable, "-m", "boathook", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def supervised(home: Home) -> Iterator[Home]:
    """A state directory whose supervisor, with its pods, is ended before the file system goes."""
    yield home
    if (pid := supervisor_pid(home)) is not None:
        os.kill(pid, signal.SIGTERM)
        # It is nobody's child here; its lock is free when it has ended.
        subprocess.run(["tail", f"--pid={pid}", "--follow", os.devnull], timeout=60, check=True)


async def test_the_next_backup_first_thaws_what_a_killed_one_left_frozen_under_a_pod_that_still_runs(
    place: Path, supervised: Home
) -> None:
    slow_thaw(place / "pod.yaml")
    assert boathook("pod", "run", "-d", str(place / "pod.yaml")).returncode == 0
    with following("backup", "create", "killed") as process:
        assert process.stdout is not None
        assert any("exit 0" in line for line in process.stdout)
        process.kill()
    assert not await takes_writes([place / "volume"])

    created = boathook("backup", "create", "next")

    assert created.returncode == 0, created.stdout + created.stderr
    assert await takes_writes([place / "volume"])
    store = DirectoryStore(supervised)
    assert [(one.spec.name, one.phase) for one in store.list()] == [("killed", Phase.FAILED), ("next", Phase.COMPLETED)]
    assert boathook("recover").stdout == "nothing owed, nothing left\n"


async def test_a_freeze_of_what_holds_the_journal_is_refused_before_it_runs(
    home: Home, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = Home(place / "volume" / "home").ensure()
    monkeypatch.setenv("BOATHOOK_HOME", str(inside.path))
    with owner(inside, place / "pod.yaml") as process:
        output, _ = process.communicate(timeout=60)

    assert "pre hook fsfreeze could_not_start" in output
    assert "post hook" not in output
    assert "PartiallyFailed 1 1" in output
    assert "whose file system also holds" in DirectoryStore(inside).log("nightly")
