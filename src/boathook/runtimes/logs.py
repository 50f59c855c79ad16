"""What processes write: pipes that are read in the event loop, and a container's log in the CRI's format.

A log line is ``2026-11-27T14:00:00.000000000Z stdout F text``; ``P`` instead of ``F`` where the line goes on in the
next record (kubernetes pkg/kubelet/kuberuntime/logs).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio

from boathook.clock import Clock
from boathook.model import Stream
from boathook.runtimes.base import LogLine

log = logging.getLogger(__name__)

_CHUNK = 1 << 16
_PIPE = 1 << 18
"""Room for a burst of output while the loop is busy with something else."""
FILE_BYTES = 10 * 1024 * 1024
FILES = 5
"""What is kept of a container's log: a kubelet's defaults, ``containerLogMaxSize`` and ``containerLogMaxFiles``."""
_LONGEST = 16 * 1024
"""A longer line is written in parts of this size, as containerd does (pkg/ioutil, DefaultMaxContainerLogLineSize)."""


class OutputPipe:
    """One stream of a process. ``sink`` gets what it wrote, in the loop, until the end of the stream."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._read, self.write = os.pipe()
        os.set_blocking(self._read, False)
        with contextlib.suppress(PermissionError):  # An ordinary user's share of pipe memory may be used up.
            fcntl.fcntl(self._read, fcntl.F_SETPIPE_SZ, _PIPE)
        self.ended = anyio.Event()
        self._loop.add_reader(self._read, self._readable)

    def close_write(self) -> None:
        """Our copy of the writing end: the process has its own, or was not started."""
        if self.write >= 0:
            os.close(self.write)
            self.write = -1

    def drain(self) -> None:
        """Take what is there and end, whoever may still hold the other end."""
        while not self.ended.is_set():
            if not self._readable():
                self._close()

    def _readable(self) -> bool:
        try:
            chunk = os.read(self._read, _CHUNK)
        except BlockingIOError:
            return False
        if chunk:
            self._sink(chunk)
        else:
            self._close()
        return True

    def _close(self) -> None:
        if not self.ended.is_set():
            self._loop.remove_reader(self._read)
            os.close(self._read)
            self.close_write()
            self.ended.set()


class LogFile:
    """Writes a container's log. Partial lines of the two streams are kept apart until they end.

    A file that is full gets a number, counted up from 1, and a new one takes its place; the oldest ones go.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._number = max(_numbers(path), default=0) + 1
        self._open()
        self._clock = clock
        self._rest = {Stream.STDOUT: b"", Stream.STDERR: b""}
        self._lost = False

    def write(self, stream: Stream, chunk: bytes) -> None:
        whole, newline, rest = (self._rest[stream] + chunk).rpartition(b"\n")
        self._rest[stream] = rest
        head = f"{_stamp(self._clock.now())} {stream.value} ".encode()
        records: list[bytes] = []
        if newline:
            lines = whole.split(b"\n")
            records = _full(lines, head) if max(map(len, lines)) <= _LONGEST else _in_parts(lines, head)
        while len(self._rest[stream]) >= _LONGEST:
            records.append(head + b"P " + self._rest[stream][:_LONGEST] + b"\n")
            self._rest[stream] = self._rest[stream][_LONGEST:]
        self._append(records)

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._written = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        """Where that is not possible, the present file goes on."""
        full, rotated = self._descriptor, _rotated(self._path, self._number)
        try:
            self._path.rename(rotated)
            self._open()
        except OSError as error:
            log.error("the log of a container cannot be rotated: %s", error.strerror)
            self._written = 0
            with contextlib.suppress(OSError):
                rotated.rename(self._path)
            return
        self._number += 1
        os.close(full)
        for number in _numbers(self._path):
            if number <= self._number - FILES:
                with contextlib.suppress(FileNotFoundError):
                    _rotated(self._path, number).unlink()

    def close(self) -> None:
        """What has no newline at its end is a line all the same."""
        if self._descriptor < 0:
            return
        for stream, rest in self._rest.items():
            if rest:
                self._append(_full([rest], f"{_stamp(self._clock.now())} {stream.value} ".encode()))
        os.close(self._descriptor)
        self._descriptor = -1

    def _append(self, records: list[bytes]) -> None:
        """Whole records only. What a full disk does not take is lost and said once; the container runs on."""
        view = memoryview(b"".join(records))
        size = len(view)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            begun = size - len(view)
            size = 0
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - begun)
            if not self._lost:
                log.error("output of a container is lost: %s", error.strerror)
            self._lost = True
        self._written += size
        if self._written >= FILE_BYTES:
            self._rotate()


def _rotated(path: Path, number: int) -> Path:
    """A full file of the log; the higher the number, the younger."""
    return path.with_name(f"{path.name}.{number}")


def _numbers(path: Path) -> list[int]:
    """Of the full files that are left, oldest first; the present file has the number after the last."""
    prefix = f"{path.name}."
    try:
        names = os.listdir(path.parent)
    except FileNotFoundError:
        return []
    return sorted(
        int(name[len(prefix) :]) for name in names if name.startswith(prefix) and name[len(prefix) :].isdigit()
    )


def _full(lines: list[bytes], head: bytes) -> list[bytes]:
    """Joined, not looped over: a flood of short lines must not cost more than its bytes."""
    head += b"F "
    return [head, (b"\n" + head).join(lines), b"\n"]


def _in_parts(lines: list[bytes], head: bytes) -> list[bytes]:
    records = []
    for line in lines:
        last = (len(line) - 1) // _LONGEST * _LONGEST if line else 0
        for at in range(0, last, _LONGEST):
            records.append(head + b"P " + line[at : at + _LONGEST] + b"\n")
        records.append(head + b"F " + line[last:] + b"\n")
    return records


def _stamp(moment: datetime) -> str:
    """RFC 3339 with nine digits, as the CRI writes it; the clock gives six of them."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


