"""What one sync of a pod does, from how its containers stand: kills, then starts (``computePodActions``). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from boathook.pods import messages
from boathook.pods.instance import Slot
from boathook.pods.model import Phase, Pod, RestartAction, RestartPolicy
from boathook.pods.phases import phase_of
from boathook.pods.restarts import is_started_again, policy_of, rule_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A container that runs and is to be stopped, alone, within the sync."""

    slot: Slot
    message: str
    grace: timedelta | None
    """The failed probe's; None: the pod's."""
    restart: bool


@dataclass(slots=True, kw_only=True)
class Actions:
    """One sync: kills first, then starts in order, each after the one before has ended its postStart hook."""

    kills: list[Kill] = field(default_factory=list)
    starts: list[Slot] = field(default_factory=list)
    """Those that want to run: not started yet, or to be restarted once their back-off has passed."""
    stop_all: bool = False
    """Nothing of what the pod is for will run any more: what still does is stopped."""
    restart_all: bool = False
    """A container has ended whose end restarts all of them."""


def decide(pod: Pod, init: Sequence[Slot], regular: Sequence[Slot]) -> Actions:
    """What is to be done now."""
    if _asks_for_all(init) or _asks_for_all(regular):
        return Actions(restart_all=True)
    actions = Actions()
    if init and not _initialized(pod, init, regular, actions):
        return actions
    kept = _regular(pod, regular, actions)
    if not kept and not any(kill.restart for kill in actions.kills) and not any(s in regular for s in actions.starts):
        return Actions(stop_all=True)
    return actions


def awaits_restart(slot: Slot, policy: RestartPolicy) -> bool:
    """It has ended and is to be started again."""
    ended = slot.ended
    if slot.running is not None or ended is None or slot.blocked:
        return False
    return is_started_again(slot.container, policy, ended.exit)


def _asks_for_all(slots: Sequence[Slot]) -> bool:
    """Whether one of them has ended by a code for which everything is restarted."""
    return any(
        slot.container.restart_rules
        and not slot.pending
        and slot.running is None
        and (ended := slot.ended) is not None
        and rule_for(slot.container, ended.exit) is RestartAction.RESTART_ALL
        for slot in slots
    )


def _initialized(pod: Pod, init: Sequence[Slot], regular: Sequence[Slot], actions: Actions) -> bool:
    """Keep sidecars running and take the next step of the initialization. True: regular containers may run."""
    for slot in init:
        if slot.is_sidecar and (slot.attempt >= 0 or slot.initialized):
            _keep_running(slot, actions)
        if slot.initialized:
            continue
        if slot.is_sidecar:
            if slot.pending and slot not in actions.starts:
                actions.starts.append(slot)
        elif slot.pending or awaits_restart(slot, pod.restart_policy):
            actions.starts.append(slot)
        elif slot.running is None and not slot.blocked:
            actions.kills, actions.starts, actions.stop_all = [], [], True
        # What has been initialized once stays so: a regular container that restarts runs no init container again.
        return False
    return True


def _keep_running(slot: Slot, actions: Actions) -> None:
    """A sidecar that has been started: restart it when it has ended, kill it when it is to be another or is ill."""
    if slot.running is None:
        if not slot.blocked:
            actions.starts.append(slot)
    elif (kill := _kill(slot, restart=True)) is not None:
        actions.kills.append(kill)


def _regular(pod: Pod, regular: Sequence[Slot], actions: Actions) -> int:
    """How many regular containers are left as they are."""
    kept = 0
    for slot in regular:
        if slot.running is None:
            if slot.pending or awaits_restart(slot, pod.restart_policy):
                actions.starts.append(slot)
            kept += slot.blocked
            continue
        # Rules are about ends: for a probe that failed only the policy counts.
        restart = policy_of(slot.container, pod.restart_policy) is not RestartPolicy.NEVER
        if (kill := _kill(slot, restart=restart)) is None:
            kept += 1
        else:
            actions.kills.append(kill)
    return kept


def _kill(slot: Slot, *, restart: bool) -> Kill | None:
    """Why a running container is to be killed; None: it is not."""
    if slot.changed:
        return Kill(slot=slot, message=messages.definition_changed(slot.container), grace=None, restart=True)
    if (probe := slot.failed_probe) is None:
        return None
    message = messages.failed_probe(slot.container, probe.kind, restarted=restart)
    return Kill(slot=slot, message=message, grace=probe.grace, restart=restart)


def phase_now(pod: Pod, init: Sequence[Slot], regular: Sequence[Slot], *, ended_for_good: bool) -> Phase:
    """The phase of the pod as its containers stand, and by what is yet to be done with them."""
    policy = pod.restart_policy
    return phase_of(
        [slot.status for slot in regular],
        policy,
        ended_for_good=ended_for_good,
        init=[slot.status for slot in init if slot.is_init],
        sidecars=[slot.status for slot in init if slot.is_sidecar],
        init_failed=any(_has_failed(slot) and not awaits_restart(slot, policy) for slot in init),
        more_to_come=any(slot.pending or slot.blocked or awaits_restart(slot, policy) for slot in regular),
    )


def _has_failed(slot: Slot) -> bool:
    """A plain init container that has ended with an error and is not to be run anyway."""
    ended = slot.ended
    waits = slot.pending or slot.blocked or slot.running is not None
    return slot.is_init and not waits and ended is not None and not ended.succeeded
