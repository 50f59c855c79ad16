"""What images there are: a record each below ``images/store``, and a table of names. Who writes holds the lock."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from boathook.clock import Clock
from boathook.errors import JournalError
from boathook.images import config as image_config
from boathook.images.layers import Layer
from boathook.images.locking import UNFINISHED
from boathook.images.model import ImageConfig
from boathook.images.reference import Reference, parse
from boathook.images.removal import delete

SHORT_ID = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """An image of the store. ``tags`` are complete references."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    """References with a digest, by which registries know it; none for what was imported."""
    created: datetime
    size: int
    """Bytes of its own files; those of its base are not counted."""
    base: str | None
    """The id of the image, or the name of the stand-in, that it is laid over."""
    layer: str | None
    """The uppermost layer of its own."""
    config: ImageConfig

    @property
    def short_id(self) -> str:
        return self.id[:SHORT_ID]


class Catalogue:
    """Records and names."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._images = directory / "store"
        self._clock = clock

    def prepare(self) -> None:
        self._images.mkdir(mode=0o755, parents=True, exist_ok=True)

    def load(self, id: str) -> StoredImage | None:
        """None also for a record of an older version, which has no layers."""
        if not id:
            return None
        try:
            record = json.loads((self._images / id / "image.json").read_text())
        except FileNotFoundError:
            return None
        if "layer" not in record:
            return None
        tags, digests = _names_of(id, self.tags())
        return StoredImage(
            id=id,
            tags=tags,
            digests=digests,
            created=datetime.fromisoformat(record["created"]),
            size=record["size"],
            base=record["base"],
            layer=record["layer"],
            config=image_config.from_engine(record["config"]),
        )

    def list(self) -> tuple[StoredImage, ...]:
        """Every image, the newest first."""
        names = os.listdir(self._images) if self._images.is_dir() else []
        images = [image for name in names if (image := self.load(name)) is not None]
        return tuple(sorted(images, key=lambda image: image.created, reverse=True))

    def record(self, id: str, *, base: str | None, layer: Layer | None, size: int, config: ImageConfig) -> StoredImage:
        """Put the record of an image in place in one step."""
        record = {
            "created": self._clock.now().isoformat(),
            "size": size,
            "base": base,
            "layer": layer.key if layer else None,
            "config": image_config.to_engine(config),
        }
        if self.load(id) is None:
            import tempfile

            fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self._directory))
            fresh.chmod(0o755)
            (fresh / "image.json").write_text(json.dumps(record))
            if (self._images / id).exists():
                delete(self._images / id)
            fresh.rename(self._images / id)
        stored = self.load(id)
        assert stored is not None
        return stored

    def tag(self, stored: StoredImage, references: tuple[Reference, ...]) -> StoredImage:
        tags = self.tags() | {str(reference): stored.id for reference in references}
        self.write_tags(tags)
        named, digests = _names_of(stored.id, tags)
        return replace(stored, tags=named, digests=digests)

    def delete(self, stored: StoredImage) -> tuple[str, ...]:
        """Its names and its record; its layers go with whatever no image needs."""
        tags = self.tags()
        names = sorted(tag for tag, id in tags.items() if id == stored.id)
        self.write_tags({tag: id for tag, id in tags.items() if id != stored.id})
        gone = self._directory / f"{UNFINISHED}{secrets.token_hex(6)}"
        (self._images / stored.id).rename(gone)
        delete(gone)
        return (*(f"Untagged: {parse(name).familiar}" for name in names), f"Deleted: sha256:{stored.id}")

    def tags(self) -> dict[str, str]:
        path = self._directory / "tags.json"
        try:
            tags: dict[str, str] = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise JournalError(f'table of images "{path}" is damaged: {error}') from error
        return tags

    def write_tags(self, tags: Mapping[str, str]) -> None:
        path = self._directory / "tags.json"
        fresh = path.with_name(f"{UNFINISHED}{secrets.token_hex(6)}")
        fresh.write_text(json.dumps(tags, indent=1, sort_keys=True))
        fresh.replace(path)


def _names_of(id: str, tags: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Its names with tags, and those with digests."""
    names = sorted(name for name, target in tags.items() if target == id)
    return tuple(name for name in names if "@" not in name), tuple(name for name in names if "@" in name)
