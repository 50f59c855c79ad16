"""As whom containers can run here: root gives any uid, an ordinary user one, or the ranges of /etc/subuid."""

from __future__ import annotations

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from boathook.model import JsonValue

_REMEDY = (
    "install the package uidmap and give the user a range in /etc/subuid and /etc/subgid "
    "(usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}), or run as root"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Identifiers that somebody may give away: ``count`` of them from ``first`` on."""

    first: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The user of this process and what he may give to containers."""

    uid: int
    gid: int
    name: str
    uids: Range | None
    """The range of /etc/subuid, where it can be used; inside, it begins with uid 1."""
    gids: Range | None

    @property
    def root(self) -> bool:
        """Root makes no user namespace, so it works where these are forbidden."""
        return self.uid == 0

    @property
    def single(self) -> bool:
        """One uid and one gid is all that a sandbox has."""
        return not self.root and self.uids is None

    def user_namespace(self) -> JsonValue:
        """What the spawner is asked for: lines of the uid and gid maps; None for root."""
        if self.root:
            return None
        uids: list[JsonValue] = [[0, self.uid, 1]]
        gids: list[JsonValue] = [[0, self.gid, 1]]
        if self.uids and self.gids:
            uids.append([1, self.uids.first, self.uids.count])
            gids.append([1, self.gids.first, self.gids.count])
        return {"uids": uids, "gids": gids}

    def refusal(self, uids: frozenset[int]) -> str | None:
        """Why one sandbox cannot hold processes of all these uids, with the remedy; None when it can."""
        if self.root:
            return None
        if self.uids is not None:
            beyond = sorted(uid for uid in uids if uid > self.uids.count)
            return f"uid {beyond[0]} is beyond the range of user {self.name!r} in /etc/subuid" if beyond else None
        if len(uids) > 1:
            listed = ", ".join(str(uid) for uid in sorted(uids))
            return (
                f"user {self.name!r} can give containers one uid only, and {listed} were asked for; to give several: "
                + self.remedy
            )
        return None

    @property
    def remedy(self) -> str:
        return _REMEDY.format(name=self.name)


def this_identity() -> Identity:
    uid, gid = os.geteuid(), os.getegid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    uids = gids = None
    if uid != 0 and shutil.which("newuidmap") and shutil.which("newgidmap"):
        uids, gids = _range(Path("/etc/subuid"), name, uid), _range(Path("/etc/subgid"), name, uid)
        if uids is None or gids is None:
            uids = gids = None
    return Identity(uid=uid, gid=gid, name=name, uids=uids, gids=gids)


def _range(path: Path, name: str, uid: int) -> Range | None:
    """The first range of the user, by name or number (subuid(5)); None when the file grants none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        fields = line.strip().split(":")
        if len(fields) == 3 and fields[0] in (name, str(uid)) and fields[1].isdigit() and fields[2].isdigit():
            return Range(first=int(fields[1]), count=int(fields[2]))
    return None
