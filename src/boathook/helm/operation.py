"""One command's work on one revision: its record, written at each step, and the hooks of its phases run in order."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol, runtime_checkable

import anyio

from boathook.cluster.base import Cluster, ObjectKey
from boathook.errors import BoathookError, ManifestError, NotFound
from boathook.events import Noted, PhaseChanged
from boathook.helm.hooks import is_deleted_by, logs_output, policies_when_run, run_order
from boathook.helm.model import (
    BEFORE_HOOK_CREATION,
    HOOK_FAILED,
    HOOK_SUCCEEDED,
    HelmHook,
    HookEvent,
    LastRun,
    Release,
    ReleaseStatus,
    RunPhase,
)
from boathook.helm.objects import hook_key, hook_of
from boathook.helm.storage import ReleaseStore
from boathook.helm.target import ClusterApply, completion_of
from boathook.hooks import Deadline, OnDeadline, run_hook
from boathook.journal import Context
from boathook.model import Finding, Hook, HookResult, JsonValue, Outcome, Severity, Source, Target

NO_TIMEOUT = timedelta(seconds=30)
"""What ``--timeout 0`` means in Helm 4 (pkg/kube: DefaultStatusWatcherTimeout)."""

GONE = "context deadline exceeded"
"""Helm's words for a deletion that did not end in time."""

RECORD_SECONDS = 10.0
"""How long writing the last word about a cancelled release may take."""


def release_target(release: Release) -> Target:
    """What events and debts call a revision. A release that is installed anew is another instance."""
    began = release.first_deployed.isoformat()
    return Target(
        kind="release",
        scope=release_scope(release.name, release.namespace),
        name=release.name,
        instance=f"{release.namespace}/{release.name}.v{release.revision}@{began}",
    )


def release_scope(name: str, namespace: str) -> str:
    """What is locked against a second command on the same release."""
    return f"release:{namespace}/{name}"


