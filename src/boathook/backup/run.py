"""Makes a backup: block by block its pre hooks, its volumes and objects, its post hooks; then the archive.

Whatever happens between a pod's first pre hook and its post hooks, the post hooks run, or stay owed (X4).
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import anyio

from boathook.backup.blocks import Block, blocks
from boathook.backup.debts import PHASE_OBLIGATION, backup_scope, owed_post_hooks
from boathook.backup.hooks import hooks_for
from boathook.backup.layout import BackupStore, Contents, Staging, taken
from boathook.backup.log import BackupLog, pod_fields
from boathook.backup.model import (
    Backup,
    BackupPod,
    BackupSpec,
    BackupVolume,
    Phase,
    PodHook,
    PodVolumeBackup,
    VolumeKind,
)
from boathook.backup.target import PodExec, Refused, failure_of, hook_target, pod_key, why_not_frozen
from boathook.cluster.base import Cluster, VolumeCopy
from boathook.errors import BoathookError, OperationFailed
from boathook.events import (
    FileWritten,
    Noted,
    PhaseChanged,
    RunFinished,
    RunStarted,
    VolumeCopied,
    VolumeCopyStarted,
)
from boathook.hooks import Deadline, OnDeadline, run_hook
from boathook.journal import Context, Debt, owed
from boathook.model import HookPoint, JsonObject, OnFailure, Target
from boathook.report.words import plural

INTERRUPTED = "interrupted"


async def create_backup(
    spec: BackupSpec,
    cluster: Cluster,
    context: Context,
    store: BackupStore,
    *,
    interrupted: anyio.Event | None = None,
) -> Backup:
    """Make a backup and return its record, whatever its phase.

    When ``interrupted`` is set, the hook that runs is let end, the post hooks of the open block run, and the backup
    is written as Failed. Raises ``Conflict`` when the name is taken; nothing is touched then.
    """
    backup = Backup(
        spec=spec,
        uid=_uid(cluster, spec),
        phase=Phase.IN_PROGRESS,
        failure_reason=None,
        started=context.clock.now(),
        completed=None,
        total_items=0,
        items_backed_up=0,
        errors=0,
        warnings=0,
        hooks_attempted=0,
        hooks_failed=0,
    )
    if store.is_taken(spec.name):
        raise taken()
    target = Target(kind="backup", scope=backup_scope(spec), name=spec.name, instance=backup.uid)
    context.events.emit(
        RunStarted(title=spec.name, command=f"backup create {spec.name}", place=cluster.name, facts=_facts(spec))
    )
    description = f'give backup "{spec.name}" its phase'
    async with owed(
        context, kind=PHASE_OBLIGATION, target=target, description=description, payload={"name": spec.name}
    ) as debt:
        staging = await store.begin(backup)
        run = _Run(
            spec=spec,
            cluster=cluster,
            context=context,
            staging=staging,
            target=target,
            interrupted=interrupted or anyio.Event(),
            log=BackupLog(backup=spec.name, clock=context.clock, write=staging.log),
            phase_debt=debt,
        )
        return await run.to_its_end(backup)


def _uid(cluster: Cluster, spec: BackupSpec) -> str:
    return f"simulated-{spec.name}" if cluster.name == "simulated" else str(uuid.uuid4())


def _facts(spec: BackupSpec) -> tuple[str, ...]:
    namespaces = "all namespaces" if spec.included_namespaces in ((), ("*",)) else ", ".join(spec.included_namespaces)
    return (namespaces, f"selector {spec.selector_text}") if spec.selector else (namespaces,)


@dataclass(slots=True, kw_only=True)
class _OpenPod:
    """A pod whose post hooks are to come."""

    pod: BackupPod
    owing: AsyncExitStack = field(default_factory=AsyncExitStack)
    debts: list[Debt] = field(default_factory=list)
    """One for each post hook; none where no pre hook made them owed."""


@dataclass(slots=True, kw_only=True)
class _Run:
    """One backup while it is made."""

    spec: BackupSpec
    cluster: Cluster
    context: Context
    staging: Staging
    target: Target
    interrupted: anyio.Event
    log: BackupLog
    phase_debt: Debt
    objects: list[JsonObject] = field(default_factory=list)
    volumes: list[PodVolumeBackup] = field(default_factory=list)
    copied_claims: set[tuple[str, str]] = field(default_factory=set)
    total: int = 0
    attempted: int = 0
    failed: int = 0

    async def to_its_end(self, backup: Backup) -> Backup:
        self._tell_phase(Phase.IN_PROGRESS, None)
        self.phase_debt.failed("its record was not written")
        reason: str | None = "its command was interrupted"
        try:
            reason = await self._all_blocks()
        except BoathookError as error:
            reason = str(error)
            self.log.error("Backup failed", {}, error=reason)
        finally:
            # Also when the command is cancelled or a bug goes through: a backup that ended has its phase.
            with anyio.CancelScope(shield=True):
                ended = await self._finish(backup, reason)
                self.phase_debt.met(f"its record says {ended.phase}")
        return ended

    async def _all_blocks(self) -> str | None:
        """Every block in order; why the whole backup failed, or None."""
        work = blocks(await self.cluster.list_all(), self.spec)
        self.total = sum(len(block.pods) + len(block.objects) for block in work)
        for pod in (pod for block in work for pod in block.pods):
            for finding in pod.hooks.findings:
                self.log.warning(finding.message, pod_fields(pod))
                self.context.events.emit(Noted(finding=finding))
        for block in work:
            if self.interrupted.is_set():
                break
            await self._block(block)
        return INTERRUPTED if self.interrupted.is_set() else None

    async def _block(self, block: Block) -> None:
        opened: list[_OpenPod] = []
        left_out: list[BackupPod] = []
        try:
            for pod in block.pods:
                if self.interrupted.is_set():
                    return
                if not await self._pre_hooks(pod, opened):
                    left_out.append(pod)
            await self._unless_interrupted(lambda: self._take(block, left_out))
        finally:
            # A second interrupt, too, waits for them: nothing stays frozen. Their own timeouts bound it.
            with anyio.CancelScope(shield=True):
                for one in opened:
                    await self._post_hooks_whatever_comes(one)

    async def _unless_interrupted(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it, and leave it where it is when the interrupt comes."""
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                await self.interrupted.wait()
                group.cancel_scope.cancel()

            group.start_soon(watch)
            await work()
            group.cancel_scope.cancel()

    # Hooks.

    async def _pre_hooks(self, pod: BackupPod, opened: list[_OpenPod]) -> bool:
        """Run them; False: the pod is not to be written."""
        hooks = hooks_for(pod, HookPoint.PRE_BACKUP)
        self.attempted += len(hooks)
        if pod.completed:
            if hooks or hooks_for(pod, HookPoint.POST_BACKUP):
                message = f"Pod entered phase {pod.phase} before some post-backup exec hooks ran"
                self.log.info(message, pod_fields(pod))
            self.attempted += len(hooks_for(pod, HookPoint.POST_BACKUP))
            return True
        refusals = {hook: await why_not_frozen(self.cluster, pod, hook, self.staging.places) for hook in hooks}
        one = _OpenPod(pod=pod)
        if any(reason is None for reason in refusals.values()) or not hooks:
            opened.append(one)
        for hook in hooks:
            reason = refusals[hook]
            if reason is None and not one.debts:
                await self._owe(one)
            failure = await self._hook(pod, hook, Refused(reason) if reason is not None else None)
            if failure is not None and hook.hook.on_failure is OnFailure.STOP:
                self.log.error("Error running pre hooks for pod", pod_fields(pod), error=failure)
                return False
        return True

    async def _owe(self, one: _OpenPod) -> None:
        """Write down every post hook of the pod, synced, before its first pre hook starts."""
        for hook in hooks_for(one.pod, HookPoint.POST_BACKUP):
            debt = await one.owing.enter_async_context(await owed_post_hooks(self.context, self.cluster, one.pod, hook))
            one.debts.append(debt)

    async def _post_hooks_whatever_comes(self, one: _OpenPod) -> None:
        """What fails around one pod's post hooks does not keep another pod's from running; its debts stay owed."""
        for debt in one.debts:
            debt.failed("its post hook was not run")
        try:
            async with one.owing:
                await self._post_hooks(one)
        except BoathookError as error:
            self.log.error("Error running post hooks for pod", pod_fields(one.pod), error=str(error))

    async def _post_hooks(self, one: _OpenPod) -> None:
        hooks = hooks_for(one.pod, HookPoint.POST_BACKUP)
        self.attempted += len(hooks)
        stopped: str | None = None
        for place, hook in enumerate(hooks):
            failure = stopped or await self._hook(one.pod, hook, None)
            if one.debts and failure is not None:
                # What a pre hook froze may still be frozen: the debt stays until recover finds that it is not.
                one.debts[place].failed(f"{hook.hook.name} failed: {failure}")
            elif one.debts:
                one.debts[place].met(f"{hook.hook.name} ran")
            if failure is not None and stopped is None and hook.hook.on_failure is OnFailure.STOP:
                self.log.error("Error running post hooks for pod", pod_fields(one.pod), error=failure)
                stopped = failure

    async def _hook(self, pod: BackupPod, hook: PodHook, refused: Refused | None) -> str | None:
        """Run one hook; why it failed, or None."""
        self.log.hook_runs(pod, hook)
        timeout = hook.hook.timeout
        result = await run_hook(
            hook.hook,
            await hook_target(self.cluster, pod, hook.container),
            refused or PodExec(cluster=self.cluster, pod=pod, container=hook.container),
            deadline=None if timeout is None else Deadline(after=timeout, then=OnDeadline.KILL),
            events=self.context.events,
            clock=self.context.clock,
        )
        failure = failure_of(result)
        self.failed += failure is not None
        self.log.hook_ended(pod, hook, result, failure)
        return failure

    # What is taken.

    async def _take(self, block: Block, left_out: list[BackupPod]) -> None:
        self.objects += block.objects
        for pod in block.pods:
            # The data of a pod whose pre hook failed is taken all the same (X5).
            for volume in pod.volumes:
                await self._copy(pod, volume)
            if pod not in left_out:
                self.objects.append(pod.manifest)

    async def _copy(self, pod: BackupPod, volume: BackupVolume) -> None:
        if volume.kind is VolumeKind.CLAIM:
            claim = (pod.namespace, volume.claim)
            if claim in self.copied_claims:
                return
            self.copied_claims.add(claim)
        path, key = self.staging.volume(pod.namespace, pod.name, volume.name)
        target = Target(kind="pod", scope=pod.namespace, name=pod.name, instance=pod.uid)
        copy: VolumeCopy | None = None
        problem = ""
        self.context.events.emit(VolumeCopyStarted(target=target, volume=volume.name))
        try:
            if pod.phase != "Running":
                raise OperationFailed(f"pod is not running: it is {pod.phase}")
            copy = await self.cluster.archive_volume(pod_key(pod), volume.name, path)
        except BoathookError as error:
            problem = str(error)
            message = f"Error backing up volume {volume.name}"
            self.log.error(message, pod_fields(pod), error=problem)
            if volume.kind is VolumeKind.CLAIM:
                # Another pod of the block may be able to give it.
                self.copied_claims.discard((pod.namespace, volume.claim))
        else:
            self.context.events.emit(
                VolumeCopied(target=target, volume=volume.name, files=copy.files, size_bytes=copy.size_bytes)
            )
        self.volumes.append(
            PodVolumeBackup(
                namespace=pod.namespace,
                pod=pod.name,
                volume=volume.name,
                key=key if copy else "",
                files=copy.files if copy else 0,
                size_bytes=copy.size_bytes if copy else 0,
                sha256=copy.sha256 if copy else "",
                phase="Completed" if copy else "Failed",
                message=problem,
            )
        )

    # The end.

    async def _finish(self, backup: Backup, reason: str | None) -> Backup:
        phase = Phase.COMPLETED
        if reason is not None:
            phase = Phase.FAILED
        elif self.log.errors:
            phase = Phase.PARTIALLY_FAILED
        ended = replace(
            backup,
            phase=phase,
            failure_reason=reason,
            completed=self.context.clock.now(),
            total_items=self.total,
            items_backed_up=len(self.objects),
            errors=len(self.log.errors),
            warnings=len(self.log.warnings),
            hooks_attempted=self.attempted,
            hooks_failed=self.failed,
        )
        contents = Contents(
            objects=tuple(self.objects),
            volumes=tuple(self.volumes),
            errors=tuple(self.log.errors),
            warnings=tuple(self.log.warnings),
        )
        path = await self.staging.finish(ended, contents)
        self.context.events.emit(FileWritten(path=path, what=f"archive of {plural(len(self.objects), 'object')}"))
        self._tell_phase(phase, reason)
        self.context.events.emit(RunFinished(succeeded=phase is Phase.COMPLETED, message=closing_line(ended)))
        return ended

    def _tell_phase(self, phase: Phase, reason: str | None) -> None:
        self.context.events.emit(PhaseChanged(target=self.target, phase=phase.value, reason=reason))


def closing_line(backup: Backup) -> str:
    return f"Backup completed with status: {backup.phase}" + (
        f" ({backup.hooks_failed} of {backup.hooks_attempted} hooks failed)" if backup.hooks_failed else ""
    )
