"""What happens to a release: install and uninstall, with their hooks and their record at every step."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

import anyio

from boathook.cluster.base import Cluster, ObjectKey, key_of
from boathook.durations import format_go_duration
from boathook.errors import BoathookError, Conflict, ManifestError, NotFound, OperationFailed, TargetError, UsageError
from boathook.events import Noted, RunFinished, RunStarted
from boathook.helm.hooks import UNINSTALL_ORDER, kind_sorted
from boathook.helm.model import HookEvent, Release, ReleaseStatus, RenderedChart
from boathook.helm.objects import is_kept, manifest_of, owned, ownership_problem, resource_policy, resources_of
from boathook.helm.operation import Operation, release_target
from boathook.helm.storage import ReleaseStore
from boathook.journal import Context, owed
from boathook.model import HookResult, JsonObject, Severity

OBLIGATION = "helm.release"

RELEASE_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")

DEFAULT_TIMEOUT = timedelta(minutes=5)
"""Helm's ``--timeout``: for each single wait, not for all of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallOptions:
    """How a chart is installed."""

    name: str
    namespace: str
    timeout: timedelta
    run_hooks: bool
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UninstallOptions:
    """How a release is taken away."""

    name: str
    namespace: str
    timeout: timedelta
    run_hooks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A deployed release and the hooks that ran for it."""

    release: Release
    results: tuple[HookResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uninstalled:
    """What is gone, what was kept by its policy, and the hooks that ran."""

    release: Release
    kept: tuple[ObjectKey, ...]
    results: tuple[HookResult, ...]


async def install(rendered: RenderedChart, options: InstallOptions, cluster: Cluster, context: Context) -> Installed:
    """Install a rendered chart. Raises ``OperationFailed`` when a hook fails, after the record says so.

    Raises ``Conflict`` for a name in use and for objects of somebody else, ``ManifestError`` for objects that the
    cluster refuses; nothing has been done then but what the record of the release tells.
    """
    _check_name(options.name)
    objects = [owned(one.value, options.name, options.namespace) for one in rendered.resources if one.value]
    operation = Operation(
        cluster=cluster,
        context=context,
        release=new_release(rendered, options, context.clock.now()),
        timeout=options.timeout,
    )
    async with _told(operation, "install"):
        for finding in rendered.findings:
            context.events.emit(Noted(finding=finding))
        await _refuse_conflicts(objects, options, cluster)
        await _install(operation, rendered, objects, options)
    return Installed(release=operation.release, results=tuple(operation.results))


async def _install(
    operation: Operation, rendered: RenderedChart, objects: list[JsonObject], options: InstallOptions
) -> None:
    for crd in rendered.crds:
        if crd.value:
            await operation.cluster.apply(crd.value, namespace=options.namespace)
    async with _owed(operation, "install"):
        await operation.create()
        problem = await _guarded(operation, _install_steps(operation, objects, options))
        if problem is not None:
            await _fail(operation, problem)
        await operation.become(ReleaseStatus.DEPLOYED, options.description or "Install complete")


def new_release(rendered: RenderedChart, options: InstallOptions, now: datetime) -> Release:
    """The record with which an install begins."""
    return Release(
        name=options.name,
        namespace=options.namespace,
        revision=1,
        status=ReleaseStatus.PENDING_INSTALL,
        description="Initial install underway",
        first_deployed=now,
        last_deployed=now,
        deleted=None,
        notes=rendered.notes,
        chart=rendered.chart,
        config=rendered.config,
        manifest=manifest_of(rendered.resources),
        hooks=rendered.hooks,
        apply_method="ssa",
        labels=(),
    )


def dry_run(rendered: RenderedChart, options: InstallOptions, now: datetime) -> Release:
    """The release that ``install`` would begin with; nothing is done."""
    return replace(new_release(rendered, options, now), description=options.description or "Dry run complete")


async def _refuse_conflicts(objects: list[JsonObject], options: InstallOptions, cluster: Cluster) -> None:
    if await ReleaseStore(cluster, options.namespace).history(options.name):
        raise Conflict("release name check failed: cannot reuse a name that is still in use")
    for obj in objects:
        key = key_of(obj, default_namespace=options.namespace)
        try:
            existing = await cluster.get(key)
        except NotFound:
            continue
        problem = ownership_problem(existing, options.name, options.namespace)
        if problem is not None:
            raise Conflict(
                f'unable to continue with install: {key.kind} "{key.name}" in namespace "{key.namespace}" exists and '
                f"cannot be imported into the current release: invalid ownership metadata; {problem}"
            )


async def _install_steps(operation: Operation, objects: list[JsonObject], options: InstallOptions) -> str | None:
    """What went wrong, as ``info.description`` and the command say it; None when nothing did."""
    if options.run_hooks:
        problem = await operation.run_phase(HookEvent.PRE_INSTALL)
        if problem is not None:
            return f"failed pre-install: {problem}"
    problem = await _apply_all(operation, objects)
    if problem is not None:
        return problem
    if options.run_hooks:
        problem = await operation.run_phase(HookEvent.POST_INSTALL)
        if problem is not None:
            return f"failed post-install: {problem}"
    return None


async def _apply_all(operation: Operation, objects: list[JsonObject]) -> str | None:
    """Kinds one after another, the objects of one kind at once (Helm pkg/kube/client.go:batchPerform)."""
    for kind in dict.fromkeys(str(obj.get("kind", "")) for obj in objects):
        if operation.cluster.is_inert(kind):
            operation.note("helm.inert-kind", Severity.NOTE, f"{kind} is stored, nothing acts on it here")
        problems: list[str] = []
        async with anyio.create_task_group() as applying:
            for obj in objects:
                if str(obj.get("kind", "")) == kind:
                    applying.start_soon(_apply, operation, obj, problems)
        if problems:
            return "; ".join(problems)
    return None


async def _apply(operation: Operation, obj: JsonObject, problems: list[str]) -> None:
    try:
        await operation.cluster.apply(obj, namespace=operation.release.namespace)
    except (ManifestError, TargetError) as error:
        problems.append(str(error))


async def uninstall(options: UninstallOptions, cluster: Cluster, context: Context) -> Uninstalled:
    """Take a release away with its hooks of deletion. Raises ``NotFound``, and ``OperationFailed`` when a hook fails.

    After a failed pre-delete hook everything is still there, and the release is ``uninstalling``; after a failed
    post-delete hook everything is gone all the same.
    """
    _check_name(options.name)
    store = ReleaseStore(cluster, options.namespace)
    history = await store.history(options.name)
    if not history:
        raise NotFound(f"uninstall: Release not loaded: {options.name}: release: not found")
    release = replace(history[-1], deleted=context.clock.now())
    operation = Operation(cluster=cluster, context=context, release=release, timeout=options.timeout)
    async with _told(operation, "uninstall"):
        async with _owed(operation, "uninstall"):
            kept, problems = await _uninstall_steps(operation, options)
            with anyio.CancelScope(shield=True):
                for revision in history:
                    await store.delete(revision)
        operation.release = replace(
            operation.release, status=ReleaseStatus.UNINSTALLED, description="Uninstallation complete"
        )
        operation.tell_status()
        if problems:
            raise OperationFailed(
                f"uninstallation completed with {len(problems)} error(s): {'; '.join(problems)}",
                results=tuple(operation.results),
            )
    return Uninstalled(release=operation.release, kept=kept, results=tuple(operation.results))


async def _uninstall_steps(operation: Operation, options: UninstallOptions) -> tuple[tuple[ObjectKey, ...], list[str]]:
    """What was kept, and what went wrong once things had been deleted. Raises when a pre-delete hook fails."""
    await operation.become(ReleaseStatus.UNINSTALLING, "Deletion in progress (or silently failed)")
    if options.run_hooks:
        problem = await operation.run_phase(HookEvent.PRE_DELETE)
        if problem is not None:
            raise OperationFailed(problem, results=tuple(operation.results))
    kept, problems = await _delete_resources(operation)
    if options.run_hooks:
        problem = await operation.run_phase(HookEvent.POST_DELETE)
        problems += [problem] if problem is not None else []
    return kept, problems


async def existing_resources(release: Release, cluster: Cluster) -> tuple[JsonObject, ...]:
    """The objects of a release's manifest that are there now."""
    found = []
    for obj in resources_of(release):
        with contextlib.suppress(NotFound):
            found.append(await cluster.get(key_of(obj, default_namespace=release.namespace)))
    return tuple(found)