@dataclass(slots=True, kw_only=True)
class Operation:
    """Install or uninstall while it lasts. ``release`` is what the record says, or will say when next written."""

    cluster: Cluster
    context: Context
    release: Release
    timeout: timedelta
    results: list[HookResult] = field(default_factory=list)
    recorded: ReleaseStatus | None = None
    """The status that this operation has last written; None: it has written nothing."""

    @property
    def store(self) -> ReleaseStore:
        return ReleaseStore(self.cluster, self.release.namespace)

    @property
    def target(self) -> Target:
        return release_target(self.release)

    async def create(self) -> None:
        """Write the record for the first time."""
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + RECORD_SECONDS):
            await self.store.create(self.release, now=self.context.clock.now())
            self.recorded = self.release.status
        self.tell_status()

    async def write(self) -> None:
        await self.store.update(self.release, now=self.context.clock.now())
        self.recorded = self.release.status

    async def become(self, status: ReleaseStatus, description: str) -> None:
        """Write a new status, at once and for good: cancellation waits for it."""
        self.release = replace(self.release, status=status, description=description)
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + RECORD_SECONDS):
            await self.write()
        self.tell_status()

    def tell_status(self) -> None:
        status = self.release.status
        reason = self.release.description if status is ReleaseStatus.FAILED else None
        self.context.events.emit(PhaseChanged(target=self.target, phase=status.value, reason=reason))

    async def run_phase(self, event: HookEvent) -> str | None:
        """Run the hooks of one event, one at a time; what went wrong in Helm's words, None when nothing did.

        Helm's pkg/action/hooks.go:execHookWithDelayedShutdown; helm-hooks.md 4.
        """
        places = [self.release.hooks.index(hook) for hook in run_order(self.release.hooks, event)]
        for number, place in enumerate(places):
            problem = await self._run_one(place, event, earlier=places[:number])
            if problem is not None:
                return problem
        for place in reversed(places):
            self._show_output(place, event, HOOK_SUCCEEDED)
            problem = await self._delete_by(HOOK_SUCCEEDED, place)
            if problem is not None:
                return problem
        return None

    async def _run_one(self, place: int, event: HookEvent, *, earlier: list[int]) -> str | None:
        hook = self.release.hooks[place]
        self._record(place, replace(hook, delete_policies=policies_when_run(hook)))
        problem = await self._delete_by(BEFORE_HOOK_CREATION, place)
        if problem is not None:
            return problem
        try:
            prepared = hook_of(hook, event, self.release.namespace)
        except ManifestError as error:
            return f"unable to build kubernetes object for {event} hook {hook.path}: {error}"
        await self._note_finished(prepared, hook)
        await self._started(place)
        async with following(self.cluster, hook_key(hook, self.release.namespace)):
            result = await run_hook(
                prepared,
                self.target,
                ClusterApply(self.cluster, self.context.events),
                deadline=Deadline(after=self.timeout or NO_TIMEOUT, then=OnDeadline.ABANDON),
                events=self.context.events,
                clock=self.context.clock,
            )
        self.results.append(result)
        self._ended(place, RunPhase.SUCCEEDED if result.succeeded else RunPhase.FAILED)
        if result.outcome is Outcome.COULD_NOT_START:
            return f"warning: Hook {event} {hook.path} failed: {result.reason}"
        return None if result.succeeded else await self._after_failure(result, place, event, earlier)

    async def _after_failure(self, result: HookResult, place: int, event: HookEvent, earlier: list[int]) -> str:
        """Delete what the policies say: the failed hook, then the earlier ones of this phase, first to last."""
        problem = await self._why(result, self.release.hooks[place])
        self._show_output(place, event, HOOK_FAILED)
        leftovers = [await self._delete_by(HOOK_FAILED, place)]
        leftovers += [await self._delete_by(HOOK_SUCCEEDED, one) for one in earlier]
        for leftover in leftovers:
            if leftover is not None:
                self.note("helm.hook-not-deleted", Severity.WARNING, f"cannot delete a hook: {leftover}")
        return problem

    async def _why(self, result: HookResult, hook: HelmHook) -> str:
        if result.outcome is not Outcome.TIMED_OUT:
            return result.reason or "unknown reason"
        key = hook_key(hook, self.release.namespace)
        state, message = "InProgress", f"{key.kind} in progress"
        if await _get(self.cluster, key) is None:
            state, message = "NotFound", "Resource not found"
        place = f"{key.namespace}/{key.name}" if key.namespace else key.name
        return f"resource {key.kind}/{place} not ready. status: {state}, message: {message}\n{GONE}"

    async def _delete_by(self, policy: str, place: int) -> str | None:
        hook = self.release.hooks[place]
        if not is_deleted_by(hook, policy):
            return None
        key = hook_key(hook, self.release.namespace)
        async with following(self.cluster, key):
            return await delete_and_wait(self.cluster, key, self.timeout or NO_TIMEOUT, cause=policy)

    async def _note_finished(self, prepared: Hook, hook: HelmHook) -> None:
        """A Job that has ended before and stays is found, not run (helm-hooks.md H2)."""
        key = hook_key(hook, self.release.namespace)
        if key.kind != "Job":
            return
        existing = await _get(self.cluster, key)
        if existing is not None and completion_of(key, existing) is not None:
            self.note(
                "helm.hook-not-run",
                Severity.WARNING,
                f"{prepared.name} is not run again: its Job ended before, and {BEFORE_HOOK_CREATION} is not among "
                f"its delete policies",
            )

    async def _started(self, place: int) -> None:
        started = LastRun(started=self.context.clock.now(), completed=None, phase=RunPhase.RUNNING)
        self._record(place, replace(self.release.hooks[place], last_run=started))
        await self.write()

    def _ended(self, place: int, phase: RunPhase) -> None:
        """In memory; it is written with the next hook's start or the end of the operation, as Helm does."""
        hook = self.release.hooks[place]
        last_run = replace(hook.last_run, completed=self.context.clock.now(), phase=phase)
        self._record(place, replace(hook, last_run=last_run))

    def _record(self, place: int, hook: HelmHook) -> None:
        hooks = self.release.hooks
        self.release = replace(self.release, hooks=(*hooks[:place], hook, *hooks[place + 1 :]))

    def _show_output(self, place: int, event: HookEvent, policy: str) -> None:
        """``hook-output-log-policy``: say what the hook wrote, before its object may be deleted."""
        hook = self.release.hooks[place]
        name = f"{event} {hook.name}"
        if not logs_output(hook, policy):
            return
        for result in self.results:
            if result.hook.name == name and result.stdout is not None and result.stdout.text:
                self.note("helm.hook-output", Severity.NOTE, result.stdout.text.rstrip("\n"))

    def note(self, identifier: str, severity: Severity, message: str) -> None:
        source = Source(file="", line=None, column=None, path="")
        finding = Finding(id=identifier, severity=severity, source=source, message=message, remedy=None)
        self.context.events.emit(Noted(finding=finding))


@runtime_checkable
class Follows(Protocol):
    """A cluster whose objects another process acts on, which can tell here what it does."""

    def following(self, key: ObjectKey) -> AbstractAsyncContextManager[None]: ...


def following(cluster: Cluster, key: ObjectKey) -> AbstractAsyncContextManager[None]:
    """Hear what happens to a workload while the block runs; where it is acted on here, it is heard anyway."""
    if key.kind in ("Job", "Pod") and isinstance(cluster, Follows):
        return cluster.following(key)
    return nullcontext()


async def delete_and_wait(cluster: Cluster, key: ObjectKey, timeout: timedelta, *, cause: str) -> str | None:
    """Delete an object and wait until it is gone: the next one of that name must not meet it.

    What went wrong, None when nothing did. That it is not there is fine.
    """
    existing = await _get(cluster, key)
    if existing is None:
        return None
    try:
        with anyio.fail_after(timeout.total_seconds()):
            await cluster.delete(key, cause=cause)
            await cluster.wait_until(key, lambda obj: True if _uid(obj) != _uid(existing) else None)
    except NotFound:
        return None
    except TimeoutError:
        return GONE
    except BoathookError as error:
        return str(error)
    return None


async def _get(cluster: Cluster, key: ObjectKey) -> dict[str, JsonValue] | None:
    try:
        return await cluster.get(key)
    except NotFound:
        return None


def _uid(obj: dict[str, JsonValue] | None) -> JsonValue:
    metadata = obj.get("metadata") if obj else None
    return metadata.get("uid") if isinstance(metadata, dict) else None
