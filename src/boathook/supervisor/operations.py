"""What can be asked of a process that owns containers: a name, and the coroutine that does it.

Each is called with the host, its parameters, and a context whose events the asking client hears.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

import anyio

from boathook.cluster.base import ObjectKey, key_of
from boathook.cluster.deletion import finalizers_of, is_being_deleted, is_forced
from boathook.cluster.store import uid_of
from boathook.codec import from_json
from boathook.errors import ManifestError, UsageError
from boathook.events import Event, HookFinished, RunFinished, RunStarted, Stamped
from boathook.journal import Context
from boathook.model import Finding, JsonObject, Target
from boathook.objects import mapping, text
from boathook.pods import pod_from_object
from boathook.pods.model import Phase
from boathook.pods.recovery import settle_pod
from boathook.report import words
from boathook.runtimes.base import NetworkMode
from boathook.supervisor.host import Host

Operation: TypeAlias = Callable[[Host, JsonObject, Context], Awaitable[JsonObject]]
Rest: TypeAlias = Callable[[Host, JsonObject, Context], Awaitable[None]]

OPERATIONS = {
    "cluster.create": "boathook.supervisor.operations:cluster_create",
    "cluster.apply": "boathook.supervisor.operations:cluster_apply",
    "cluster.patch": "boathook.supervisor.operations:cluster_patch",
    "cluster.delete": "boathook.supervisor.operations:cluster_delete",
    "cluster.follow": "boathook.supervisor.operations:cluster_follow",
    "pod.run": "boathook.supervisor.operations:pod_run",
    "pod.delete": "boathook.supervisor.operations:pod_delete",
    "compose.up": "boathook.compose.operations:up",
    "compose.start": "boathook.compose.operations:start",
    "compose.stop": "boathook.compose.operations:stop",
    "compose.restart": "boathook.compose.operations:restart",
    "compose.down": "boathook.compose.operations:down",
    "compose.remove": "boathook.compose.operations:remove",
    "compose.kill": "boathook.compose.operations:kill",
    "compose.pause": "boathook.compose.operations:pause",
    "compose.unpause": "boathook.compose.operations:unpause",
    "compose.run": "boathook.compose.operations:run",
    "compose.discard": "boathook.compose.operations:discard",
}
"""Name -> where its coroutine is; imported when it is first asked for."""

UNJOURNALLED = frozenset(
    {"cluster.create", "cluster.apply", "cluster.patch", "cluster.delete", "cluster.follow", "pod.delete"}
)
"""What is part of another run: of the command that asked, or of the pod's own life."""

WHILE_ENDING = frozenset(
    {
        "cluster.patch",
        "cluster.delete",
        "cluster.follow",
        "pod.delete",
        "compose.stop",
        "compose.down",
        "compose.remove",
        "compose.kill",
        "compose.discard",
    }
)
"""What is still answered by a process that stops what it has: the others wait for the next one."""

BROUGHT_DOWN_BY = dict.fromkeys(("compose.up", "compose.start", "compose.restart", "compose.run"), "compose.stop")
"""What an operation brings up, and this process keeps, is stopped by that one when the process is told to end."""

FORGOTTEN_BY = {"compose.down": "compose.stop"}
"""After that one, nothing is left for this one to stop."""


def find_operation(name: str) -> Operation:
    """Raises ``UsageError`` for a name that this version does not know."""
    place = OPERATIONS.get(name)
    if place is None:
        raise UsageError(f'unknown operation "{name}"', hint="the supervisor is of another version: stop what it runs")
    module, _, function = place.partition(":")
    operation: Operation = getattr(importlib.import_module(module), function)
    return operation


