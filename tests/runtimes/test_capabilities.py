"""Which capabilities a container's specification comes to."""

from __future__ import annotations

import pytest

from boathook.runtimes.capabilities import DEFAULT, NAMES, bounding_set

EVERY_ONE = (1 << len(NAMES)) - 1


def bit(name: str) -> int:
    return 1 << NAMES.index(name)


@pytest.mark.parametrize(
    ("add", "drop", "mask"),
    [
        ((), (), DEFAULT),
        (("SYS_ADMIN",), (), DEFAULT | bit("SYS_ADMIN")),
        (("cap_sys_admin",), (), DEFAULT | bit("SYS_ADMIN")),
        ((), ("CHOWN",), DEFAULT & ~bit("CHOWN")),
        ((), ("ALL",), 0),
        (("CHOWN",), ("ALL",), bit("CHOWN")),
        (("ALL",), (), EVERY_ONE),
        (("ALL",), ("CHOWN",), EVERY_ONE & ~bit("CHOWN")),
    ],
)
def test_added_and_dropped_names_change_the_default_set(add: tuple[str, ...], drop: tuple[str, ...], mask: int) -> None:
    assert bounding_set(add=add, drop=drop) == mask


def test_the_default_set_has_the_fourteen_of_container_engines() -> None:
    assert [name for name in NAMES if DEFAULT & bit(name)] == [
        "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE",
        "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP",
    ]  # fmt: skip


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(KeyError, match="FLY"):
        bounding_set(add=("FLY",), drop=())
