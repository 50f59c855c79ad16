"""A container's log on a disk that is full for a while."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from boathook.clock import SystemClock
from boathook.model import Stream
from boathook.runtimes.logs import LogFile, LogReader


def test_what_a_full_disk_does_not_take_is_lost_whole_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "log"
    log = LogFile(path, SystemClock())
    log.write(Stream.STDOUT, b"before\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Room for the beginning of a record only.
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, before[1]))
    try:
        log.write(Stream.STDOUT, b"lost\n")
        log.write(Stream.STDERR, b"lost, too\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.write(Stream.STDOUT, b"after\n")
    log.close()

    assert [line.text for line in LogReader(path).lines()] == ["before", "after"]
    assert [record.message for record in caplog.records] == ["output of a container is lost: File too large"]