async def cluster_create(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """``object``, ``namespace``: create an object that this process then acts on."""
    obj, namespace = mapping(params, "object"), text(params, "namespace")
    stored = await host.the_cluster().create(obj, namespace=namespace, network=_network(params))
    return {"object": stored}


async def cluster_apply(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """``object``, ``namespace``: create it, or bring it to what the manifest says."""
    cluster = host.the_cluster()
    obj, namespace = mapping(params, "object"), text(params, "namespace")
    if cluster.store.find(key_of(obj, default_namespace=namespace)) is None:
        return await cluster_create(host, params, context)
    return {"object": await cluster.apply(obj, namespace=namespace)}


async def cluster_patch(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """``key``, ``patch``: change an object with a JSON merge patch."""
    return {"object": await host.the_cluster().patch(_key(params), mapping(params, "patch"))}


async def cluster_delete(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """``key``, ``grace_seconds``, ``cause``: ask for deletion; returns before a pod is gone."""
    await host.the_cluster().delete(_key(params), grace=_grace(params), cause=text(params, "cause"))
    return {}


async def cluster_follow(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """``key``: tell what happens to a Job or Pod and to its pods, until the client has heard enough and cancels."""
    key = _key(params)

    def tell(stamped: Stamped) -> None:
        if is_about(stamped.event, key):
            context.events.emit(stamped.event)

    with host.the_cluster().events.listening(tell):
        await anyio.sleep_forever()
    return {}


def is_about(event: Event, key: ObjectKey) -> bool:
    """Whether an event is about the object itself, its pods (``NAME-xxxxx``) or their containers."""
    target = event.result.target if isinstance(event, HookFinished) else getattr(event, "target", None)
    if not isinstance(target, Target):
        return False
    name = re.escape(key.name)
    pod = rf"{name}-[a-z0-9]{{5}}" if key.kind == "Job" else name
    called = f"{target.scope}/{target.name}"
    return re.fullmatch(rf"{re.escape(key.namespace)}/({key.kind}/{name}|(Pod/)?{pod}(/.*)?)", called) is not None


async def pod_run(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """``objects``, ``file``: start the pods of a file. Its run in the journal goes on until the last one is gone."""
    cluster, network = host.the_cluster(), _network(params)
    objects = [one for one in _list(params, "objects") if one.get("kind") != "Pod"]
    pods = [one for one in _list(params, "objects") if one.get("kind") == "Pod"]
    problems: list[Finding] = []
    for pod in pods:
        try:
            await cluster.prepare(pod)
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(tuple(problems))
    for obj in objects:
        await cluster.apply(obj)
    title = ", ".join(text(pod, "metadata", "name") for pod in pods)
    graces = dict.fromkeys(words.span(pod_from_object(pod).grace) for pod in pods)
    context.events.emit(
        RunStarted(
            title=title,
            command=f"pod run -d {text(params, 'file')}",
            place=host.runtime.name,
            facts=(f"grace {', '.join(graces)}",),
        )
    )
    for pod in pods:
        await settle_pod(pod_from_object(pod).scope, host.home, context, host.runtime)
    created = [await cluster.create(pod, context=context, network=network) for pod in pods]
    return {"uids": [uid_of(pod) for pod in created]}


async def rest_of_pod_run(host: Host, params: JsonObject, context: Context) -> None:
    """Until every pod of it has been deleted, has ended and is only kept, or has ended with this process."""
    hooks: list[bool] = []

    def listen(stamped: Stamped) -> None:
        if isinstance(stamped.event, HookFinished):
            hooks.append(stamped.event.result.succeeded)

    with context.events.listening(listen):
        for pod in _list(params, "objects"):
            if pod.get("kind") == "Pod":
                await until_over(host, key_of(pod, default_namespace="default"))
    context.events.emit(RunFinished(succeeded=all(hooks), message=""))


def _is_gone(obj: JsonObject | None) -> bool | None:
    """What has stopped and is kept by its finalizers alone is not waited for: nobody here takes them away."""
    return True if obj is None or (finalizers_of(obj) and is_forced(obj)) else None


async def until_over(host: Host, key: ObjectKey) -> None:
    """Until it is gone, or has ended and is only kept."""
    await host.the_cluster().wait_until(key, _is_over)


def _is_over(obj: JsonObject | None) -> bool | None:
    if obj is None:
        return True
    is_kept = not is_being_deleted(obj) or bool(finalizers_of(obj))
    return True if is_kept and text(obj, "status", "phase") in (Phase.SUCCEEDED, Phase.FAILED) else None


RESTS: dict[str, Rest] = {
    "pod.run": rest_of_pod_run,
}
"""What goes on after an operation has given its result. It keeps nobody waiting."""


async def pod_delete(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """``key``, ``grace_seconds``, ``cause``, ``keep``: stop a pod with its hooks; returns when it is gone.

    A grace period of zero that was asked for (by force) waits only for the object, which goes at once. ``keep``: its
    object stays, in its last state; returns when nothing of the pod runs any more.
    """
    cluster, key = host.the_cluster(), _key(params)

    def tell(stamped: Stamped) -> None:
        if is_about(stamped.event, key):
            context.events.emit(stamped.event)

    with cluster.context_of(key).events.listening(tell):
        if params.get("keep"):
            await cluster.stop(key, grace=_grace(params), cause=text(params, "cause"))
            await until_over(host, key)
            return {}
        uid = uid_of(cluster.store.get(key))
        await cluster.delete(key, grace=_grace(params), cause=text(params, "cause"))
        await cluster.wait_until(key, _is_gone)
        if _grace(params) != timedelta(0):
            await cluster.until_ended(uid)
    return {}


def _key(params: JsonObject) -> ObjectKey:
    return from_json(ObjectKey, params["key"])


def _grace(params: JsonObject) -> timedelta | None:
    seconds = params.get("grace_seconds")
    return timedelta(seconds=seconds) if isinstance(seconds, int | float) else None


def _network(params: JsonObject) -> NetworkMode:
    return NetworkMode(text(params, "settings", "network") or NetworkMode.POD.value)


def _list(params: JsonObject, field: str) -> list[JsonObject]:
    listed = params.get(field)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
