"""Storage that containers mount: named volumes, which stay, and a sandbox's own, which go with it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from boathook.errors import UsageError
from boathook.runtimes.base import Volume
from boathook.runtimes.processes import fresh_name
from boathook.runtimes.trees import delete_tree

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""What Docker accepts as a volume's name (moby volume/local, names.RestrictedNameChars)."""


class VolumeStore:
    """The volumes in one directory: each has a directory with ``volume.json`` and ``data``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def create(self, name: str, labels: Mapping[str, str], mode: int) -> Volume:
        """The volume of that name, made if missing. It appears whole or not at all."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"volume name {name!r}: only letters, digits, '_', '.' and '-' are allowed")
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o711)
        fresh = self._directory / fresh_name()
        (fresh / "data").mkdir(parents=True)
        (fresh / "data").chmod(mode)
        (fresh / "volume.json").write_text(json.dumps({"labels": dict(labels)}), encoding="utf-8")
        try:
            os.rename(fresh, self._directory / name)
        except OSError:
            delete_tree(fresh)
            return self._volume(name, fresh=False)
        return self._volume(name, fresh=True)

    def remove(self, name: str) -> None:
        path = self._directory / name
        if _NAME.fullmatch(name) and path.is_dir():
            delete_tree(path)

    def list(self) -> Iterator[Volume]:
        if self._directory.is_dir():
            for path in sorted(self._directory.iterdir()):
                if (path / "volume.json").is_file() and not path.name.startswith("."):
                    yield self._volume(path.name, fresh=False)

    def _volume(self, name: str, *, fresh: bool) -> Volume:
        path = self._directory / name
        labels = json.loads((path / "volume.json").read_text(encoding="utf-8"))["labels"]
        return Volume(name=name, path=path / "data", labels=labels, fresh=fresh)
