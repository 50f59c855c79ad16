"""Layers of the local store: one directory each below ``images/layers``, shared by all images that have it.

A layer is known by its chain: its own digest and those of all below it, as in engines, since what a directory that is
laid over others must hold depends on them (a whiteout hides something, a link of a lower layer is followed). Whoever
adds or removes holds the store's lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from boathook.errors import UsageError
from boathook.images.locking import UNFINISHED
from boathook.images.removal import delete

KEY_LENGTH = 32
"""Names are short because the kernel takes one page of text for all layers of a root together (mount(2))."""
MOST_TEXT = 3000
"""What is left of that page for images; where an image has more layers than fit, lower ones are laid together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer that is here. ``parent`` is the layer that it is laid over; None: it needs none."""

    key: str
    parent: str | None
    size: int


class LayerStore:
    """The layers of one home."""

    def __init__(self, images: Path) -> None:
        self._images = images
        self._layers = images / "layers"

    def find(self, key: str) -> Layer | None:
        try:
            record = json.loads((self._layers / key / "layer.json").read_text())
        except FileNotFoundError:
            return None
        return Layer(key=key, parent=record["parent"], size=record["size"])

    def chain(self, key: str) -> tuple[Layer, ...]:
        """The layer and all that it is laid over, lowest first; empty when one of them is missing."""
        found: list[Layer] = []
        wanted: str | None = key
        while wanted is not None:
            layer = self.find(wanted)
            if layer is None:
                return ()
            found.insert(0, layer)
            wanted = layer.parent
        return tuple(found)

    def roots(self, key: str | None) -> tuple[Path, ...]:
        """The directories to be laid over each other, lowest first."""
        return tuple(self._root(layer.key) for layer in self.chain(key)) if key else ()

    def add(self, layer: IO[bytes], *, parent: str | None, diff_id: str, key: str, what: str) -> None:
        """Unpack a layer over ``parent``; its content must be what ``diff_id`` says. Raises ``UsageError``."""
        from boathook.images.copying import merge
        from boathook.images.unpack import unpack_layer

        lowers = self.roots(parent)
        fresh = self._fresh()
        unpacked = unpack_layer(layer, fresh / "root", what, lowers)
        if unpacked.diff_id != diff_id:
            raise UsageError(
                f'image "{what}" is refused: a layer has digest {unpacked.diff_id}, its configuration says {diff_id}'
            )
        size = size_of(fresh / "root")
        alone = not self._room_above(lowers) or not _hide(fresh / "root", unpacked.hidden)
        if alone and lowers:
            (fresh / "root").rename(fresh / "top")
            (fresh / "root").mkdir()
            merge(lowers, unpacked.hidden, fresh / "top", fresh / "root")
            delete(fresh / "top")
        self._place(fresh, Layer(key=key, parent=None if alone else parent, size=size))

    def add_tree(self, fill: Callable[[Path], None]) -> Layer:
        """A layer of its own, named after its content."""
        fresh = self._fresh()
        fill(fresh / "root")
        digest, size = _measured(fresh / "root")
        layer = Layer(key=digest[:KEY_LENGTH], parent=None, size=size)
        self._place(fresh, layer)
        return layer

    def unused(self, kept: Iterable[str]) -> tuple[Layer, ...]:
        """Layers that none of those ``kept`` is or stands on."""
        used = {layer.key for key in kept for layer in self.chain(key)}
        names = os.listdir(self._layers) if self._layers.is_dir() else []
        return tuple(layer for name in sorted(names) if name not in used and (layer := self.find(name)) is not None)

    def remove(self, layer: Layer) -> None:
        """Out of sight in one step, then away."""
        gone = self._images / f"{UNFINISHED}{secrets.token_hex(6)}"
        (self._layers / layer.key).rename(gone)
        delete(gone)

    def is_in_use(self, layer: Layer, in_use: frozenset[Path]) -> bool:
        return self._root(layer.key) in in_use

    def _root(self, key: str) -> Path:
        return self._layers / key / "root"

    def _room_above(self, lowers: tuple[Path, ...]) -> bool:
        return (len(lowers) + 1) * (len(str(self._root("x" * KEY_LENGTH))) + 1) <= MOST_TEXT

    def _fresh(self) -> Path:
        import tempfile

        fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self._images))
        (fresh / "root").mkdir()
        return fresh

    def _place(self, fresh: Path, layer: Layer) -> None:
        (fresh / "root").chmod(0o755)
        fresh.chmod(0o755)
        (fresh / "layer.json").write_text(json.dumps({"parent": layer.parent, "size": layer.size}))
        self._layers.mkdir(mode=0o755, exist_ok=True)
        target = self._layers / layer.key
        if target.exists():
            delete(fresh)
        else:
            fresh.rename(target)


def chain_keys(diff_ids: Iterable[str]) -> tuple[str, ...]:
    """The key of each layer, lowest first, from the digests of their contents (OCI image specification, config.md)."""
    keys: list[str] = []
    chain = ""
    for diff_id in diff_ids:
        chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}" if chain else diff_id
        keys.append(chain.partition(":")[2][:KEY_LENGTH])
    return tuple(keys)


def size_of(root: Path) -> int:
    """Bytes of all files, each counted once."""
    seen: dict[int, int] = {}
    for directory, _, files in os.walk(root):
        for name in files:
            status = Path(directory, name).lstat()
            if stat.S_ISREG(status.st_mode):
                seen[status.st_ino] = status.st_size
    return sum(seen.values())


def _hide(root: Path, hidden: Iterable[str]) -> bool:
    """Put whiteouts of overlay file systems in place; False where the machine does not let us (before Linux 5.8)."""
    try:
        for place in hidden:
            parent = (root / place).parent
            before = parent.stat()
            os.mknod(root / place, stat.S_IFCHR, os.makedev(0, 0))
            os.utime(parent, (before.st_atime, before.st_mtime))
    except PermissionError:
        for place in hidden:
            delete(root / place)
        return False
    return True


def _measured(root: Path) -> tuple[str, int]:
    """A digest of names, kinds, permissions and contents, and the size of all files."""
    digest, size = hashlib.sha256(), 0
    for directory, names, files in os.walk(root):
        names.sort()
        for name in sorted((*names, *files)):
            path = Path(directory, name)
            status = path.lstat()
            owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else ()
            digest.update(json.dumps([os.fsencode(path.relative_to(root)).hex(), status.st_mode, owner]).encode())
            if stat.S_ISLNK(status.st_mode):
                digest.update(os.fsencode(os.readlink(path)))
            elif stat.S_ISREG(status.st_mode):
                size += status.st_size
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest(), size
