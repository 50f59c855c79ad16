"""Sockets that the dead left behind."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess

from boathook.home import Home
from boathook.supervisor.client import LOCK, SOCKET
from boathook.supervisor.sweep import sweep_sockets


def left_socket(home: Home, name: str) -> None:
    """A socket on which nobody listens any more."""
    path = home.socket(name)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as raw:
        raw.bind(str(path))


def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_sockets_of_the_dead_go_with_their_directory(home: Home) -> None:
    home.locks.mkdir()
    left_socket(home, f"owner-{dead_pid()}.sock")
    left_socket(home, SOCKET)

    sweep_sockets(home)

    assert not home.socket(SOCKET).parent.exists()


def test_sockets_of_the_living_stay(home: Home) -> None:
    home.locks.mkdir()
    ours = f"owner-{os.getpid()}.sock"
    left_socket(home, ours)
    left_socket(home, f"owner-{dead_pid()}.sock")
    left_socket(home, SOCKET)
    directory = home.socket(SOCKET).parent
    try:
        with (home.locks / LOCK).open("w") as lock:
            lock.write(str(os.getpid()))
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            sweep_sockets(home)

            assert sorted(path.name for path in directory.iterdir()) == [ours, SOCKET]
    finally:
        for path in directory.iterdir():
            path.unlink()
        directory.rmdir()


def test_where_nothing_was_left_nothing_is_made(home: Home) -> None:
    sweep_sockets(home)

    assert not home.socket(SOCKET).parent.exists()
