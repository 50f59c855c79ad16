"""Which capabilities a container may have: the usual default set, with what its specification adds and drops."""

from __future__ import annotations

NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)  # fmt: skip
"""In the kernel's order: the place is the number (linux/capability.h)."""

DEFAULT = 0x00000000A80425FB
"""What Docker gives a container (moby oci/caps/defaults.go)."""

_ALL = "ALL"


def bounding_set(*, add: tuple[str, ...], drop: tuple[str, ...]) -> int:
    """The mask of an unprivileged container. Dropping ``ALL`` leaves what is added; adding ``ALL`` all but the dropped.

    As moby's oci/caps/utils.go: TweakCapabilities does it. Raises ``KeyError`` with a name that is unknown.
    """
    added, dropped = _mask(add), _mask(drop)
    if _ALL in _plain(drop):
        return added
    if _ALL in _plain(add):
        return added & ~dropped
    return (DEFAULT & ~dropped) | added


def _plain(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.upper().removeprefix("CAP_") for name in names)


def _mask(names: tuple[str, ...]) -> int:
    mask = 0
    for name in _plain(names):
        if name == _ALL:
            mask |= (1 << len(NAMES)) - 1
        elif name in NAMES:
            mask |= 1 << NAMES.index(name)
        else:
            raise KeyError(name)
    return mask
