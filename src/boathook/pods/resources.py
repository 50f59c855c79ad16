"""What pods need of a place that holds Kubernetes objects: claims, ConfigMaps and Secrets."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Protocol

from boathook.errors import NotFound
from boathook.model import JsonObject
from boathook.objects import mapping
from boathook.runtimes.base import ContainerRuntime, Volume


class VolumeResolver(Protocol):
    """Where a pod's claims, ConfigMaps and Secrets come from."""

    async def claim(self, namespace: str, name: str) -> Volume:
        """The storage behind a PersistentVolumeClaim, bound if it was not yet.

        Raises ``NotFound`` (``persistentvolumeclaim "<name>" not found``) or ``Conflict`` where nothing can be bound.
        """
        ...

    async def config_map(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """``data`` and ``binaryData`` together; None when there is no such ConfigMap."""
        ...

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """The decoded ``data`` with ``stringData`` over it; None when there is no such Secret."""
        ...


class FileResources:
    """Takes everything from the objects that stand beside the pods in their file; claims are fresh volumes."""

    def __init__(self, objects: Sequence[JsonObject], runtime: ContainerRuntime) -> None:
        self._objects = {_identity(one): one for one in objects}
        self._runtime = runtime

    async def claim(self, namespace: str, name: str) -> Volume:
        if ("PersistentVolumeClaim", namespace, name) not in self._objects:
            raise NotFound(f'persistentvolumeclaim "{name}" not found')
        return await self._runtime.create_volume(f"{namespace}-{name}", {}, mode=0o777)

    async def config_map(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        found = self._objects.get(("ConfigMap", namespace, name))
        return None if found is None else config_map_files(found)

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        found = self._objects.get(("Secret", namespace, name))
        return None if found is None else secret_files(found)


def config_map_files(config_map: JsonObject) -> dict[str, bytes]:
    """The keys of a ConfigMap object."""
    texts = {key: str(value).encode() for key, value in mapping(config_map.get("data")).items()}
    return texts | {k: base64.b64decode(str(v)) for k, v in mapping(config_map.get("binaryData")).items()}


def secret_files(secret: JsonObject) -> dict[str, bytes]:
    """The keys of a Secret object; ``stringData`` wins, as the API server merges it."""
    decoded = {key: base64.b64decode(str(value)) for key, value in mapping(secret.get("data")).items()}
    return decoded | {key: str(value).encode() for key, value in mapping(secret.get("stringData")).items()}


def _identity(obj: JsonObject) -> tuple[str, str, str]:
    metadata = mapping(obj.get("metadata"))
    return str(obj.get("kind", "")), str(metadata.get("namespace") or "default"), str(metadata.get("name", ""))
