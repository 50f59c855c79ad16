"""A container's log: what is kept of it, read over its files, and on a disk that is full for a while."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from boathook.clock import SystemClock
from boathook.model import Stream
from boathook.runtimes import logs
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


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 1000)


def write(log: LogFile, numbers: range) -> None:
    for number in numbers:
        log.write(Stream.STDOUT, b"line %d\n" % number)


def read(reader: LogReader) -> list[str]:
    """All that there is, as one who does not follow reads it."""
    texts: list[str] = []
    while lines := reader.lines():
        texts += [line.text for line in lines]
    assert not reader.more()
    return texts


def numbered(numbers: range) -> list[str]:
    return [f"line {number}" for number in numbers]


def test_a_log_is_bounded_and_its_youngest_lines_are_kept(tmp_path: Path, small_files: None) -> None:
    path = tmp_path / "log"
    log = LogFile(path, SystemClock())
    write(log, range(500))
    log.close()

    kept = read(LogReader(path))

    assert len(list(tmp_path.iterdir())) == logs.FILES
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 1100 * logs.FILES
    assert kept == numbered(range(500))[-len(kept) :]
    assert len(kept) > 60


def test_who_follows_a_log_misses_nothing_where_one_file_follows_another(tmp_path: Path, small_files: None) -> None:
    path = tmp_path / "log"
    log, reader = LogFile(path, SystemClock()), LogReader(path)
    followed: list[str] = []
    for begin in range(0, 300, 7):
        write(log, range(begin, begin + 7))
        followed += read(reader)
    log.close()

    assert followed == numbered(range(301))
    assert read(reader) == []


def test_a_line_whose_parts_lie_in_two_files_is_read_whole(tmp_path: Path, small_files: None) -> None:
    path = tmp_path / "log"
    log = LogFile(path, SystemClock())
    line = "x" * 40_000
    log.write(Stream.STDOUT, line[:30_000].encode())
    log.write(Stream.STDOUT, line[30_000:].encode() + b"\n")
    log.close()

    assert len(list(tmp_path.iterdir())) > 1
    assert "".join(read(LogReader(path))) == line


def test_a_reader_that_was_too_slow_goes_on_with_the_oldest_that_is_left(tmp_path: Path, small_files: None) -> None:
    path = tmp_path / "log"
    log, reader = LogFile(path, SystemClock()), LogReader(path)
    write(log, range(5))
    assert read(reader) == numbered(range(5))
    write(log, range(5, 500))

    late = read(reader)

    assert late == numbered(range(500))[-len(late) :]
    log.close()
