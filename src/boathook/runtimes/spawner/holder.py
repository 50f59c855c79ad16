"""The holder of a sandbox: a process that keeps its namespaces and ends its containers when the spawner is gone.

A parent-death signal alone would not do for the containers: the kernel clears it when a process changes its user, as
many servers do when they start.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct

from boathook.runtimes.spawner import syscalls
from boathook.runtimes.spawner.stat import start_time
from boathook.runtimes.spawner.steps import Report, StepFailed, step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boathook.runtimes.spawner.wire import Message

_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x1 | 0x40


def hold(request: Message, watch: int, report: Report) -> None:
    """Make the namespaces, say so, then wait for the other end of ``watch`` to be closed."""
    os.setsid()
    syscalls.name_process("boathook-sandbox")
    if request["plain"]:
        report.ready()
        os.close(report.descriptor)
        _end(_containers(watch))
        return
    if request["user_namespace"] is not None:
        with step("make a user namespace"):
            enter_user_namespace(request["user_namespace"])
    namespaces = syscalls.NEWIPC | syscalls.NEWUTS
    if request["network"] == "pod":
        namespaces |= syscalls.NEWNET
    with step("make namespaces"):
        syscalls.unshare(namespaces)
    if request["network"] == "pod":
        with step("bring the loopback interface up"):
            _loopback_up()
    with step("set the host name"):
        socket.sethostname(request["hostname"])
    report.ready()
    os.close(report.descriptor)
    _end(_containers(watch))


def _loopback_up() -> None:
    """It is down in a new network namespace. By ioctl, so that iproute2 need not be there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP_RUNNING))


def enter_user_namespace(maps: dict[str, list[list[int]]]) -> None:
    """Enter a new one. ``maps``: lines (inside, outside, count) of ``uids`` and ``gids``; several need newuidmap."""
    if len(maps["uids"]) == 1:
        syscalls.unshare(syscalls.NEWUSER)
        map_single(*maps["uids"][0][:2], *maps["gids"][0][:2])
        return
    pid, (go_read, go_write) = os.getpid(), os.pipe()
    mapper = os.fork()
    if mapper == 0:
        os.close(go_write)
        os.read(go_read, 1)
        os._exit(_map_ranges(pid, maps))
    os.close(go_read)
    syscalls.unshare(syscalls.NEWUSER)
    os.close(go_write)
    if os.waitpid(mapper, 0)[1] != 0:
        raise StepFailed("map the ranges of /etc/subuid and /etc/subgid", 0, "newuidmap or newgidmap refused them")
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    os.setgroups([])


def map_single(uid: int, outer_uid: int, gid: int, outer_gid: int) -> None:
    """Give the user namespace that was just entered its one uid and one gid."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def _map_ranges(pid: int, maps: dict[str, list[list[int]]]) -> int:
    for program, lines in (("newuidmap", maps["uids"]), ("newgidmap", maps["gids"])):
        numbers = [str(number) for line in lines for number in line]
        if os.spawnvp(os.P_WAIT, program, [program, str(pid), *numbers]) != 0:
            return 1
    return 0


def _containers(watch: int) -> list[tuple[int, int]]:
    """Until the spawner closes its end: the containers' main processes as (pid, start time)."""
    buffer = b""
    while chunk := os.read(watch, 4096):
        buffer += chunk
    pairs = (line.split() for line in buffer.decode().splitlines())
    return [(int(pid), int(start)) for pid, start in pairs]


def _end(containers: list[tuple[int, int]]) -> None:
    for pid, start in containers:
        if start_time(pid) == start:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
