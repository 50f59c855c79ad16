"""Volumes: named ones are the engine's; a sandbox's own lie beside its records where engine and we share a machine."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio

from boathook.errors import Conflict, NotFound
from boathook.runtimes.base import Volume
from boathook.runtimes.docker import pause
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.labels import PLACE, filters, theirs

_MOUNTED = "volume"


class EngineVolumes:
    def __init__(self, engine: Engine, place: str) -> None:
        self._engine = engine
        self._place = place

    async def create(self, name: str, labels: Mapping[str, str], mode: int) -> Volume:
        """One that is there already is used as it is."""
        try:
            return self._volume(await self._find(name), fresh=False)
        except NotFound:
            pass
        body = {"Name": name, "Labels": {**labels, PLACE: self._place}}
        made = self._volume(await self._engine.call("POST", "volumes/create", body=body), fresh=True)
        if made.path is not None:
            made.path.chmod(mode)
        else:
            await self._set_mode(name, mode)
        return made

    async def remove(self, name: str) -> None:
        """Raises ``Conflict`` for one that was not made here: it may hold what somebody else needs."""
        try:
            found = await self._find(name)
        except NotFound:
            return
        if (found.get("Labels") or {}).get(PLACE) != self._place:
            raise Conflict(f'volume "{name}" is not removed: it was not made here', hint=f"docker volume rm {name}")
        await self._engine.call("DELETE", f"volumes/{name}")

    async def list(self, labels: Mapping[str, str]) -> tuple[Volume, ...]:
        answer = await self._engine.call("GET", "volumes", query=filters({**labels, PLACE: self._place}))
        found = (self._volume(each, fresh=False) for each in answer.get("Volumes") or ())
        return tuple(sorted(found, key=lambda each: each.name))

    async def _find(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._engine.call("GET", f"volumes/{name}")
        return found

    def _volume(self, found: Mapping[str, Any], *, fresh: bool) -> Volume:
        return Volume(
            name=found["Name"],
            path=self._path(found.get("Mountpoint") or ""),
            labels=theirs(found.get("Labels") or {}),
            fresh=fresh,
        )

    def _path(self, mountpoint: str) -> Path | None:
        """Where it can be written to from here: as root, on the engine's machine."""
        if not mountpoint or not self._engine.endpoint.local or os.geteuid() != 0:
            return None
        path = Path(mountpoint)
        return path if path.is_dir() else None

    async def _set_mode(self, name: str, mode: int) -> None:
        """By unpacking a directory of that mode over it, in a container that is never started."""
        mount = {"Type": "volume", "Source": name, "Target": f"/{_MOUNTED}"}
        body = {"Image": await pause.ensure_image(self._engine), "HostConfig": {"Mounts": [mount]}}
        made = (await self._engine.call("POST", "containers/create", body=body))["Id"]
        try:
            await self._engine.call(
                "PUT", f"containers/{made}/archive", query={"path": "/"}, body=_directory(_MOUNTED, mode)
            )
        finally:
            with anyio.CancelScope(shield=True):
                await self._engine.call("DELETE", f"containers/{made}", query={"force": True})


def _directory(name: str, mode: int) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        tar.addfile(entry)
    return file.getvalue()
