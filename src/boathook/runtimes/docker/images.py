"""Images as an engine has them: found in its own store, pulled by it, and the users that they know."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from boathook.errors import ImageUnavailable, NotFound, PlaceError
from boathook.images.credentials import DEFAULT_SERVER, Credentials, find_credentials
from boathook.images.model import Image, ImageConfig, PullPolicy
from boathook.images.reference import DEFAULT_REGISTRY, InvalidReference, Reference, parse
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.sandboxes import SandboxDirectories
from boathook.runtimes.trees import delete_tree

PullProgress = Callable[[str, Mapping[str, Any]], None]
"""Is told the reference, and what the engine says of its pull: ``status``, ``id`` of the layer, ``progressDetail``."""

_ENGINE, _PULLED = "engine", "pulled"
_USER_FILES = ("etc/passwd", "etc/group")


class EngineImages:
    """The images of one engine. ``offline``: nothing is pulled."""

    def __init__(
        self,
        engine: Engine,
        labels: Mapping[str, str],
        directories: SandboxDirectories,
        *,
        offline: bool,
        progress: PullProgress | None = None,
    ) -> None:
        self._engine = engine
        self._labels = labels
        self._offline = offline
        self._progress = progress
        self._directories = directories
        self._users: dict[str, Path] = {}
        self._reading = anyio.Lock()

    def close(self) -> None:
        for path in self._users.values():
            delete_tree(path)

    async def resolve(
        self, reference: str, policy: PullPolicy, *, platform: str = "", progress: PullProgress | None = None
    ) -> Image:
        """``platform``: that of the image that is pulled; empty: the engine's own. ``progress`` hears of the pull.

        Raises ``ImageUnavailable`` with what was tried and the remedy.
        """
        try:
            name = parse(reference)
        except InvalidReference as error:
            raise ImageUnavailable(str(error), reason="InvalidImageName") from error
        here = await self._find(reference)
        never = policy is PullPolicy.NEVER
        if here is not None and (never or self._offline or policy is PullPolicy.IF_NOT_PRESENT):
            return image_of(reference, here)
        if never or self._offline:
            why = "imagePullPolicy is Never" if never else "offline"
            raise ImageUnavailable(
                f'image "{reference}" is not in the engine, and it may not be pulled: {why}',
                reason="ErrImageNeverPull" if never else "ErrImagePull",
                hint=f"docker pull {reference}, or docker load an archive that has it",
            )
        return await self._pulled(reference, name, here, platform, progress or self._progress)

    async def _pulled(
        self,
        reference: str,
        name: Reference,
        here: Mapping[str, Any] | None,
        platform: str,
        progress: PullProgress | None,
    ) -> Image:
        """An image that was imported is what its user put there: it is used where no registry gives another."""
        try:
            await self._pull(reference, name, platform, progress)
            found = await self._find(reference)
        except PlaceError as error:
            if here is not None and not here.get("RepoDigests"):
                return replace(image_of(reference, here), note=str(error))
            raise ImageUnavailable(
                f'image "{reference}" could not be pulled: {error}',
                hint=error.hint or "docker load an archive that has it, or docker login where its registry asks for it",
            ) from error
        if found is None:
            raise ImageUnavailable(f'image "{reference}" was pulled, and the engine does not have it')
        return image_of(reference, found, _PULLED)

    async def _pull(self, reference: str, name: Reference, platform: str, progress: PullProgress | None) -> None:
        credentials = await anyio.to_thread.run_sync(find_credentials, name.registry)
        headers = {} if credentials is None else {"X-Registry-Auth": _header(credentials, name.registry)}
        query = {"fromImage": f"{name.registry}/{name.repository}", "tag": name.digest or name.tag or ""}
        query |= {"platform": platform} if platform else {}
        try:
            async for said in self._engine.told("POST", "images/create", query=query, headers=headers):
                if progress is not None:
                    progress(reference, said)
        except NotFound as error:
            raise PlaceError(str(error)) from error

    async def _find(self, reference: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = await self._engine.call("GET", f"images/{reference}/json")
        except NotFound:
            return None
        return found

    async def user(self, image: Image, user: str) -> tuple[int, int]:
        """uid and gid. Only what is not written in numbers is looked up in the image's own files."""
        named = user or image.config.user or "0:0"
        uid, _, gid = named.partition(":")
        if uid.isdigit() and gid.isdigit():
            return int(uid), int(gid)
        from boathook.images.users import lookup_user

        async with self._reading:
            if image.reference not in self._users:
                self._users[image.reference] = await self._read_users(image)
        return lookup_user(replace(image, layers=(self._users[image.reference],)), named)

    async def _read_users(self, image: Image) -> Path:
        """An engine shows files of containers only, so one is made, and never started."""
        root = self._directories.path(self._directories.make())
        (root / "etc").mkdir()
        body = {"Image": image.reference, "Entrypoint": ["/-"], "Labels": dict(self._labels)}
        made = (await self._engine.call("POST", "containers/create", body=body))["Id"]
        try:
            for name in _USER_FILES:
                try:
                    content = file_in(await self._engine.archive(made, f"/{name}"))
                except NotFound:
                    continue
                (root / name).write_bytes(content)
        finally:
            with anyio.CancelScope(shield=True):
                await self._engine.call("DELETE", f"containers/{made}", query={"force": True})
        return root


def file_in(archive: bytes) -> bytes:
    """The first file of a tar archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for entry in tar:
            file = tar.extractfile(entry) if entry.isfile() else None
            if file is not None:
                return file.read()
    return b""


def image_of(reference: str, found: Mapping[str, Any], origin: str = _ENGINE) -> Image:
    """``found`` is the answer to ``GET /images/NAME/json``."""
    return Image(
        reference=reference, origin=origin, stand_in=False, layers=(), host_system=False, config=_config(found)
    )


def _config(found: Mapping[str, Any]) -> ImageConfig:
    config = found.get("Config") or {}
    pairs = (entry.partition("=") for entry in config.get("Env") or ())
    return ImageConfig(
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        environment=tuple((name, value) for name, _, value in pairs),
        working_dir=config.get("WorkingDir") or "",
        user=config.get("User") or "",
        volumes=tuple(config.get("Volumes") or ()),
        stop_signal=config.get("StopSignal") or "",
    )


def registry_configuration(credentials: Mapping[str, Credentials]) -> dict[str, str]:
    """The header by which a build is given all of them; nothing where there are none."""
    configs = [_auth_config(one, registry) for registry, one in credentials.items()]
    text = json.dumps({config["serveraddress"]: config for config in configs})
    return {"X-Registry-Config": base64.urlsafe_b64encode(text.encode()).decode()} if configs else {}


def _header(credentials: Credentials, registry: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(_auth_config(credentials, registry)).encode()).decode()


def _auth_config(credentials: Credentials, registry: str) -> dict[str, str]:
    """As the docker CLI hands them to its engine (moby api/types/registry: AuthConfig)."""
    given = {
        "username": credentials.username,
        "password": credentials.password,
        "identitytoken": credentials.identity_token,
        "registrytoken": credentials.registry_token,
        "serveraddress": DEFAULT_SERVER if registry == DEFAULT_REGISTRY else registry,
    }
    return {name: value for name, value in given.items() if value}