async def _delete_resources(operation: Operation) -> tuple[tuple[ObjectKey, ...], list[str]]:
    """Ask for the deletion of everything in the manifest, in order of kinds; what was kept, and what went wrong."""
    kept: list[ObjectKey] = []
    problems: list[str] = []
    objects = resources_of(operation.release)
    for obj in kind_sorted(objects, lambda one: str(one.get("kind", "")), UNINSTALL_ORDER):
        key = key_of(obj, default_namespace=operation.release.namespace)
        if resource_policy(obj) is not None:
            # An unknown policy keeps an object too, and Helm says nothing of it (pkg/action/resource_policy.go).
            kept += [key] if is_kept(obj) else []
            continue
        try:
            await operation.cluster.delete(key, cause="uninstall")
        except NotFound:
            continue
        except BoathookError as error:
            problems.append(str(error))
    return tuple(kept), problems


async def _guarded(operation: Operation, steps: Coroutine[object, object, str | None]) -> str | None:
    """Run the steps. Whatever ends them early, the record says so before it goes on."""
    try:
        return await steps
    except anyio.get_cancelled_exc_class():
        await operation.become(ReleaseStatus.FAILED, failed_description(operation.release.name, "context canceled"))
        raise
    except BoathookError as error:
        await operation.become(ReleaseStatus.FAILED, failed_description(operation.release.name, str(error)))
        raise


