"""The narrow abilities a handler asks of what it runs against: capabilities, not systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeGuard, runtime_checkable

from boathook.errors import NotFound
from boathook.model import Manifest, RunContainer
from boathook.runtimes.base import ContainerId, ContainerRuntime, ExecSpec, Execution, OutputSink, Request, Response


@runtime_checkable
class CanExec(Protocol):
    """Can run a program in the place that the hook is for."""

    async def exec(self, spec: ExecSpec, output: OutputSink) -> Execution:
        """Raises ``CouldNotStart``, ``NotRunning``, ``NotFound``, ``UnsupportedHere``."""
        ...


@runtime_checkable
class CanRunContainer(Protocol):
    """Can run a program in a container of its own, with the networks and volumes of the one that the hook is for."""

    async def run_container(self, handler: RunContainer, output: OutputSink, *, label: str) -> Execution:
        """Create and start it; its end is that of its main process. ``kill`` removes it.

        What becomes of a helper that has ended (removed, or kept for inspection) is the target's affair. Raises
        ``CouldNotStart``, ``NotFound``, ``UnsupportedHere``.
        """
        ...


@runtime_checkable
class CanRequest(Protocol):
    """Can ask something of the place that the hook is for, over its network."""

    async def request(self, request: Request, *, label: str) -> Response:
        """Raises ``RequestFailed``, ``NotRunning``, ``NotFound``."""
        ...


@runtime_checkable
class HasUser(Protocol):
    """Knows who its programs run as where they name nobody."""

    async def user(self) -> str | None:
        """``uid:gid``; None where that cannot be known (any more)."""
        ...


async def user_of(target: object) -> str | None:
    """Who the target's programs run as, where it knows."""
    return await target.user() if _has_user(target) else None


@dataclass(frozen=True, slots=True)
class Completion:
    """How an applied object ended."""

    ok: bool
    message: str


@runtime_checkable
class CanApply(Protocol):
    """Can apply an object to a cluster and wait until it is complete."""

    async def apply(self, manifest: Manifest) -> None: ...

    async def completion(self, manifest: Manifest, output: OutputSink) -> Completion:
        """Until it is complete or has failed; what its pods wrote goes to ``output``."""
        ...


HookTarget = CanExec | CanRunContainer | CanApply | CanRequest | None
"""What a hook is run against. None is enough for ``sleep``."""


def can_exec(target: object) -> TypeGuard[CanExec]:
    """Whether it has the ability. Asked once for each class: asking a protocol is slow."""
    return _is_able(type(target), CanExec)


def can_run_container(target: object) -> TypeGuard[CanRunContainer]:
    """Whether it has the ability."""
    return _is_able(type(target), CanRunContainer)


def can_apply(target: object) -> TypeGuard[CanApply]:
    """Whether it has the ability."""
    return _is_able(type(target), CanApply)


def can_request(target: object) -> TypeGuard[CanRequest]:
    """Whether it has the ability."""
    return _is_able(type(target), CanRequest)


def _has_user(target: object) -> TypeGuard[HasUser]:
    return _is_able(type(target), HasUser)


_KNOWN: dict[tuple[type, type], bool] = {}


def _is_able(cls: type, ability: type) -> bool:
    known = _KNOWN.get((cls, ability))
    if known is None:
        known = _KNOWN[cls, ability] = issubclass(cls, ability)
    return known


@dataclass(frozen=True, slots=True)
class ContainerExec:
    """A container of a runtime, as something that can exec and be asked."""

    runtime: ContainerRuntime
    container: ContainerId

    async def exec(self, spec: ExecSpec, output: OutputSink) -> Execution:
        return await self.runtime.exec(self.container, spec, output)

    async def request(self, request: Request, *, label: str) -> Response:
        return await self.runtime.request(self.container, request, label=label)

    async def user(self) -> str | None:
        try:
            return (await self.runtime.inspect(self.container)).user
        except NotFound:
            return None
