"""The life of a pod: start in order, postStart, restarts, and termination with preStop inside the grace period.

One worker runs one pod, serially, as the kubelet's pod worker does: while a postStart hook runs nothing else of the pod
is started or stopped, a deletion included. Only the stops of a deletion run in parallel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

import anyio
from anyio.abc import TaskGroup

from boathook import events as e
from boathook.errors import BoathookError, Conflict, CouldNotStart, ManifestError, NotFound, UnsupportedHere
from boathook.hooks import ContainerExec, run_hook
from boathook.journal import Context
from boathook.model import Hook, HookResult, JsonObject, Target
from boathook.pods import messages
from boathook.pods.grace import GracePeriod
from boathook.pods.instance import Instance, Slot, exited, terminated, termination_message
from boathook.pods.model import Phase, Pod
from boathook.pods.place import PodPlace
from boathook.pods.preflight import Prepared
from boathook.pods.resources import VolumeResolver
from boathook.pods.restarts import is_restarted
from boathook.pods.status import BLOCKED, CONFIG_ERROR, IMAGE_ERROR, Waiting, phase_of, status_object
from boathook.pods.stopping import stop_container
from boathook.runtimes.base import (
    ContainerId,
    ContainerRuntime,
    ContainerSpec,
    ContainerState,
    Exit,
    NetworkMode,
    SandboxSpec,
)

REMOVE_SECONDS = 30.0
"""How long removing the pod's containers and sandbox may take, whoever is cancelled."""

