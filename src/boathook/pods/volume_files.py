"""What the files of a volume hold: keys of ConfigMaps and Secrets, and what a pod is told of itself.

A kubelet lays them behind a link ``..data`` so that it can exchange all of them at once. Nothing is exchanged here
while a pod lives, so they are plain files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from boathook.errors import NotFound
from boathook.pods.downward import downward_value
from boathook.pods.model import DownwardFiles, KeyToPath, ObjectFiles, Pod, Projected, TokenFile
from boathook.pods.resources import VolumeResolver

NO_TOKEN = 'nobody issues tokens here: this is none for service account "{}" and audience "{}"\n'

READABLE = 0o440
"""What ``fsGroup`` adds to the files of volumes that cannot be written (``volume_linux.go``: roMask)."""
DIRECTORY = 0o755
OF_GROUP = 0o2110
"""What it adds to directories: they are entered by the group, and what is made in them is the group's."""


@dataclass(frozen=True, slots=True)
class Content:
    """One file."""

    data: bytes
    mode: int


async def contents_of(
    pod: Pod, source: ObjectFiles | DownwardFiles | Projected, uid: str, resolver: VolumeResolver
) -> dict[str, Content]:
    """Every file of such a volume by its path. Raises ``NotFound`` for an object or key that is not optional."""
    match source:
        case ObjectFiles():
            return await _object_files(pod, source, resolver)
        case DownwardFiles():
            return _downward_files(pod, source, uid)
        case Projected():
            contents: dict[str, Content] = {}
            for one in source.sources:
                if isinstance(one, TokenFile):
                    text = NO_TOKEN.format(pod.service_account, one.audience)
                    contents[one.path] = Content(text.encode(), source.mode)
                else:
                    contents |= await contents_of(pod, one, uid, resolver)
            return contents


async def _object_files(pod: Pod, files: ObjectFiles, resolver: VolumeResolver) -> dict[str, Content]:
    lookup = resolver.config_map if files.kind == "ConfigMap" else resolver.secret
    found = await lookup(pod.namespace, files.name)
    if found is None:
        if files.optional:
            return {}
        raise NotFound(f'{files.kind.lower()} "{files.name}" not found')
    items = files.items
    if items is None:
        items = tuple(KeyToPath(key=key, path=key, mode=None) for key in sorted(found))
    contents = {}
    for item in items:
        if item.key in found:
            contents[item.path] = Content(found[item.key], files.mode if item.mode is None else item.mode)
        elif not files.optional:
            raise NotFound(f'{_missing_key(files.kind)}: {item.key} ({files.kind} "{pod.namespace}/{files.name}")')
    return contents


def _missing_key(kind: str) -> str:
    """In the kubelet's words (``volume/configmap``, ``volume/secret``: MakePayload)."""
    return (
        "configmap references non-existent config key" if kind == "ConfigMap" else "references non-existent secret key"
    )


def _downward_files(pod: Pod, files: DownwardFiles, uid: str) -> dict[str, Content]:
    return {
        one.path: Content(
            downward_value(pod, one.value, uid, None).encode(), files.mode if one.mode is None else one.mode
        )
        for one in files.files
    }


def write_files(directory: Path, contents: Mapping[str, Content], group: int | None) -> None:
    """Lay them down, as the group's where there is one."""
    for name, content in contents.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.data)
        path.chmod(content.mode if group is None else content.mode | READABLE)
        if group is not None:
            os.chown(path, -1, group)
    for inner in (path for path in (directory, *directory.rglob("*")) if path.is_dir()):
        inner.chmod(DIRECTORY if group is None else DIRECTORY | OF_GROUP)
        if group is not None:
            os.chown(inner, -1, group)
