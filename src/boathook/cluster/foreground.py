"""Pods that a command owns itself: created in a cluster, let run, stopped gracefully, and what became of them.

While they run they are objects of the cluster as any others, so that other commands see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Protocol, runtime_checkable

import anyio

from boathook.cluster.base import Cluster, ObjectKey
from boathook.cluster.deletion import finalizers_of, is_being_deleted, is_forced
from boathook.errors import ManifestError, NotFound
from boathook.events import HookFinished, Stamped
from boathook.journal import Context
from boathook.model import Finding, HookResult, JsonObject
from boathook.objects import mapping, mappings
from boathook.pods.model import Phase, Pod, PodFile
from boathook.pods.preflight import preflight
from boathook.pods.run import PodRun, why_over
from boathook.pods.status import BLOCKED
from boathook.runtimes.base import ContainerRuntime


@runtime_checkable
class EndsInTheBackground(Protocol):
    """A cluster of this process, whose pods may run on for a moment after their objects are gone."""

    async def until_idle(self) -> None: ...


async def check_pods(pod_file: PodFile, runtime: ContainerRuntime) -> None:
    """Look at every pod before the first is created. Raises one ``ManifestError`` with the problems of all."""
    problems: list[Finding] = []
    for pod in pod_file.pods:
        try:
            await preflight(pod, runtime)
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(tuple(problems))


async def create_pods(pod_file: PodFile, cluster: Cluster) -> None:
    """Create the file's pods with the objects that they need.

    Raises ``Conflict`` for a pod that exists; no other pod of the file is left behind then.
    """
    for obj in pod_file.objects:
        await cluster.apply(obj)
    created: list[Pod] = []
    try:
        for pod, obj in zip(pod_file.pods, pod_file.pod_objects, strict=True):
            await cluster.create(obj, namespace=pod.namespace)
            created.append(pod)
    except BaseException:
        with anyio.CancelScope(shield=True):
            for pod in created:
                await cluster.delete(key_of_pod(pod), cause="another pod of its file could not be created")
        raise


async def run_pods(
    pod_file: PodFile,
    cluster: Cluster,
    context: Context,
    *,
    lasting: timedelta | None,
    stop: anyio.Event,
) -> tuple[PodRun, ...]:
    """Run every pod of the file until it ends by itself, has run for ``lasting``, or ``stop`` is set.

    A pod that cannot start has failed; :func:`check_pods` says so before anything is created.
    """
    runs: dict[str, PodRun] = {}

    async def one(pod: Pod, results: list[HookResult]) -> None:
        runs[pod.scope] = await _run_one(pod, cluster, results, lasting, stop)

    with _hook_results(context) as results:
        await create_pods(pod_file, cluster)
        async with anyio.create_task_group() as group:
            for pod in pod_file.pods:
                group.start_soon(one, pod, results)
        if isinstance(cluster, EndsInTheBackground):
            await cluster.until_idle()
    return tuple(runs[pod.scope] for pod in pod_file.pods)


def key_of_pod(pod: Pod) -> ObjectKey:
    return ObjectKey(kind="Pod", namespace=pod.namespace, name=pod.name)


@contextmanager
def _hook_results(context: Context) -> Iterator[list[HookResult]]:
    """The results of all hooks that end inside the block."""
    results: list[HookResult] = []

    def listen(stamped: Stamped) -> None:
        if isinstance(stamped.event, HookFinished):
            results.append(stamped.event.result)

    with context.events.listening(listen):
        yield results


async def _run_one(
    pod: Pod, cluster: Cluster, results: list[HookResult], lasting: timedelta | None, stop: anyio.Event
) -> PodRun:
    key = key_of_pod(pod)
    last: JsonObject = {}

    def gone(obj: JsonObject | None) -> bool | None:
        nonlocal last
        last = obj or last
        # What has stopped and is kept by its finalizers alone is over: nobody here takes them away.
        return True if obj is None or (finalizers_of(obj) and is_forced(obj)) else None

    async with anyio.create_task_group() as watching:
        watching.start_soon(cluster.wait_until, key, gone)
        why = await why_over(
            ended=lambda: cluster.wait_until(key, has_ended),
            started_or_ended=lambda: cluster.wait_until(key, _has_ended_or_started),
            lasting=lasting,
            stop=stop,
        )
        if not why and is_being_deleted(last):
            # By another command: it was asked to stop all the same.
            why = "deleted"
        else:
            with suppress(NotFound):
                await cluster.delete(key, cause=why or "ended")
    return _outcome(pod, _status(last), [one for one in results if one.target.scope == pod.scope], why)


def _outcome(pod: Pod, status: JsonObject, results: list[HookResult], why: str) -> PodRun:
    codes: dict[str, int | None] = {}
    for one in _containers(status):
        ended = mapping(mapping(one.get("state")).get("terminated")).get("exitCode")
        if isinstance(ended, int):
            codes[str(one.get("name"))] = ended
    return PodRun(
        pod=pod,
        phase=Phase(str(status.get("phase") or Phase.PENDING)),
        asked_to_stop=bool(why),
        results=tuple(results),
        exit_codes=codes,
        status=status,
    )


def has_ended(obj: JsonObject | None) -> bool | None:
    """Ended by itself, deleted by somebody, or waiting for what nobody will bring."""
    if obj is None or is_being_deleted(obj):
        return True
    status = _status(obj)
    phase = status.get("phase")
    if isinstance(phase, str) and Phase(phase).terminal:
        return True
    waiting = (mapping(mapping(one.get("state")).get("waiting")) for one in _all_containers(status))
    return True if any(one.get("reason") in BLOCKED for one in waiting) else None


def has_started(obj: JsonObject | None) -> bool | None:
    """Every container runs, or has run; or one had to be started again, and others may wait for it for ever."""
    status = _status(obj or {})
    if any(one.get("restartCount") for one in _all_containers(status)):
        return True
    containers = _containers(status)
    started = (not mapping(one.get("state")).get("waiting") or bool(one.get("lastState")) for one in containers)
    return True if containers and all(started) else None


def _has_ended_or_started(obj: JsonObject | None) -> bool | None:
    """True: it has ended. False: it has started."""
    return True if has_ended(obj) else False if has_started(obj) else None


def _status(obj: JsonObject) -> JsonObject:
    return mapping(obj.get("status"))


def _all_containers(status: JsonObject) -> list[JsonObject]:
    return _containers(status, "initContainerStatuses") + _containers(status)


def _containers(status: JsonObject, field: str = "containerStatuses") -> list[JsonObject]:
    return mappings(status.get(field))
