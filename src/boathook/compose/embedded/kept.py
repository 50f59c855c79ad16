"""What one process keeps of all projects that live in it: their sandboxes, and the watch over their containers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from boathook.clock import Clock
from boathook.compose import model
from boathook.compose.embedded.preparing import single
from boathook.compose.embedded.specification import missing_names, sandbox_spec
from boathook.compose.embedded.watching import Watches
from boathook.compose.model import Project
from boathook.compose.place import PlaceEvent
from boathook.errors import Conflict
from boathook.runtimes.base import ContainerId, ContainerRuntime, ContainerSpec, NetworkMode, SandboxId
from boathook.runtimes.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sandbox:
    id: SandboxId
    network: NetworkMode
    user: int | None


@dataclass(slots=True, kw_only=True)
class Kept:
    runtime: ContainerRuntime
    clock: Clock
    tasks: TaskGroup | None
    watches: Watches = field(init=False)
    happenings: Subscriptions[tuple[str, PlaceEvent]] = field(default_factory=Subscriptions)
    """Each with its project."""
    _specs: dict[ContainerId, ContainerSpec] = field(default_factory=dict)
    """Of the containers that were made here."""
    _sandboxes: dict[str, _Sandbox] = field(default_factory=dict)
    """Those that were made here, by project."""
    _uids: dict[str, frozenset[int]] = field(default_factory=dict)
    """All that was prepared for a project needs these."""
    _making: anyio.Lock = field(default_factory=anyio.Lock)

    def __post_init__(self) -> None:
        self.watches = Watches(runtime=self.runtime, tasks=self.tasks, tell=self.tell)

    def needs(self, project: str, uids: frozenset[int]) -> None:
        """Remember who the containers of a project are to be, for the sandbox that they share."""
        self._uids[project] = uids

    def knows(self, container: ContainerId, spec: ContainerSpec) -> None:
        self._specs[container] = spec

    def forget(self, container: ContainerId) -> None:
        self._specs.pop(container, None)

    def tell(self, container: ContainerId, action: str, attributes: dict[str, str]) -> None:
        """Something has happened to a container that was made here."""
        spec = self._specs.get(container)
        if spec is None:
            return
        event = PlaceEvent(
            container=container,
            service=spec.labels.get(model.SERVICE_LABEL, ""),
            name=spec.name,
            action=action,
            attributes={"image": spec.image.reference, "name": spec.name, **attributes},
            at=self.clock.now(),
        )
        self.happenings.tell((spec.labels.get(model.PROJECT_LABEL, ""), event))

    async def sandbox(self, project: Project, network: NetworkMode) -> tuple[SandboxId, bool]:
        """The sandbox of a project, made if it has none here, and whether that was so.

        One that nothing is in any more is made anew when another network, or another user, is wanted now. Raises
        ``Conflict`` when there is something in it.
        """
        async with self._making:
            user = single(self._uids.get(project.name, frozenset()))
            standing = self._sandboxes.get(project.name)
            if standing is not None and (standing.network, standing.user) == (network, user):
                return standing.id, False
            if standing is not None and not await self._is_empty(standing.id):
                if standing.network is network:
                    return standing.id, False
                raise Conflict(
                    f'project "{project.name}" runs with --network {standing.network}',
                    hint="take it down first: its containers share one network",
                )
            if standing is not None:
                await self._remove(project.name)
            made = await self.runtime.create_sandbox(sandbox_spec(project, network, user=user))
            self._sandboxes[project.name] = _Sandbox(id=made, network=network, user=user)
            return made, True

    async def _is_empty(self, sandbox: SandboxId) -> bool:
        return not any(one.spec.sandbox == sandbox for one in await self.runtime.list({}))

    def has_sandbox(self, project: str) -> SandboxId | None:
        standing = self._sandboxes.get(project)
        return None if standing is None else standing.id

    async def remove_sandbox(self, project: str) -> None:
        """Its containers have been removed before."""
        async with self._making:
            await self._remove(project)

    async def _remove(self, project: str) -> None:
        standing = self._sandboxes.pop(project, None)
        if standing is not None:
            await self.runtime.remove_sandbox(standing.id)

    async def add_names(self, sandbox: SandboxId, names: Iterable[str]) -> None:
        """Let the containers of a sandbox know these names, those too that run already."""
        async with self._making:
            missing = missing_names(await self.runtime.sandbox_spec(sandbox), names)
            if missing:
                await self.runtime.add_hosts(sandbox, missing)