ERROR_SHOWN_SECONDS = 1.0
"""How long a PostStartHookError is shown before CrashLoopBackOff takes its place, as measured on a kubelet."""


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
        self.results: list[HookResult] = []
        self.target = Target(kind="pod", scope=pod.namespace, name=pod.name, instance=uid)
        self._runtime = runtime
        self._context = context
        self._on_status = on_status
        self._place = PodPlace(pod, runtime, context, uid=uid, network=network, resolver=resolver)
        self._slots = {container.name: Slot.of(container) for container in pod.containers}
        self._changed = anyio.Event()
        self._stop = anyio.Event()
        self._grace_asked: timedelta | None = None
        self._began: datetime | None = None
        self._terminating = False
        self._all_ended = False
        self._tasks: TaskGroup | None = None

    # What others may ask of it.

    @property
    def stop_requested(self) -> bool:
        return self._stop.is_set()

    @property
    def all_started(self) -> bool:
        """True once every container has been started (and its postStart hook has ended) at least once."""
        return all(not isinstance(s.status.state, Waiting) or s.status.last is not None for s in self._slots.values())

    @property
    def cannot_start(self) -> bool:
        """True when something it needs is missing: an image, a user, a claim, a ConfigMap. Its status says what."""
        return any(
            isinstance(s.status.state, Waiting) and s.status.state.reason in BLOCKED for s in self._slots.values()
        )

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
        statuses = [slot.status for slot in self._slots.values()]
        return status_object(statuses, phase=self.phase, started=self._began)

    async def wait_until(self, condition: Callable[[PodWorker], bool]) -> None:
        """Until the condition holds; it is asked at once and after every change."""
        while not condition(self):
            await self._changed.wait()

    def request_stop(self, grace: timedelta | None = None, *, cause: str = "deleted") -> None:
        """Ask for the pod's deletion. May be called again: the grace period only ever shrinks."""
        first, before = not self.stop_requested, self._grace()
        self._stop.set()
        if grace is not None:
            self._grace_asked = grace if self._grace_asked is None else min(grace, self._grace_asked)
        if first or self._grace() != before:
            self._context.events.emit(e.StopRequested(target=self.target, grace=self._grace().left, cause=cause))
        self._notify()

    async def prepare(self) -> Prepared:
        """Look at everything that can be wrong before anything starts. Raises what ``preflight`` raises."""
        return await self._place.prepare()

    async def run(self) -> None:
        """The whole life: start, run until a stop is requested, stop, remove. What has ended waits for its stop."""
        self._began = self._context.clock.now()
        self._publish()
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                if await self._set_up():
                    await self._live()
                await self._stop.wait()
                await self._terminate()
                tasks.cancel_scope.cancel()
        finally:
            with anyio.move_on_after(REMOVE_SECONDS, shield=True):
                await self._remove_all()

    # Start.

    async def _set_up(self) -> bool:
        """Make what the containers share. False: it cannot be, and the status says why."""
        try:
            await self._place.set_up()
        except (ManifestError, NotFound, Conflict, CouldNotStart, UnsupportedHere) as error:
            self._cannot_start(error)
            return False
        return True

    def _cannot_start(self, error: BoathookError) -> None:
        """The pod stays Pending with the reason in every container, as where an image cannot be had."""
        images = isinstance(error, ManifestError) and all(one.id == "pods.image" for one in error.problems)
        reason = IMAGE_ERROR if images else CONFIG_ERROR
        for slot in self._slots.values():
            slot.show(Waiting(reason=reason, message=str(error)))
        self._event(self.target, "Failed", f"Error: {error}")
        self._publish()

    async def _live(self) -> None:
        """Start what is to run, again and again, until a stop is requested or all have ended for good."""
        while not self._stop.is_set():
            for slot in self._slots.values():
                if not self._stop.is_set() and self._is_due(slot):
                    await self._start(slot)
            self._publish()
            if self.phase.terminal:
                return
            changed = self._changed
            if not self._stop.is_set():
                with anyio.move_on_after(self._seconds_to_next()):
                    await changed.wait()

    def _is_due(self, slot: Slot) -> bool:
        """True when the container is to be started now. What waits for its back-off is shown as waiting."""
        if not slot.tried:
            return True
        if not self._awaits_restart(slot):
            return False
        now = anyio.current_time()
        if now >= slot.back_off.due(slot.finished_at):
            slot.attempt += 1
            slot.back_off = slot.back_off.restarted(now)
            return True
        if not slot.backing_off and now >= slot.finished_at + slot.error_shown_seconds:
            self._show_back_off(slot)
        return False

    def _awaits_restart(self, slot: Slot) -> bool:
        ended = slot.ended
        return slot.running is None and ended is not None and is_restarted(self.pod.restart_policy, ended.exit)

    def _show_back_off(self, slot: Slot) -> None:
        slot.backing_off = True
        delay, name = slot.back_off.wait_after(slot.finished_at), slot.container.name
        self._event(self._of(slot), "BackOff", messages.back_off(name, self.pod, self.uid))
        message = messages.crash_loop(delay, name, self.pod, self.uid)
        slot.show(Waiting(reason="CrashLoopBackOff", message=message))

    def _seconds_to_next(self) -> float:
        """Until the next restart, or the next change of what is shown of one; infinite where none is waited for."""
        moments = [math.inf]
        for slot in self._slots.values():
            if self._awaits_restart(slot):
                moments.append(slot.back_off.due(slot.finished_at))
                if not slot.backing_off:
                    moments.append(slot.finished_at + slot.error_shown_seconds)
        return max(min(moments) - anyio.current_time(), 0)

    async def _start(self, slot: Slot) -> None:
        """Make and start a new instance, and run its postStart hook. Blocks the pod until the hook has ended."""
        slot.tried = True
        previous, slot.instance = slot.instance, None
        if previous is not None:
            await self._place.remove(previous)
        try:
            instance = await self._place.create(slot.container, self._of(slot))
        except (CouldNotStart, NotFound, UnsupportedHere) as error:
            slot.show(Waiting(reason=CONFIG_ERROR, message=str(error)))
            self._event(self._of(slot), "Failed", f"Error: {error}")
            return
        slot.show_new(instance, self._place.image_of(slot.container))
        try:
            await self._runtime.start(instance.id)
        except CouldNotStart as error:
            # A container whose program cannot be started has ended with 128, as containerd reports it.
            self._event(instance.target, "Failed", f"Error: {error}")
            await self._tell_end(slot, instance, Exit(code=128, signal=None), reason="StartError", message=str(error))
            return
        await self._started(slot, instance, self._context.clock.now())

    async def _started(self, slot: Slot, instance: Instance, at: datetime) -> None:
        self._context.events.emit(e.ContainerStarted(target=instance.target))
        assert self._tasks is not None
        self._tasks.start_soon(self._watch, slot, instance)
        if (hook := slot.container.post_start) is not None:
            await self._post_start(slot, instance, hook)
        if instance.exit is None:
            slot.show_running(at)
            self._publish()

    async def _post_start(self, slot: Slot, instance: Instance, hook: Hook) -> None:
        """Run the hook with no limit. When it fails the container is killed, with its preStop hook and full grace."""
        result = await run_hook(
            hook,
            instance.target,
            ContainerExec(self._runtime, instance.id),
            deadline=None,
            events=self._context.events,
            clock=self._context.clock,
        )
        self.results.append(result)
        if result.succeeded:
            return
        self._event(instance.target, messages.FAILED_POST_START, messages.POST_START_FAILED)
        record = await self._runtime.inspect(instance.id)
        if record.state is ContainerState.EXITED:
            await instance.told.wait()
        else:
            await self._kill(slot, instance, self._grace(), messages.FAILED_POST_START)
        if self._awaits_restart(slot):
            slot.error_shown_seconds = ERROR_SHOWN_SECONDS
            message = messages.post_start_error(result, slot.container.name, self.pod, self.uid)
            slot.show(Waiting(reason="PostStartHookError", message=message))
            self._publish()

    # The end of a container.

    async def _watch(self, slot: Slot, instance: Instance) -> None:
        """See a container end by itself. Whoever stops it tells its end otherwise."""
        ended = await self._runtime.wait(instance.id)
        if not instance.being_stopped:
            await self._tell_end(slot, instance, ended)

    async def _tell_end(
        self, slot: Slot, instance: Instance, ended: Exit, *, reason: str = "", message: str = ""
    ) -> None:
        instance.exit = ended
        slot.finished_at = anyio.current_time()
        self._context.events.emit(exited(instance, ended))
        record = await self._runtime.inspect(instance.id)
        if not message:
            message = await termination_message(self._runtime, instance, record, slot.container.message_policy)
        slot.show(terminated(instance, ended, record, message, reason=reason))
        instance.told.set()
        # The API shows the ends of a deletion all together, after the last one.
        if not self._terminating:
            self._publish()

    async def _kill(self, slot: Slot, instance: Instance, grace: GracePeriod, message: str) -> None:
        """Stop a container that runs, with its preStop hook."""
        if instance.exit is not None:
            await instance.told.wait()
            return
        instance.being_stopped = True
        assert self.sandbox_spec is not None
        stopped = await stop_container(
            instance,
            slot.container.pre_stop,
            grace,
            message=message,
            sandbox=self.sandbox_spec,
            runtime=self._runtime,
            context=self._context,
        )
        if stopped.hook is not None:
            self.results.append(stopped.hook)
        await self._tell_end(slot, instance, stopped.exit)

    # The end of the pod.

    async def _terminate(self) -> None:
        """Stop all running containers in parallel, each with a grace period of its own."""
        self._terminating = True
        grace = self._grace()
        running = [(slot, instance) for slot in self._slots.values() if (instance := slot.running) is not None]
        if len(running) == 1:
            # No task of its own for the usual one: ten thousand simulated lives feel the difference.
            await self._kill(*running[0], grace, messages.stopping(running[0][0].container.name))
        else:
            async with anyio.create_task_group() as stopping:
                for slot, instance in running:
                    stopping.start_soon(self._kill, slot, instance, grace, messages.stopping(slot.container.name))
        self._all_ended = True
        self._terminating = False
        self._publish()

    def _grace(self) -> GracePeriod:
        """The pod's period, or what is in force of it once its deletion was asked for."""
        if self._stop.is_set():
            return GracePeriod.of_deletion(self.pod.grace, self._grace_asked)
        return GracePeriod(self.pod.grace)

    async def _remove_all(self) -> None:
        for slot in self._slots.values():
            if slot.instance is not None:
                instance, slot.instance = slot.instance, None
                await self._place.remove(instance)
        await self._place.remove_shared()

    # Telling.

    def _publish(self) -> None:
        """Work out the phase and tell the state to whoever asked for it."""
        statuses = [slot.status for slot in self._slots.values()]
        phase = phase_of(statuses, self.pod.restart_policy, ended_for_good=self._all_ended)
        # A terminal phase never changes.
        if phase is not self.phase and not self.phase.terminal:
            self.phase = phase
            self._context.events.emit(e.PhaseChanged(target=self.target, phase=phase.value, reason=None))
        if self._on_status is not None:
            self._on_status(self.status)
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    def _event(self, target: Target, reason: str, message: str) -> None:
        self._context.events.emit(e.ClusterEvent(target=target, warning=True, reason=reason, message=message))

    def _of(self, slot: Slot) -> Target:
        """The instance of a container that is meant now."""
        name = slot.container.name
        instance = f"{self.uid}/{name}/{slot.attempt}"
        return Target(kind="container", scope=self.pod.scope, name=name, instance=instance)

    def _instance(self, name: str) -> Instance:
        slot = self._slots.get(name)
        if slot is None:
            raise NotFound(f'container "{name}" is not in pod "{self.pod.name}"')
        if slot.instance is None:
            raise NotFound(f'container "{name}" in pod "{self.pod.name}" is waiting to start')
        return slot.instance