class LogReader:
    """Reads a log from its beginning, over all its files; each ``lines`` yields what has been added since."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number: int | None = None
        """Of the file that is read; None: nothing was read yet."""
        self._offset = 0

    def more(self) -> bool:
        """Something has been added since the last ``lines``."""
        full = _numbers(self._path)
        if self._number is not None and full and full[-1] >= self._number:
            return True
        return self._path.exists() and self._path.stat().st_size > self._offset

    def lines(self) -> list[LogLine]:
        """At most a few megabytes at once. None while there is no log: the container has not been started yet."""
        while True:
            text, is_full = self._read()
            complete, newline, _ = text.rpartition(b"\n")
            self._offset += len(complete) + len(newline)
            if newline:
                return [parse_line(line) for line in complete.split(b"\n")]
            if not is_full:
                return []
            assert self._number is not None
            self._number, self._offset = self._number + 1, 0

    def _read(self) -> tuple[bytes, bool]:
        """What comes next in the file that is read, and whether that is full: nothing is written to it any more."""
        while True:
            full = _numbers(self._path)
            number = self._next_number(full)
            is_full = number in full
            try:
                with (_rotated(self._path, number) if is_full else self._path).open("rb") as file:
                    if not is_full and _rotated(self._path, number).exists():
                        continue  # It was rotated just now: this may be the file after the one that was meant.
                    file.seek(self._offset)
                    return file.read(1 << 22), is_full
            except FileNotFoundError:
                if not is_full:
                    return b"", False  # Not there yet, or just between two: whoever follows looks again.

    def _next_number(self, full: list[int]) -> int:
        """The file to be read; the oldest one that is left, where the reader was too slow or has only begun."""
        present = full[-1] + 1 if full else 1
        oldest = full[0] if full else present
        if self._number is None or self._number < oldest:
            self._number, self._offset = oldest, 0
        return self._number


def parse_line(record: bytes) -> LogLine:
    """One record of a log file. What is no UTF-8 is shown with replacement characters."""
    time, stream, tag, text = record.split(b" ", 3)
    return LogLine(
        time=datetime.fromisoformat(time[:26].decode("ascii")).replace(tzinfo=UTC),
        stream=Stream(stream.decode("ascii")),
        partial=tag == b"P",
        text=text.decode(errors="replace"),
    )