async def _fail(operation: Operation, problem: str) -> NoReturn:
    await operation.become(ReleaseStatus.FAILED, failed_description(operation.release.name, problem))
    raise OperationFailed(problem, results=tuple(operation.results))


def failed_description(name: str, problem: str) -> str:
    """``info.description`` of a failed release."""
    return f'Release "{name}" failed: {problem}'


def _check_name(name: str) -> None:
    """Helm's pkg/chart/common/util/validate_name.go: at most 53 characters, labels of a DNS name."""
    if len(name) > 53 or not RELEASE_NAME.fullmatch(name):
        raise UsageError(
            f"invalid release name, must match regex {RELEASE_NAME.pattern} and the length must not be longer than 53"
        )


@asynccontextmanager
async def _told(operation: Operation, action: str) -> AsyncIterator[None]:
    """Tell the run's beginning and end."""
    release, events = operation.release, operation.context.events
    title = f"{action} {release.name}"
    facts = (f"namespace {release.namespace}", f"timeout {format_go_duration(operation.timeout)} a wait")
    events.emit(RunStarted(title=title, command=f"helm {title}", place=operation.cluster.name, facts=facts))
    try:
        yield
    except BoathookError as error:
        events.emit(RunFinished(succeeded=False, message=str(error)))
        raise
    except anyio.get_cancelled_exc_class():
        events.emit(RunFinished(succeeded=False, message="context canceled"))
        raise
    message = f'release "{release.name}" {operation.release.status}'
    events.emit(RunFinished(succeeded=True, message=message))


@asynccontextmanager
async def _owed(operation: Operation, action: str) -> AsyncIterator[None]:
    """Owe the release a true status while the block runs: paid when its record says something final."""
    release = operation.release
    payload: JsonObject = {
        "name": release.name,
        "namespace": release.namespace,
        "revision": release.revision,
        "action": action,
        "timeout_seconds": operation.timeout.total_seconds(),
    }
    description = f"give release {release.namespace}/{release.name} its true status after {action}"
    async with owed(
        operation.context, kind=OBLIGATION, target=release_target(release), description=description, payload=payload
    ) as debt:
        try:
            yield
        finally:
            if operation.recorded is None:
                debt.moot("no record was written")
            elif operation.recorded.pending:
                debt.keep()
            else:
                debt.met(f"the record says {operation.recorded}")
