"""The one place that removes containers of an engine, and what dead owners left there."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.to_thread

from boathook.errors import BoathookError, Conflict, NotFound
from boathook.home import Home
from boathook.runtimes.docker import labels as marks
from boathook.runtimes.docker.endpoint import Endpoint
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.sandboxes import SandboxDirectories
from boathook.runtimes.docker.volumes import EngineVolumes
from boathook.runtimes.trees import delete_tree

_POLL_SECONDS = 0.05


async def remove_container(engine: Engine, container: str, *, volumes: bool = True) -> None:
    """End it if it runs and delete it, with the volumes that have no name. Idempotent; returns when it is gone."""
    try:
        await engine.call("DELETE", f"containers/{container}", query={"force": True, "v": volumes})
        return
    except NotFound:
        return
    except Conflict:
        pass  # Somebody else is at it.
    while True:
        try:
            await engine.call("GET", f"containers/{container}/json")
        except NotFound:
            return
        await anyio.sleep(_POLL_SECONDS)


async def sweep_engine(home: Home, endpoint: Endpoint) -> tuple[str, ...]:
    """Remove what dead owners of this state directory left in the engine; one sentence for each thing.

    What has a living owner is not touched, nor what was made to stay. Raises ``PlaceError`` when nobody answers.
    """
    engine = Engine(endpoint)
    await engine.open()
    try:
        return await _sweep(home, engine)
    finally:
        await engine.close()


async def _sweep(home: Home, engine: Engine) -> tuple[str, ...]:
    place = marks.place_token(home)
    said: list[str] = []
    query = {"all": True, **marks.filters({marks.PLACE: place}, marks.OWNER)}
    listed = await engine.call("GET", "containers/json", query=query)
    orphans = [each for each in listed if marks.is_orphan(each["Labels"])]
    # A sandbox goes last: its containers use its network.
    for each in sorted(orphans, key=lambda each: marks.SANDBOX in each["Labels"]):
        said.append(await _remove_orphan(engine, each))
    await _sweep_directories(home, engine, place)
    return tuple(said)


async def _sweep_directories(home: Home, engine: Engine, place: str) -> None:
    """Those of dead makers that no container uses: what was made to stay outlives its maker."""
    query = {"all": True, **marks.filters({marks.PLACE: place}, marks.DIRECTORY)}
    used = {each["Labels"][marks.DIRECTORY] for each in await engine.call("GET", "containers/json", query=query)}
    volumes = EngineVolumes(engine, place)
    directories = SandboxDirectories(home)
    for name, maker in tuple(directories.all()):
        if maker.alive or name in used:
            continue
        for volume in await volumes.list({marks.DIRECTORY: name}):
            await volumes.remove(volume.name)
        await anyio.to_thread.run_sync(delete_tree, directories.path(name))


async def _remove_orphan(engine: Engine, found: dict[str, Any]) -> str:
    labels = found["Labels"]
    sandbox, container = marks.sandbox_spec(labels), marks.container_spec(labels)
    if sandbox is not None:
        what = f"sandbox {sandbox.name!r}"
    else:
        what = f"container {container.name!r}" if container is not None else f"container {found['Id']!r}"
    try:
        await remove_container(engine, found["Id"])
    except BoathookError as error:
        return f"{what} could not be removed: {error}"
    owner = marks.owner_of(labels)
    return f"removed {what}, which process {owner.pid if owner else '?'} left behind in the engine"
