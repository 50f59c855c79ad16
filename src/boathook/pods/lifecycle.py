"""The life of a pod: a worker that brings it, sync by sync, to what is wanted of it, and ends it.

One worker runs one pod, serially, as the kubelet's pod worker does. A sync first decides, then kills one container
after another, then starts one after another; while a postStart or preStop hook of it runs nothing else of the pod is
started or stopped, and a deletion waits until the sync is over. Only when all of a pod is stopped, its containers are
stopped in parallel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta

import anyio
from anyio.abc import TaskGroup

from boathook import events as e
from boathook.errors import BoathookError, Conflict, CouldNotStart, ManifestError, NotFound, UnsupportedHere
from boathook.journal import Context
from boathook.model import HookResult, JsonObject, Target
from boathook.pods import messages
from boathook.pods.changes import Changes
from boathook.pods.containers import Containers
from boathook.pods.decisions import Actions, decide, phase_now
from boathook.pods.grace import GracePeriod
from boathook.pods.instance import Instance, Slot
from boathook.pods.model import Phase, Pod
from boathook.pods.ordering import StopOrder
from boathook.pods.place import PodPlace
from boathook.pods.preflight import Prepared
from boathook.pods.qos import qos_class
from boathook.pods.resources import VolumeResolver
from boathook.pods.status import CONFIG_ERROR, PodFacts, Waiting, status_object
from boathook.runtimes.base import ContainerId, ContainerRuntime, ContainerSpec, NetworkMode, SandboxSpec

REMOVE_SECONDS = 30.0
"""How long removing the pod's containers and sandbox may take, whoever is cancelled."""


