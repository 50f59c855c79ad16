"""Users and groups by name, as an image's own /etc/passwd and /etc/group know them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from boathook.errors import CouldNotStart
from boathook.images.model import Image
from boathook.images.tree import find_file

LARGEST_ID = 2**31 - 1
MOST_BYTES = 16 * 1024 * 1024
"""A user file beyond this is not read to its end."""


def lookup_user(image: Image, user: str) -> tuple[int, int]:
    """uid and gid of ``name``, ``uid``, ``name:group`` or ``uid:gid``; empty: the image's own user, else root.

    A user without a group has the group of its entry, else 0, as engines do. Raises ``CouldNotStart`` for a name that
    the image does not know.
    """
    name, _, group = (user or image.config.user).partition(":")
    uid, gid = _user(image, name)
    return uid, (_group(image, group) if group else gid)


def _user(image: Image, name: str) -> tuple[int, int]:
    if not name:
        return 0, _group_of_uid(image, 0)
    if name.isascii() and name.isdigit():
        uid = _checked(name)
        return uid, _group_of_uid(image, uid)
    for fields in _entries(image, "/etc/passwd"):
        if fields[0] == name and len(fields) > 3 and fields[2].isdigit() and fields[3].isdigit():
            return int(fields[2]), int(fields[3])
    raise CouldNotStart(f"unable to find user {name}: no matching entries in passwd file")


def _group_of_uid(image: Image, uid: int) -> int:
    for fields in _entries(image, "/etc/passwd"):
        if len(fields) > 3 and fields[2] == str(uid) and fields[3].isdigit():
            return int(fields[3])
    return 0


def _group(image: Image, name: str) -> int:
    if name.isascii() and name.isdigit():
        return _checked(name)
    for fields in _entries(image, "/etc/group"):
        if fields[0] == name and len(fields) > 2 and fields[2].isdigit():
            return int(fields[2])
    raise CouldNotStart(f"unable to find group {name}: no matching entries in group file")


def _checked(number: str) -> int:
    if int(number) > LARGEST_ID:
        raise CouldNotStart(f"uids and gids must be in range 0-{LARGEST_ID}")
    return int(number)


def _entries(image: Image, path: str) -> Iterator[list[str]]:
    found = find_file(image.layers, path)
    if found is None:
        return
    with open(os.open(found, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        text = file.read(MOST_BYTES).decode(errors="replace")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            yield line.strip().split(":")
