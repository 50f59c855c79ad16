"""One run of a case: what it does, what it looks at, and what it says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import anyio
import yaml

from boathook.cluster.base import ObjectKey
from boathook.conformance import lines
from boathook.conformance.model import PodCase
from boathook.conformance.noting import POLL_SECONDS, Noting, uptime
from boathook.conformance.observing import (
    ContainerSeen,
    EventSeen,
    container_of,
    containers_of,
    event_of,
    phase_of,
    shown,
)
from boathook.conformance.place import PodCasePlace
from boathook.errors import BoathookError, ManifestError, NotFound, TargetError
from boathook.model import JsonObject, Stream
from boathook.objects import mapping, mappings, text
from boathook.runtimes.base import ExecSpec

T = TypeVar("T")

FINALIZER = "boathook/observed"
"""Keeps a pod's object, and with it the final state of its containers, until it has been looked at."""

SHOWN = {"SHARED": "/tmp/hooks", "PORT": "8080", "TLS_PORT": "8443", "CLOSED_PORT": "8090"}
"""What stands for the run's own values where pods are shown."""

EVENT_SECONDS = 5.0
"""How long an event may take to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecSeen:
    """What came of a program that a case ran in a container."""

    code: int | None
    stdout: str


class CaseRun(Noting):
    """A case's run of pods, handed to the case."""

    def __init__(self, case: PodCase, place: PodCasePlace, *, namespace: str, shared: Path) -> None:
        super().__init__(shared=shared, slack=place.slack)
        self.case = case
        self.place = place
        self.namespace = namespace
        self.values = {"SHARED": str(shared)}
        self.created: list[str] = []
        self.deleted_at = 0.0
        self.last: JsonObject | None = None
        """The pod as it was seen last."""

    # The pods.

    @property
    def pods(self) -> tuple[JsonObject, ...]:
        """As they are handed to the cluster."""
        return _pods(self.case.manifest, self.values)

    @property
    def shown_pods(self) -> tuple[JsonObject, ...]:
        """As a document shows them: with nothing in them that is this run's own."""
        return _pods(self.case.manifest, SHOWN)

    def key(self, pod: str | None = None) -> ObjectKey:
        """The first pod's, where no other is named."""
        return ObjectKey(kind="Pod", namespace=self.namespace, name=pod or text(self.pods[0], "metadata", "name"))

    # What it does.

    async def create(self) -> None:
        """Create the case's pods."""
        for pod in self.pods:
            self._did(f'create pod "{text(pod, "metadata", "name")}"')
            await self.place.cluster.create(pod, namespace=self.namespace)
            self.created.append(text(pod, "metadata", "name"))

    async def refused(self, pod: JsonObject, what: str, *expected: str) -> str:
        """Create a pod that must be refused with these texts; what was said."""
        self._did(f"create a pod with {what}")
        try:
            await self.place.cluster.create(pod, namespace=self.namespace)
        except ManifestError as error:
            said = str(error)
        except BoathookError as error:
            said = f"{type(error).__name__}: {error}"
        else:
            self.created.append(text(pod, "metadata", "name"))
            said = "it was accepted"
        missing = [part for part in expected if part not in said]
        self.expect(f"a pod with {what} is refused", " … ".join(expected), said, ok=not missing)
        return said

    async def accepted(self, pod: JsonObject, what: str) -> None:
        """Create a pod that must be let in, and take it away again."""
        self._did(f"create a pod with {what}")
        try:
            await self.place.cluster.create(pod, namespace=self.namespace)
        except BoathookError as error:
            self.expect(f"a pod with {what} is accepted", "accepted", str(error))
        self.created.append(text(pod, "metadata", "name"))
        self.expect(f"a pod with {what} is accepted", "accepted", "accepted")
        await self.place.cluster.delete(self.key(text(pod, "metadata", "name")), grace=timedelta(0))

    async def delete(self, *, grace: int | None = None) -> None:
        """Ask for the pod's deletion. Its object is kept until ``gone`` has looked at it."""
        await self._keep()
        self._did("delete the pod" if grace is None else f"delete the pod with a grace period of {grace} s")
        self.deleted_at = uptime()
        await self.place.cluster.delete(self.key(), grace=None if grace is None else timedelta(seconds=grace))

    async def force_delete(self) -> None:
        """Delete with ``--force --grace-period=0``."""
        self._did("delete the pod by force")
        self.deleted_at = uptime()
        await self.place.cluster.delete(self.key(), grace=timedelta(0))

    async def evict(self) -> None:
        await self._keep()
        self._did("evict the pod")
        self.deleted_at = uptime()
        await self.place.cluster.evict(self.key())

    async def patch(self, change: JsonObject, what: str) -> None:
        self._did(what)
        await self.place.cluster.patch(self.key(), change)

    async def change_image(self, container: str, image: str) -> None:
        """A merge patch replaces lists whole, so that all containers are said again."""
        pod = await self.place.cluster.get(self.key())
        containers = [
            one | {"image": image} if one.get("name") == container else one
            for one in mappings(mapping(pod, "spec").get("containers"))
        ]
        await self.patch({"spec": {"containers": [*containers]}}, f"give {container} the image {image}")

    async def exec(self, container: str, *command: str) -> ExecSeen:
        """Run a program in a container, to its end."""
        self._did(f"run {' '.join(command)} in {container}")
        written = bytearray()

        def keep(stream: Stream, data: bytes) -> None:
            if stream is Stream.STDOUT:
                written.extend(data)

        try:
            execution = await self.place.cluster.exec(self.key(), container, ExecSpec(command=command), keep)
            ended = await execution.wait()
        except TargetError as error:
            what = f"{' '.join(command)} can be run in {container}"
            self.expect(what, "yes", f"no: {error}", ok=False)
            raise
        return ExecSeen(code=ended.code, stdout=written.decode(errors="replace"))

    async def logs(self, container: str) -> str:
        """What a container has written."""
        return "".join([line.text + "\n" async for line in self.place.cluster.logs(self.key(), container)])

    async def restart_kubelet(self) -> None:
        assert self.place.restart_kubelet is not None
        self._did("restart the kubelet")
        await self.place.restart_kubelet()

    async def _keep(self) -> None:
        await self.place.cluster.patch(self.key(), {"metadata": {"finalizers": [FINALIZER]}})

    # What it waits for.

    async def until(
        self, what: str, condition: Callable[[JsonObject | None], T | None], *, within: float = 20.0, pod: str = ""
    ) -> T:
        """Until the pod's object (None: it is gone) is as it should be. ``within``: seconds, and the place's slack."""

        def seen(obj: JsonObject | None) -> T | None:
            self.last = obj or self.last
            return condition(obj)

        found: T | None = None
        with anyio.move_on_after(within + self.place.slack):
            found = await self.place.cluster.wait_until(self.key(pod or None), seen)
        observed = "it happened" if found is not None else f"it did not, the pod was in {shown(self.last)}"
        self.expect(what, f"within {within:g} s", observed, ok=found is not None)
        assert found is not None
        return found

    async def running(self, *, within: float = 20.0) -> None:
        """Until all containers run (their postStart hooks have ended), and their programs have come to say so."""
        await self.until("all containers run", _all_run, within=within)
        for container in _talkative(self.pods[0]):
            await self.traced(f"{container} main begin")

    async def container(
        self, name: str, what: str, condition: Callable[[ContainerSeen], bool], *, within: float = 20.0
    ) -> ContainerSeen:
        """Until a container is as it should be; how it is then."""

        def seen(pod: JsonObject | None) -> ContainerSeen | None:
            found = container_of(pod, name)
            return found if found is not None and condition(found) else None

        return await self.until(what, seen, within=within)

    async def phase(self, name: str, *, within: float = 20.0) -> None:
        await self.until(f"the pod's phase becomes {name}", lambda pod: phase_of(pod) == name or None, within=within)

    async def ended(self, *, within: float) -> float:
        """Until every container has ended; the seconds since the deletion was asked for."""

        def over(pod: JsonObject | None) -> float | None:
            containers = containers_of(pod)
            is_over = pod is None or (containers and all(one.state == "terminated" for one in containers))
            return uptime() if is_over else None

        at = await self.until("every container has ended", over, within=within)
        return at - self.deleted_at

    async def gone(self, *, within: float, at_least: float = 0.0) -> None:
        """Until every container has ended; then let the object go. ``last`` is the pod's final state."""
        took = await self.ended(within=within)
        self.expect_between("the pod has ended", took, at_least, within)
        await self._release(self.key())
        final = self.last
        await self.until("the pod is gone", lambda pod: True if pod is None else None)
        self.last = final

    async def _release(self, key: ObjectKey) -> None:
        with suppress(NotFound):
            await self.place.cluster.patch(key, {"metadata": {"finalizers": None}})

    async def until_logged(self, container: str, part: str, *, within: float = 10.0) -> None:
        """Until a container's log has this in it."""
        found = False
        with anyio.move_on_after(within + self.place.slack):
            while not found:
                found = part in await self.logs(container)
                await anyio.sleep(0 if found else 10 * POLL_SECONDS)
        self.expect(f"the log of {container} has {part}", "yes", "yes" if found else "no")

    # What it sees.

    def seen(self, name: str) -> ContainerSeen:
        """A container as it was seen last."""
        found = container_of(self.last, name)
        self.expect(f"the status has {name}", "yes", "yes" if found is not None else "no")
        assert found is not None
        return found

    async def events(self) -> tuple[EventSeen, ...]:
        return tuple(event_of(one) for one in await self.place.cluster.object_events(self.key()))

    async def event(self, reason: str, message: str, *, within: float = EVENT_SECONDS, exact: bool = True) -> EventSeen:
        """Until there is such an event. Not ``exact``: one whose message has this in it."""

        def is_it(one: EventSeen) -> bool:
            return one.reason == reason and (one.message == message if exact else message in one.message)

        found: list[EventSeen] = []
        said: tuple[EventSeen, ...] = ()
        with anyio.move_on_after(within + self.place.slack):
            while not found:
                said = await self.events()
                found = [one for one in said if is_it(one)]
                if not found:
                    await anyio.sleep(10 * POLL_SECONDS)
        what = lines.event(reason, message)
        others = "; ".join(str(one) for one in said) or "no event"
        self.expect("an event", what, what if found else others)
        return found[0]

    async def no_event(self, reason: str) -> None:
        found = [str(one) for one in await self.events() if one.reason == reason]
        self.expect(f"there is no event {reason}", "none", "; ".join(found) or "none")

    def expect_after_delete(self, what: str, low: float, high: float) -> None:
        """When a program said something, counted from the request of deletion."""
        self.expect_between(f"{what}, after the deletion", self.when(what) - self.deleted_at, low, high)


def _pods(manifest: str, values: dict[str, str]) -> tuple[JsonObject, ...]:
    for name, value in values.items():
        manifest = manifest.replace(f"$({name})", value)
    return tuple(mapping(one) for one in yaml.safe_load_all(manifest))


def _all_run(pod: JsonObject | None) -> bool | None:
    regular = containers_of(pod, "containerStatuses")
    return True if regular and all(one.state == "running" for one in regular) else None


def _talkative(pod: JsonObject) -> Sequence[str]:
    """The containers whose main program says when it began."""
    spec = mapping(pod, "spec")
    found = [*mappings(spec.get("initContainers")), *mappings(spec.get("containers"))]
    names = [text(one, "name") for one in found]
    return [name for name, one in zip(names, found, strict=True) if f"t {name} main begin" in str(one.get("command"))]
