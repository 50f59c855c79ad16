"""What ``boathook image import`` takes: a directory or an archive, told apart by looking."""

from __future__ import annotations

from pathlib import Path

from boathook.errors import NotFound, UsageError
from boathook.home import Home
from boathook.images.catalogue import StoredImage
from boathook.images.layout import Layout, is_layout, split_layout
from boathook.images.reference import InvalidReference, Reference, parse
from boathook.images.store import ImageStore

KINDS = ("docker-archive", "rootfs", "oci", "oci-archive")


def import_source(
    home: Home, source: str, name: str | None, *, base: str | None, changes: tuple[str, ...]
) -> tuple[StoredImage, ...]:
    """Import into the store of ``home``. Raises ``NotFound`` and ``UsageError``."""
    kind, colon, rest = source.partition(":")
    if kind == "oci" and rest:
        return _import_layout(home, *split_layout(rest), name, plain=base is None and not changes)
    path = Path(rest if colon and kind in KINDS else source).expanduser()
    if not path.exists():
        raise NotFound(f'image source "{path}": no such file or directory')
    reference = _reference(name)
    store = ImageStore(home)
    if not path.is_dir():
        return store.import_archive(path, reference, base=base, changes=changes)
    if kind != "rootfs" and is_layout(path):
        return _import_layout(home, path, "", name, plain=base is None and not changes)
    if reference is None:
        raise UsageError(
            f'directory "{path}" needs a name to be imported as', hint=f"boathook image import {source} NAME"
        )
    return (store.import_directory(path, reference, base=base, changes=changes),)


def _import_layout(home: Home, path: Path, tag: str, name: str | None, *, plain: bool) -> tuple[StoredImage, ...]:
    if not plain:
        raise UsageError(f'OCI layout "{path}" has its own configuration: --base and --change are not for it')
    return ImageStore(home).import_layout(Layout(path), tag, _reference(name))


def _reference(name: str | None) -> Reference | None:
    if name is None:
        return None
    try:
        reference = parse(name)
    except InvalidReference as error:
        raise UsageError(str(error)) from error
    if reference.digest:
        raise UsageError(f'image "{name}": a name to import as cannot have a digest')
    return reference
