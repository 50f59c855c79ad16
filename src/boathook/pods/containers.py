"""The acts on single containers of a pod: start with postStart, end, kill, probes, and what is told of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import anyio
from anyio.abc import TaskGroup

from boathook import events as e
from boathook.errors import CouldNotStart, ImageUnavailable, NotFound, UnsupportedHere
from boathook.hooks import ContainerExec, run_hook
from boathook.journal import Context
from boathook.model import Hook, HookResult, Target
from boathook.pods import messages
from boathook.pods.grace import GracePeriod
from boathook.pods.instance import Instance, Probing, Slot, exited, terminated, termination_message
from boathook.pods.model import Pod
from boathook.pods.place import PodPlace
from boathook.pods.restarts import BackOff, is_started_again
from boathook.pods.status import (
    CONFIG_ERROR,
    CREATING,
    IMAGE_BACK_OFF,
    IMAGE_ERROR,
    IMAGE_NAME_INVALID,
    INITIALIZING,
    UNKNOWN,
    ContainerStatus,
    Terminated,
    Waiting,
)
from boathook.pods.stopping import Turn, stop_container
from boathook.runtimes.base import ContainerRuntime, ContainerState, Exit

ERROR_SHOWN_SECONDS = 1.0
"""How long a PostStartHookError is shown before CrashLoopBackOff takes its place, as measured on a kubelet."""


class Containers:
    """The containers of one pod. Whoever calls decides what is done and when; here it is done and told."""

    def __init__(
        self,
        pod: Pod,
        runtime: ContainerRuntime,
        context: Context,
        place: PodPlace,
        *,
        uid: str,
        grace: Callable[[], GracePeriod],
        publish: Callable[[], None],
    ) -> None:
        self.pod = pod
        self.uid = uid
        self.waiting = INITIALIZING if pod.init_containers else CREATING
        self.init = [Slot.of(container, self.waiting) for container in pod.init_containers]
        self.regular = [Slot.of(container, self.waiting) for container in pod.containers]
        self.slots: Mapping[str, Slot] = {slot.name: slot for slot in (*self.init, *self.regular)}
        self.results: list[HookResult] = []
        self.tasks: TaskGroup | None = None
        self.keep_ends_back = False
        """Ends are not shown one by one: the API shows those of a pod's end all together, after the last one."""
        self._runtime = runtime
        self._context = context
        self._place = place
        self._grace = grace
        self._publish = publish

    def statuses(self) -> list[ContainerStatus]:
        """Each container as it is shown now."""
        return [slot.shown or self._status(slot) for slot in self.slots.values()]

    def observe(self) -> None:
        """Remember which sidecars have started: what has been initialized once stays so."""
        for slot in self.init:
            if slot.is_sidecar and slot.started:
                slot.initialized = True

    def change(self, pod: Pod) -> None:
        """Containers with another image than before are to be restarted with it, whatever their policy."""
        for container in pod.all_containers:
            slot = self.slots.get(container.name)
            if slot is None or slot.container.image == container.image:
                continue
            slot.container = container
            # It waits no longer for what the image before had earned.
            slot.back_off = slot.pull_back_off = BackOff()
            if slot.running is not None:
                slot.changed = not slot.is_init
            elif slot.blocked:
                slot.pending = True
        self.pod = pod

    def show_ends(self) -> None:
        """No end is kept back any more."""
        self.keep_ends_back = False
        for slot in self.slots.values():
            slot.shown = None

    def show_missing(self) -> None:
        """Show an end of what waited when the pod was deleted (``status_manager.go``: ``TerminatePod``).

        What waited to be started again shows how it ended; what never ran cannot be found. Where the pod was still
        being initialized, that is said only of the init containers whose turn had come.
        """
        init = list(self.init)
        while len(init) > 1 and not init[-1].had_its_turn:
            init.pop()
        initialized = all(slot.initialized for slot in self.init)
        for slot in (*init, *(self.regular if initialized else ())):
            # What nobody has brought is still said, unlike there: a run in the foreground has no other word for it.
            if isinstance(slot.status.state, Waiting) and not slot.blocked:
                slot.show_end(UNKNOWN)

    def _status(self, slot: Slot) -> ContainerStatus:
        return replace(slot.status, kind=slot.container.kind, ready=slot.ready, started=slot.started)

    # Start.

    async def start(self, slot: Slot) -> None:
        """Make and start a new instance, and run its postStart hook. Blocks the pod until the hook has ended."""
        previous, slot.instance = slot.instance, None
        if previous is not None:
            await self._place.retire(previous)
        slot.attempt += 1
        target = self._target(slot)
        try:
            await self._place.renew_image(slot.container)
            self._tell_image(slot)
            instance = await self._place.create(slot.container, target)
        except ImageUnavailable as error:
            slot.attempt -= 1
            self._no_image(slot, target, error)
            return
        except (CouldNotStart, NotFound, UnsupportedHere) as error:
            slot.pending = False
            slot.show(Waiting(reason=CONFIG_ERROR, message=str(error)))
            self.event(slot, "Failed", f"Error: {error}")
            return
        slot.pending, slot.changed, slot.pull_back_off = False, False, BackOff()
        slot.show_new(instance, self._place.image_of(slot.container), self.waiting)
        self.event(slot, "Created", "Container created", warning=False)
        try:
            await self._runtime.start(instance.id)
        except CouldNotStart as error:
            # A container whose program cannot be started has ended with 128, as containerd reports it.
            self.event(slot, "Failed", f"Error: {error}")
            await self._tell_end(slot, instance, Exit(code=128, signal=None), reason="StartError", message=str(error))
            return
        await self._started(slot, instance)

    def _tell_image(self, slot: Slot) -> None:
        image = slot.container.image
        if self._place.image_of(slot.container).origin == "pulled" and not slot.attempt:
            self.event(slot, messages.PULLING, messages.pulling(image), warning=False)
            message = f'Successfully pulled image "{image}"'
        else:
            message = f'Container image "{image}" already present on machine and can be accessed by the pod'
        self.event(slot, "Pulled", message, warning=False)

    def _no_image(self, slot: Slot, target: Target, error: ImageUnavailable) -> None:
        """It is asked for again, later and later, where that can help (``image_manager.go``)."""
        now = anyio.current_time()
        slot.finished_at = now
        slot.pull_back_off = slot.pull_back_off.restarted(now)
        # An image that is not pulled may still be brought by somebody; a name that is none stays so.
        slot.pending, slot.backing_off = error.reason != IMAGE_NAME_INVALID, error.reason != IMAGE_ERROR
        slot.error_shown_seconds = ERROR_SHOWN_SECONDS
        slot.show(Waiting(reason=error.reason, message=str(error)))
        for reason, message in messages.image_unavailable(slot.container.image, error.reason, str(error)):
            self.event(slot, reason, message, warning=reason != messages.PULLING, target=target)

    async def _started(self, slot: Slot, instance: Instance) -> None:
        at, instance.started_at = self._context.clock.now(), anyio.current_time()
        self._context.events.emit(e.ContainerStarted(target=instance.target))
        self.event(slot, "Started", "Container started", warning=False)
        assert self.tasks is not None
        self.tasks.start_soon(self._watch, slot, instance)
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
        self.event(slot, messages.FAILED_POST_START, messages.POST_START_FAILED)
        record = await self._runtime.inspect(instance.id)
        if record.state is ContainerState.EXITED:
            await instance.told.wait()
        else:
            await self.kill(slot, instance, self._grace(), messages.FAILED_POST_START)
        # A sidecar stays terminated until it is tried again, as a kubelet shows it.
        if not slot.is_sidecar and self._is_to_restart(slot):
            slot.error_shown_seconds = ERROR_SHOWN_SECONDS
            message = messages.post_start_error(result, slot.name, self.pod, self.uid)
            slot.show(Waiting(reason="PostStartHookError", message=message))
            self._publish()

    def _is_to_restart(self, slot: Slot) -> bool:
        ended = slot.ended
        return ended is not None and is_started_again(slot.container, self.pod.restart_policy, ended.exit)

    def show_back_off(self, slot: Slot) -> None:
        """Say why a container that is to be started again is not."""
        slot.backing_off = True
        if slot.pending and isinstance(slot.status.state, Waiting) and slot.status.state.reason == IMAGE_ERROR:
            message = f'Back-off pulling image "{slot.container.image}"'
            self.event(slot, "BackOff", message, warning=False)
            self.event(slot, "Failed", f"Error: {IMAGE_BACK_OFF}")
            slot.show(Waiting(reason=IMAGE_BACK_OFF, message=f"{message}: {slot.status.state.message}"))
            self._publish()
            return
        delay = slot.back_off.wait_after(slot.finished_at)
        self.event(slot, "BackOff", messages.back_off(slot.name, self.pod, self.uid))
        message = messages.crash_loop(delay, slot.name, self.pod, self.uid)
        slot.show(Waiting(reason="CrashLoopBackOff", message=message))
        self._publish()

    # Probes.

    def start_probes(self) -> None:
        """Ask of every container that runs what it wants to be asked. Called when a sync has started all it starts."""
        for slot in self.slots.values():
            if slot.probing is not None or not slot.has_probes:
                continue
            if (instance := slot.running) is not None and instance.exit is None:
                self._start_probes(slot, instance)

    def _start_probes(self, slot: Slot, instance: Instance) -> None:
        from boathook.pods.probing import Prober

        prober = Prober(
            slot.container,
            instance.id,
            instance.target,
            self._runtime,
            self._context,
            started_at=instance.started_at,
            changed=self._publish,
            tell=lambda reason, message: self.event(slot, reason, message),
        )
        slot.probing = Probing(prober=prober, scope=anyio.CancelScope())
        assert self.tasks is not None
        self.tasks.start_soon(_probe, slot.probing)

    def stop_liveness(self) -> None:
        """A pod that ends asks its regular containers only whether they are ready; its sidecars all that they want."""
        for slot in self.regular:
            if slot.probing is not None:
                slot.probing.prober.stop_liveness()

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
        if self.keep_ends_back:
            slot.shown = self._status(slot)
        slot.stop_probing()
        slot.finished_before = slot.finished_at if slot.attempt else None
        slot.finished_at = anyio.current_time()
        self._context.events.emit(exited(instance, ended))
        record = await self._runtime.inspect(instance.id)
        if not message:
            message = await termination_message(self._runtime, instance, record, slot.container.message_policy)
        slot.show(terminated(instance, ended, record, message, reason=reason))
        if slot.is_init and ended.ok:
            slot.initialized = True
        instance.told.set()
        if not self.keep_ends_back:
            self._publish()

    async def kill(
        self, slot: Slot, instance: Instance, grace: GracePeriod, message: str, turn: Turn | None = None
    ) -> None:
        """Stop a container that runs, with its preStop hook."""
        if instance.exit is not None:
            await instance.told.wait()
            return
        instance.being_stopped = True
        assert self._place.sandbox_spec is not None
        stopped = await stop_container(
            instance,
            slot.container.pre_stop,
            grace,
            message=message,
            field_path=messages.field_path(slot.container),
            sandbox=self._place.sandbox_spec,
            runtime=self._runtime,
            context=self._context,
            turn=turn,
        )
        if stopped.hook is not None:
            self.results.append(stopped.hook)
        await self._tell_end(slot, instance, stopped.exit)

    async def restart_all(self) -> None:
        """End all that runs, without hooks, and begin again with the first init container."""
        for slot in self.slots.values():
            if slot.attempt >= 0:
                slot.start_over()
        for slot in self.slots.values():
            if (instance := slot.running) is not None:
                await self.kill(slot, instance, GracePeriod(timedelta(0)), messages.KILLED_WITH_ALL)
        for slot in self.slots.values():
            # The end of an init container that was killed in the middle stands for nothing.
            slot.initialized = False
            if isinstance(slot.status.state, Terminated):
                slot.show_restarting(messages.RESTARTING_ALL)
        self._publish()

    # Telling.

    def event(
        self, slot: Slot, reason: str, message: str, *, warning: bool = True, target: Target | None = None
    ) -> None:
        """What a cluster would record about a container."""
        self._context.events.emit(
            e.ClusterEvent(
                target=target or self._target(slot),
                warning=warning,
                reason=reason,
                message=message,
                field_path=messages.field_path(slot.container),
            )
        )

    def _target(self, slot: Slot) -> Target:
        """The instance of a container that is meant now."""
        if slot.instance is not None:
            return slot.instance.target
        instance = f"{self.uid}/{slot.name}/{max(slot.attempt, 0)}"
        return Target(kind="container", scope=self.pod.scope, name=slot.name, instance=instance)


async def _probe(probing: Probing) -> None:
    with probing.scope:
        await probing.prober.run()
