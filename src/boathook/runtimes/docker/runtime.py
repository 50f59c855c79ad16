"""The runtime of an engine: its containers are Docker's or Podman's own, and each pod's share a pause container.

What this process starts ends with it, as in the embedded runtime, unless ``keep`` is asked for: an engine would let it
run on. What a process that died left behind is told by labels, and removed by :mod:`boathook.runtimes.docker.sweep`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import anyio.to_thread

from boathook.errors import BoathookError, Conflict, CouldNotStart, NotFound, NotRunning, PlaceError, UnsupportedHere
from boathook.home import Home
from boathook.runtimes.base import (
    Container,
    ContainerId,
    ContainerSpec,
    ContainerState,
    ExecSpec,
    Execution,
    Exit,
    Image,
    LogLine,
    OutputSink,
    PullPolicy,
    Request,
    Response,
    RuntimeEvent,
    SandboxId,
    SandboxSpec,
    Volume,
)
from boathook.runtimes.docker import labels as marks
from boathook.runtimes.docker import pause, specification
from boathook.runtimes.docker.endpoint import Endpoint, find_endpoint
from boathook.runtimes.docker.engine import Engine, Refused
from boathook.runtimes.docker.events import EventWatch
from boathook.runtimes.docker.executions import EngineExecution, start_execution
from boathook.runtimes.docker.files import ContainerFiles
from boathook.runtimes.docker.images import EngineImages, PullProgress
from boathook.runtimes.docker.logs import log_lines
from boathook.runtimes.docker.network import connector
from boathook.runtimes.docker.removal import remove_container
from boathook.runtimes.docker.sandboxes import SandboxDirectories
from boathook.runtimes.docker.state import container_as_seen, state_of
from boathook.runtimes.docker.volumes import EngineVolumes
from boathook.runtimes.processes import this_process
from boathook.runtimes.trees import delete_tree

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.1
_CLOSE_SECONDS = 60.0


@dataclass(slots=True)
class _Own:
    """A container that this runtime made."""

    spec: ContainerSpec
    started: anyio.Event = field(default_factory=anyio.Event)
    """Set as well when it could not be started."""
    failed: bool = False
    notes: dict[str, str] = field(default_factory=dict)


class DockerRuntime:
    """Implements ``boathook.runtimes.base.ContainerRuntime`` over the Engine API."""

    def __init__(
        self,
        home: Home,
        *,
        offline: bool = False,
        keep: bool = False,
        endpoint: Endpoint | None = None,
        progress: PullProgress | None = None,
    ) -> None:
        self._home = home
        self._engine = Engine(endpoint or find_endpoint(os.environ))
        self._offline = offline
        self._keep = keep
        self._progress = progress
        self._directories = SandboxDirectories(home)
        self._files = ContainerFiles(self._engine, self._directories)
        self._containers: dict[ContainerId, _Own] = {}
        self._executions: set[EngineExecution] = set()
        self._ownership: marks.Ownership
        self._images: EngineImages
        self._volumes: EngineVolumes
        self._watch: EventWatch

    @property
    def name(self) -> str:
        return "docker"

    @property
    def engine(self) -> Engine:
        """For those who settle what is owed in it."""
        return self._engine

    async def __aenter__(self) -> DockerRuntime:
        self._home.ensure()
        place = marks.place_token(self._home)
        owner = None if self._keep else this_process()
        self._ownership = marks.Ownership(place, owner, secrets.token_hex(8))
        await self._engine.open()
        labels = self._ownership.labels()
        self._images = EngineImages(
            self._engine, labels, self._directories, offline=self._offline, progress=self._progress
        )
        self._volumes = EngineVolumes(self._engine, place)
        self._watch = EventWatch(self._engine, self._ownership.instance)
        try:
            await self._engine.learn_architecture()
            await self._watch.open()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End and remove what this process still runs."""
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + _CLOSE_SECONDS):
            for execution in tuple(self._executions):
                await execution.release()
            await self._watch.close()
            try:
                if not self._keep:
                    await self._remove_own()
            except PlaceError as error:
                log.warning("containers may be left behind: %s", error)
        with anyio.CancelScope(shield=True):
            self._images.close()
            await self._engine.close()

    async def resolve_image(self, reference: str, policy: PullPolicy) -> Image:
        return await self._images.resolve(reference, policy)

    async def resolve_user(self, image: Image, user: str) -> tuple[int, int]:
        return await self._images.user(image, user)

    def can_be(self, uids: frozenset[int]) -> str | None:
        return None

    def not_enforced(self, spec: ContainerSpec) -> tuple[str, ...]:
        return ()

    async def create_sandbox(self, spec: SandboxSpec) -> SandboxId:
        image = await pause.ensure_image(self._engine)
        directory = self._directories.make()
        labels = {marks.SANDBOX: marks.written(spec), marks.DIRECTORY: directory, **self._ownership.labels()}
        name = specification.container_name(spec.name, "pod")
        made = await self._create(name, specification.sandbox_body(spec, image, labels))
        try:
            await self._engine.call("POST", f"containers/{made}/start")
        except BaseException:
            with anyio.CancelScope(shield=True):
                await remove_container(self._engine, made)
                await self._delete_directory(directory)
            raise
        return SandboxId(made)

    async def sandbox_spec(self, sandbox: SandboxId) -> SandboxSpec:
        found = marks.sandbox_spec((await self._inspect(sandbox))["Config"]["Labels"])
        if found is None:
            raise NotFound(f"no sandbox {sandbox!r}")
        return found

    async def remove_sandbox(self, sandbox: SandboxId) -> None:
        try:
            directory = await self._directory_of(sandbox)
        except NotFound:
            return
        await remove_container(self._engine, sandbox)
        await self._delete_directory(directory)

    async def create(self, spec: ContainerSpec) -> ContainerId:
        directory = await self._directory_of(spec.sandbox)
        user = await self.resolve_user(spec.image, spec.user)
        token = secrets.token_hex(6)
        labels = {
            marks.SPEC: marks.written(spec),
            marks.USER: f"{user[0]}:{user[1]}",
            marks.DIRECTORY: directory,
            marks.MESSAGE: token,
            **self._ownership.labels(),
        }
        mounts = self._files.mounts(spec, directory, token)
        body = specification.container_body(spec, user=user, labels=labels, mounts=mounts, podman=self._engine.podman)
        container = ContainerId(await self._create(specification.container_name(spec.name), body))
        self._containers[container] = _Own(spec)
        await self._files.put(container, spec)
        return container

    async def start(self, container: ContainerId) -> None:
        own = self._own(container)
        if (await self.inspect(container)).state is ContainerState.RUNNING:
            raise Conflict(f"container {own.spec.name!r} could not be started: it runs")
        own.failed = False
        try:
            await self._refuse_root(container, own.spec)
            await self._engine.call("POST", f"containers/{container}/start")
        except (CouldNotStart, Conflict, NotRunning, Refused) as error:
            own.failed = True
            if isinstance(error, CouldNotStart):
                raise
            raise CouldNotStart(f"container {own.spec.name!r} could not be started: {error}") from error
        finally:
            own.started.set()

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        known = specification.known_variables(await self._spec(container))
        body = specification.exec_body(spec, known, podman=self._engine.podman)
        try:
            execution = await start_execution(self._engine, container, body, output, stdin=spec.stdin)
        except (NotRunning, CouldNotStart, Conflict, Refused) as error:
            raise await self._why_no_exec(container, error) from error
        self._executions = {each for each in self._executions if not each.over} | {execution}
        return execution

    async def request(self, container: ContainerId, request: Request, *, label: str = "") -> Response:
        from boathook.runtimes.requests import perform

        sandbox = (await self._spec(container)).sandbox
        return await perform(request, connector(self._engine, sandbox))

    async def signal(self, container: ContainerId, signal: str) -> None:
        try:
            await self._engine.call("POST", f"containers/{container}/kill", query={"signal": signal})
        except (NotRunning, Conflict, Refused) as error:
            raise await self._why_no_signal(container, error) from error

    async def wait(self, container: ContainerId) -> Exit:
        try:
            await self._until_started(container)
            await self._engine.call("POST", f"containers/{container}/wait", query={"condition": "not-running"})
            while (seen := await self.inspect(container)).state is not ContainerState.EXITED:  # noqa: ASYNC110
                await anyio.sleep(_POLL_SECONDS)
        except NotFound:
            if container not in self._containers:
                raise
            return Exit(code=None, signal=None)  # Somebody else removed it.
        return seen.exit or Exit(code=None, signal=None)

    async def pause(self, container: ContainerId) -> None:
        await self._freeze(container, "pause")

    async def unpause(self, container: ContainerId) -> None:
        await self._freeze(container, "unpause")

    async def _freeze(self, container: ContainerId, act: str) -> None:
        try:
            await self._engine.call("POST", f"containers/{container}/{act}")
        except (NotRunning, Conflict, Refused) as error:
            raise await self._why_no_signal(container, error) from error

    async def rename(self, container: ContainerId, name: str) -> None:
        """Labels cannot be changed: only this process knows the new name of the specification."""
        own = self._own(container)
        query = {"name": specification.container_name(name)}
        await self._engine.call("POST", f"containers/{container}/rename", query=query)
        own.spec = replace(own.spec, name=name)

    async def note(self, container: ContainerId, notes: Mapping[str, str]) -> None:
        """Kept here: an engine's labels cannot be changed."""
        own = self._containers.get(container)
        if own is not None:
            known = own.notes | dict(notes)
            own.notes = {name: text for name, text in known.items() if text}

    async def add_hosts(self, sandbox: SandboxId, hosts: tuple[tuple[str, str], ...]) -> None:
        raise UnsupportedHere("names cannot be added to a sandbox that stands on an engine")

    async def remove(self, container: ContainerId) -> None:
        await remove_container(self._engine, container)
        own = self._containers.pop(container, None)
        if own is not None:
            own.started.set()

    async def inspect(self, container: ContainerId) -> Container:
        return await self._seen(await self._inspect(container))

    async def list(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        wanted = marks.filters({**labels, marks.PLACE: self._ownership.place}, marks.SPEC)
        listed = await self._engine.call("GET", "containers/json", query={"all": True, **wanted})
        found: list[Container] = []
        async with anyio.create_task_group() as tasks:
            for each in listed:
                tasks.start_soon(self._look, ContainerId(each["Id"]), found.append)
        return tuple(sorted(found, key=lambda each: (each.created, each.id)))

    async def logs(self, container: ContainerId, *, follow: bool = False) -> AsyncIterator[LogLine]:
        if follow:
            await self._until_started(container)
        query = {"stdout": True, "stderr": True, "timestamps": True, "follow": follow}
        async with self._engine.stream("GET", f"containers/{container}/logs", query=query) as content:
            async for line in log_lines(content):
                yield line

    def events(self) -> AsyncIterator[RuntimeEvent]:
        return self._watch.subscriptions.add()

    async def create_volume(
        self, name: str, labels: Mapping[str, str], *, mode: int, sandbox: SandboxId | None = None
    ) -> Volume:
        if sandbox is None:
            return await self._volumes.create(name, labels, mode)
        directory = await self._directory_of(sandbox)
        if self._engine.endpoint.local and os.geteuid() == 0:
            return self._directories.volumes(directory).create(name, labels, mode)
        own = {**labels, marks.DIRECTORY: directory}
        return await self._volumes.create(f"{directory}-{name}", own, mode)

    async def remove_volume(self, name: str) -> None:
        await self._volumes.remove(name)

    async def list_volumes(self, labels: Mapping[str, str]) -> tuple[Volume, ...]:
        return await self._volumes.list(labels)

    async def _create(self, name: str, body: Mapping[str, Any]) -> str:
        made = await self._engine.call("POST", "containers/create", query={"name": name}, body=dict(body))
        return str(made["Id"])

    async def _refuse_root(self, container: ContainerId, spec: ContainerSpec) -> None:
        if spec.run_as_non_root:
            found = await self._inspect(container)
            if found["Config"]["Labels"][marks.USER].startswith("0:"):
                raise CouldNotStart("container has runAsNonRoot and image will run as root")

    async def _why_no_exec(self, container: ContainerId, error: BoathookError) -> BoathookError:
        """One that has ended cannot be entered, nor one that is paused; else the program could not be started."""
        if isinstance(error, CouldNotStart | NotRunning) and "is paused" in str(error):
            return NotRunning(f"container {(await self._spec(container)).name!r} is paused")
        seen = await self.inspect(container)
        if seen.state is not ContainerState.RUNNING:
            return NotRunning(f"container {seen.spec.name!r} is not running")
        return error if isinstance(error, CouldNotStart) else CouldNotStart(str(error))

    async def _why_no_signal(self, container: ContainerId, error: BoathookError) -> BoathookError:
        seen = await self.inspect(container)
        if seen.state is not ContainerState.RUNNING:
            return NotRunning(f"container {seen.spec.name!r} is not running")
        return error

    def _own(self, container: ContainerId) -> _Own:
        own = self._containers.get(container)
        if own is None:
            raise Conflict(f"container {container!r} belongs to another process")
        return own

    async def _inspect(self, container: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = await self._engine.call("GET", f"containers/{container}/json")
        except NotFound as error:
            raise NotFound(f"no container {container!r}") from error
        return found

    async def _spec(self, container: ContainerId) -> ContainerSpec:
        own = self._containers.get(container)
        return own.spec if own else self._specification(await self._inspect(container))

    def _specification(self, found: Mapping[str, Any]) -> ContainerSpec:
        spec = marks.container_spec(found["Config"]["Labels"] or {})
        if spec is None:
            raise NotFound(f"no container {found['Id']!r} of Boathook's")
        return spec

    async def _seen(self, found: Mapping[str, Any]) -> Container:
        spec = self._specification(found)
        own = self._containers.get(ContainerId(found["Id"]))
        message = ""
        if state_of(found["State"]) is ContainerState.EXITED and spec.termination_message_path is not None:
            message = await self._files.termination_message(found, spec.termination_message_path)
        seen = container_as_seen(found, own.spec if own else spec, message)
        if own is not None and own.notes:
            seen = replace(seen, notes=own.notes)
        if own is not None and own.failed and seen.state is ContainerState.CREATED:
            return replace(seen, state=ContainerState.EXITED, exit=Exit(code=None, signal=None))
        return seen

    async def _look(self, container: ContainerId, tell: Callable[[Container], None]) -> None:
        """One that is removed meanwhile, or that another version wrote, is none."""
        with contextlib.suppress(NotFound):
            tell(await self.inspect(container))

    async def _until_started(self, container: ContainerId) -> None:
        """An engine ends the log of a container that does not run yet."""
        own = self._containers.get(container)
        if own is not None:
            await own.started.wait()
        while (await self.inspect(container)).state is ContainerState.CREATED:  # noqa: ASYNC110
            await anyio.sleep(_POLL_SECONDS)

    async def _directory_of(self, sandbox: SandboxId) -> str:
        found = await self._inspect(sandbox)
        return str((found["Config"]["Labels"] or {}).get(marks.DIRECTORY, ""))

    async def _delete_directory(self, directory: str) -> None:
        if not directory:
            return
        await anyio.to_thread.run_sync(delete_tree, self._directories.path(directory))
        for volume in await self._volumes.list({marks.DIRECTORY: directory}):
            await self._volumes.remove(volume.name)

    async def _remove_own(self) -> None:
        """By its labels: what was being made when somebody interrupted it is found as well."""
        wanted = marks.filters({marks.INSTANCE: self._ownership.instance})
        listed = await self._engine.call("GET", "containers/json", query={"all": True, **wanted})
        sandboxes = [each for each in listed if marks.SANDBOX in each["Labels"]]
        async with anyio.create_task_group() as tasks:
            for each in listed:
                if marks.SANDBOX not in each["Labels"]:
                    tasks.start_soon(remove_container, self._engine, each["Id"])
        for each in sandboxes:
            await self.remove_sandbox(SandboxId(each["Id"]))