class PodWorker:
    """Runs one pod from its start to its removal. ``run`` is its life; ``request_stop`` ends it gracefully."""

    def __init__(
        self,
        pod: Pod,
        runtime: ContainerRuntime,
        context: Context,
        *,
        uid: str,
        network: NetworkMode,
        resolver: VolumeResolver,
        on_status: Callable[[JsonObject], None] | None = None,
    ) -> None:
        self.pod = pod
        self.uid = uid
        self.phase = Phase.PENDING
        self.target = Target(kind="pod", scope=pod.namespace, name=pod.name, instance=uid)
        self._context = context
        self._on_status = on_status
        self._place = PodPlace(pod, runtime, context, uid=uid, network=network, resolver=resolver)
        self._containers = Containers(
            pod, runtime, context, self._place, uid=uid, grace=self._grace, publish=self._publish
        )
        self._slots = self._containers.slots
        self._changes = Changes()
        self._stop = anyio.Event()
        self._removal = anyio.Event()
        self._grace_asked: timedelta | None = None
        self._began: datetime | None = None
        self._active_since = math.inf
        self._deadline = math.inf
        self._ended_for_good = False
        self._why_ended = ("", "")
        self._tasks: TaskGroup | None = None

    # What others may ask of it.

    @property
    def stop_requested(self) -> bool:
        return self._stop.is_set()

    @property
    def removal_requested(self) -> bool:
        """What is only to be stopped is kept, with its containers' logs, until its removal is asked for, too."""
        return self._removal.is_set()

    @property
    def results(self) -> list[HookResult]:
        """The hooks that have ended, in that order."""
        return self._containers.results

    @property
    def all_started(self) -> bool:
        """True once every container has been started (and its postStart hook has ended) at least once."""
        return all(not isinstance(s.status.state, Waiting) or s.status.last is not None for s in self._slots.values())

    @property
    def has_restarted(self) -> bool:
        """True once a container had to be started again: others may wait for it for ever."""
        return any(slot.status.restart_count for slot in self._slots.values())

    @property
    def cannot_start(self) -> bool:
        """True when something it needs is missing: an image, a user, a claim, a ConfigMap. Its status says what."""
        return any(slot.blocked or slot.never_pulled for slot in self._slots.values())

    @property
    def exit_codes(self) -> dict[str, int | None]:
        """The exit code of every container that has ended, by name."""
        return {name: slot.ended.exit.code for name, slot in self._slots.items() if slot.ended is not None}

    @property
    def sandbox_spec(self) -> SandboxSpec | None:
        """What its containers share; None before it is set up."""
        return self._place.sandbox_spec

    def container_id(self, name: str) -> ContainerId:
        """The present instance of a container. Raises ``NotFound``."""
        return self._instance(name).id

    @property
    def instances(self) -> frozenset[ContainerId]:
        """All that is left of its containers: the present instances, and those before them."""
        present = (slot.instance for slot in self._slots.values())
        return frozenset(one.id for one in (*present, *self._place.retired.values()) if one is not None)

    def container_spec(self, name: str) -> ContainerSpec:
        """All that is needed to make the same container again. Raises ``NotFound``."""
        return self._instance(name).spec

    def container_target(self, name: str) -> Target:
        """Which instance of a container runs now. Raises ``NotFound``."""
        return self._instance(name).target

    def volume_place(self, name: str) -> str | None:
        """Where a volume of the pod lies; None before it is made."""
        return self._place.volumes.get(name)

    @property
    def status(self) -> JsonObject:
        """The ``status`` of the pod object."""
        reason, message = self._why_ended if self._ended_for_good else ("", "")
        facts = PodFacts(
            phase=self.phase,
            started=self._began,
            has_sandbox=self._place.sandbox_spec is not None,
            initialized=all(slot.initialized for slot in self._containers.init),
            failing=bool(self._why_ended[0]),
            qos_class=qos_class(self.pod),
            reason=reason,
            message=message,
        )
        return status_object(self._containers.statuses(), facts)

    async def wait_until(self, condition: Callable[[PodWorker], bool]) -> None:
        """Until the condition holds; it is asked at once and after every change."""
        while not condition(self):
            await self._changes.wait()

    def request_stop(self, grace: timedelta | None = None, *, cause: str = "deleted", keep: bool = False) -> None:
        """Ask for the pod's deletion. May be called again: the grace period only ever shrinks.

        ``keep``: only stop it; what is left of it stays until it is asked for without.
        """
        first, before = not self.stop_requested, self._grace()
        self._stop.set()
        if not keep:
            self._removal.set()
        if grace is not None:
            self._grace_asked = grace if self._grace_asked is None else min(grace, self._grace_asked)
        if first or self._grace() != before:
            self._context.events.emit(e.StopRequested(target=self.target, grace=self._grace().left, cause=cause))
        self._changes.tell()

    def change(self, pod: Pod) -> None:
        """The same pod with other images: containers that run are stopped, with their hooks, and restarted in place."""
        self.pod = pod
        self._set_deadline()
        self._containers.change(pod)
        self._changes.tell()

    async def prepare(self) -> Prepared:
        """Look at everything that can be wrong before anything starts. Raises what ``preflight`` raises."""
        return await self._place.prepare()

    async def run(self) -> None:
        """The whole life: start, run until a stop is requested, stop, remove. What has ended waits for its stop."""
        self._began = self._context.clock.now()
        self._active_since = anyio.current_time()
        self._set_deadline()
        self._publish()
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = self._containers.tasks = tasks
                if await self._set_up():
                    await self._live()
                await self._stop.wait()
                await self._end()
                await self._removal.wait()
                tasks.cancel_scope.cancel()
        finally:
            with anyio.move_on_after(REMOVE_SECONDS, shield=True):
                await self._remove_all()

    def _set_deadline(self) -> None:
        if self.pod.active_deadline is not None:
            self._deadline = self._active_since + self.pod.active_deadline.total_seconds()

    # Life.

    async def _set_up(self) -> bool:
        """Make what the containers share. False: it cannot be, and the status says why."""
        try:
            await self._place.set_up()
        except (ManifestError, NotFound, Conflict, CouldNotStart, UnsupportedHere) as error:
            self._cannot_start(error)
            return False
        return True

    def _cannot_start(self, error: BoathookError) -> None:
        """The pod stays Pending with the reason in every container."""
        for slot in self._slots.values():
            slot.pending = False
            slot.show(Waiting(reason=CONFIG_ERROR, message=str(error)))
        self._event("Failed", f"Error: {error}")
        self._publish()

    async def _live(self) -> None:
        """One sync after another, until a stop is requested or all have ended for good."""
        while not self._stop.is_set():
            if anyio.current_time() >= self._deadline:
                await self._exceed_deadline()
                return
            actions = self._decide()
            if actions.stop_all:
                await self._stop_all()
                self._publish()
                return
            if await self._act(actions):
                self._publish()
                continue
            if self.phase.terminal:
                return
            # A sync that finds nothing to do has let nobody else run: no change is missed.
            await self._wait_for_change(self._seconds_to_next(actions.starts))

    def _decide(self) -> Actions:
        self._containers.observe()
        return decide(self.pod, self._containers.init, self._containers.regular)

    async def _act(self, actions: Actions) -> bool:
        """Kill, start, and then probe: one sync, which nothing interrupts. False: there was nothing to do."""
        if actions.restart_all:
            await self._containers.restart_all()
            return True
        killed = []
        for kill in actions.kills:
            # What is restarted in this sync has not ended for good in between.
            kill.slot.pending = kill.restart
            if kill.restart:
                killed.append(kill.slot)
            if (instance := kill.slot.running) is not None:
                grace = self._grace() if kill.grace is None else self._grace_of_probe(kill.grace)
                await self._containers.kill(kill.slot, instance, grace, kill.message)
        acted = bool(actions.kills)
        for slot in self._slots.values():
            if slot in killed or slot in actions.starts:
                acted |= await self._start_if_due(slot, after_kill=slot in killed)
        self._containers.start_probes()
        return acted

    async def _start_if_due(self, slot: Slot, *, after_kill: bool) -> bool:
        """Start what wants to run. What waits for its back-off is shown as waiting."""
        now = anyio.current_time()
        if now >= slot.next_start(after_kill=after_kill):
            slot.count_start(after_kill=after_kill)
            await self._containers.start(slot)
            return True
        if after_kill and not slot.changed:
            # From now on its end counts as any other.
            slot.pending = False
        elif not slot.backing_off and now >= slot.finished_at + slot.error_shown_seconds:
            self._containers.show_back_off(slot)
        return False

    async def _wait_for_change(self, seconds: float) -> None:
        # No timer for the usual wait: see _stop_all.
        with nullcontext() if seconds == math.inf else anyio.move_on_after(seconds):
            await self._changes.wait()

    def _seconds_to_next(self, waiting: list[Slot]) -> float:
        """Until the next restart, or the next change of what is shown of one; infinite where none is waited for."""
        moments = [self._deadline]
        for slot in waiting:
            moments.append(slot.next_start(after_kill=False))
            if not slot.backing_off:
                moments.append(slot.finished_at + slot.error_shown_seconds)
        return max(min(moments) - anyio.current_time(), 0)

    async def _exceed_deadline(self) -> None:
        """It was active for too long: stopped with its period, Failed, and kept."""
        self._why_ended = (messages.DEADLINE_EXCEEDED, messages.ACTIVE_TOO_LONG)
        self._event(*self._why_ended, warning=False)
        self._publish()
        self._containers.stop_liveness()
        await self._stop_all()
        self._ended_for_good = True
        self._publish()

    # The end of the pod.

    async def _end(self) -> None:
        """Stop what runs of a pod that is deleted."""
        self._containers.stop_liveness()
        await self._stop_all()
        self._containers.show_missing()
        self._ended_for_good = True
        self._publish()

    async def _stop_all(self) -> None:
        """Stop all running containers in parallel, each with a grace period of its own; then show how they ended."""
        self._containers.keep_ends_back = True
        running = [(slot, instance) for slot in self._slots.values() if (instance := slot.running) is not None]
        if len(running) == 1:
            # No task of its own for the usual one: ten thousand simulated lives feel the difference.
            (slot, instance), grace = running[0], self._grace()
            await self._containers.kill(slot, instance, grace, messages.stopping(slot.name))
        elif running:
            await self._stop_in_order(running, self._grace())
        self._containers.show_ends()

    async def _stop_in_order(self, running: list[tuple[Slot, Instance]], grace: GracePeriod) -> None:
        order = StopOrder(self.pod, [slot.name for slot, _ in running])

        async def stop(slot: Slot, instance: Instance) -> None:
            async def turn(at_most: timedelta) -> None:
                await order.turn(slot.name, at_most)

            await self._containers.kill(
                slot, instance, grace, messages.stopping(slot.name), turn if slot.is_sidecar else None
            )
            order.has_ended(slot.name)

        async with anyio.create_task_group() as stopping:
            for slot, instance in running:
                stopping.start_soon(stop, slot, instance)

    def _grace(self) -> GracePeriod:
        """The pod's period, or what is in force of it once its deletion was asked for."""
        if self._stop.is_set():
            return GracePeriod.of_deletion(self.pod.grace, self._grace_asked)
        return GracePeriod(self.pod.grace)

    def _grace_of_probe(self, own: timedelta) -> GracePeriod:
        """A probe's own period counts only while nobody wants the pod to go."""
        return self._grace() if self._stop.is_set() else GracePeriod(own)

    async def _remove_all(self) -> None:
        for slot in self._slots.values():
            if slot.instance is not None:
                instance, slot.instance = slot.instance, None
                await self._place.remove(instance)
        await self._place.remove_shared()

    # Telling.

    def _publish(self) -> None:
        """Work out the phase and tell the state to whoever asked for it."""
        phase = self._phase()
        # A terminal phase never changes.
        if phase is not self.phase and not self.phase.terminal:
            self.phase = phase
            reason = self._why_ended[0] or None
            self._context.events.emit(e.PhaseChanged(target=self.target, phase=phase.value, reason=reason))
        if self._on_status is not None:
            self._on_status(self.status)
        self._changes.tell()

    def _phase(self) -> Phase:
        if self._containers.keep_ends_back:
            return self.phase
        if self._ended_for_good and self._why_ended[0]:
            return Phase.FAILED
        containers = self._containers
        return phase_now(self.pod, containers.init, containers.regular, ended_for_good=self._ended_for_good)

    def _event(self, reason: str, message: str, *, warning: bool = True) -> None:
        self._context.events.emit(e.ClusterEvent(target=self.target, warning=warning, reason=reason, message=message))

    def _instance(self, name: str) -> Instance:
        slot = self._slots.get(name)
        if slot is None:
            raise NotFound(f'container "{name}" is not in pod "{self.pod.name}"')
        if slot.instance is None:
            raise NotFound(f'container "{name}" in pod "{self.pod.name}" is waiting to start')
        return slot.instance
