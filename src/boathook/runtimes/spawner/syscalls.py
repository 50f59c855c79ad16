"""The system calls that Python 3.11 does not offer. Each raises ``OSError`` with the name of the call."""

from __future__ import annotations

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)

NEWNS = 0x00020000
NEWUTS = 0x04000000
NEWIPC = 0x08000000
NEWUSER = 0x10000000
NEWPID = 0x20000000
NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000

_CLONE_PARENT = 0x8000
_SIGCHLD = 17
_CLONE = {"x86_64": 56, "aarch64": 220}
"""Number of the clone call; its first argument is the flags on both."""
READ = {"x86_64": 0, "aarch64": 63}
"""Number of the read call, as /proc/PID/syscall shows it."""

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522


def machine() -> str:
    """``x86_64`` or ``aarch64``; others raise ``OSError``, since their call numbers are not known here."""
    name = os.uname().machine
    if name not in _CLONE:
        raise OSError(0, f"processor {name!r} is not supported")
    return name


def _checked(result: int, call: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), call)
    return result


def setns(descriptor: int, namespaces: int) -> None:
    """Join namespaces: of a process, when the descriptor is a pidfd (all at once), or the one that it names."""
    _checked(_libc.setns(descriptor, namespaces), "setns")


def unshare(namespaces: int) -> None:
    _checked(_libc.unshare(namespaces), "unshare")


def fork_for_parent() -> int:
    """Fork a process whose parent is the caller's parent, so that the parent sees its exit status."""
    return _checked(_libc.syscall(_CLONE[os.uname().machine], _CLONE_PARENT | _SIGCHLD, 0, 0, 0, 0), "clone")


def mount(source: bytes, target: bytes, kind: bytes | None, flags: int, options: bytes | None = None) -> None:
    _checked(_libc.mount(source, target, kind, ctypes.c_ulong(flags), options), "mount")


def die_with_parent(signal: int) -> None:
    """Have the kernel send ``signal`` when the parent dies. Any later change of credentials clears it."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Become the parent of orphaned descendants, so that none stays a zombie."""
    _checked(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def no_new_privileges() -> None:
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def name_process(name: str) -> None:
    _checked(_libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0), "prctl")


def drop_from_bounding_set(capability: int) -> None:
    _checked(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), "prctl")


def set_capabilities(mask: int) -> None:
    """Have exactly these capabilities, permitted and effective; none inheritable."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    _checked(_libc.capset(header, data), "capset")


def close_except(keep: set[int]) -> None:
    """Close every descriptor from 3 on that is not in ``keep``."""
    begin = 3
    for descriptor in sorted(keep):
        if descriptor >= begin:
            os.closerange(begin, descriptor)
            begin = descriptor + 1
    os.closerange(begin, 1 << 20)
