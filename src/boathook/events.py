"""Everything that happens is an event; the stream hands each one to its listeners.

Event
├── RunStarted, RunFinished                       one command's work
├── Noted                                         a finding that was said while running
├── ImageResolved, ImageProgress                  what stands behind an image reference, and how it came about
├── ContainerCreated, ContainerStarted, ContainerExited, ContainerRemoved
├── StopRequested, SignalSent
├── HookStarted, HookOutput, HookFinished, AbandonedHookEnded
├── ClusterEvent                                  a Kubernetes event (reason, message)
├── PhaseChanged                                  of a pod, Job, release or backup
├── ObjectApplied, ObjectDeleted
├── VolumeCopyStarted, VolumeCopied, FileWritten
└── ObligationOpened, ObligationSettled

Events are facts in the past tense, never requests, and a listener never steers the run.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from boathook.clock import Clock, SystemClock
from boathook.model import Finding, Hook, HookResult, Stream, Target

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A command's work begins: its heading."""

    title: str
    """What is run: the pod's name, the project, ``install demo``."""
    command: str
    """The command as its user would type it, e.g. ``pod run pod.yaml``."""
    place: str
    """``local/bwrap``, ``docker``, ``simulated``."""
    facts: tuple[str, ...]
    """What the heading shows besides, e.g. ``grace 60s``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """A command's work has come to its end."""

    succeeded: bool
    message: str
    """One closing line for people, e.g. ``PreStop hook executed successfully``; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something was found that is worth saying and stops nothing."""

    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResolved:
    """It is known what stands behind an image's name."""

    reference: str
    origin: str
    """Where its files are from: ``image map``, ``local store``, ``pulled``, ``stand-in``, ``engine``, ``simulated``."""
    stand_in: bool
    note: str = ""
    """Why it is not what the registry has, where that was asked and did not give it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageProgress:
    """An engine tells of an image that it builds or pulls."""

    service: str
    image: str
    act: str
    """``build`` or ``pull``."""
    text: str
    """What it says, a line's end included where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerCreated:
    """A container is there, and nothing runs in it yet."""

    target: Target
    image: str
    stand_in: bool
    command: tuple[str, ...]
    user: str
    """As resolved, ``uid:gid``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerStarted:
    """The main process of a container runs."""

    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerExited:
    """The main process of a container has ended."""

    target: Target
    exit_code: int | None
    """128 + n when signal n ended it; None: nobody saw it end."""
    signal: int | None
    explanation: str | None
    """What a reader may wonder about, e.g. ``pause answers SIGTERM with 2``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRemoved:
    """Nothing is left of a container."""

    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested:
    """Somebody or something wants a target to stop."""

    target: Target
    grace: timedelta | None
    cause: str
    """Why: ``deleted``, ``down``, ``interrupted``, ``PostStartHook failed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSent:
    """A signal went to the main process of a container."""

    target: Target
    signal: str
    """``SIGTERM``."""
    left: timedelta | None
    """What is left of the grace period; None where none counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookStarted:
    """A hook begins. ``budget`` is the time that it has; None: as long as it takes."""

    target: Target
    hook: Hook
    budget: timedelta | None
    user: str | None = None
    """Who it runs as where it names nobody: the container's user, as resolved; None: nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOutput:
    """A hook wrote something."""

    target: Target
    hook: Hook
    stream: Stream
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFinished:
    """A hook has ended, or was given up."""

    result: HookResult


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonedHookEnded:
    """A hook that outlived its deadline has ended after all, or was ended with its container."""

    target: Target
    hook: Hook
    exit_code: int | None
    signal: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEvent:
    """What a cluster would record as its own event."""

    target: Target
    warning: bool
    reason: str
    message: str
    field_path: str = ""
    """Which part of the object it is about, e.g. ``spec.containers{app}``; empty: all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseChanged:
    """A pod, Job, release or backup is in another phase than before."""

    target: Target
    phase: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectApplied:
    """An object was handed to the cluster."""

    target: Target
    change: str
    """``created``, ``configured`` or ``unchanged``."""
    inert: bool
    """Stored without anything acting on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDeleted:
    """An object is gone from the cluster."""

    target: Target
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeCopyStarted:
    """The copy of a volume's files begins."""

    target: Target
    volume: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeCopied:
    """The copy of a volume's files is complete."""

    target: Target
    volume: str
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWritten:
    """A file was made that outlives the run."""

    path: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObligationOpened:
    """A debt was written down, before the act that makes it."""

    obligation: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObligationSettled:
    """A debt is no longer open."""

    obligation: str
    state: str
    """``met``, ``moot`` or ``failed``."""
    reason: str


Event: TypeAlias = (
    RunStarted
    | RunFinished
    | Noted
    | ImageResolved
    | ImageProgress
    | ContainerCreated
    | ContainerStarted
    | ContainerExited
    | ContainerRemoved
    | StopRequested
    | SignalSent
    | HookStarted
    | HookOutput
    | HookFinished
    | AbandonedHookEnded
    | ClusterEvent
    | PhaseChanged
    | ObjectApplied
    | ObjectDeleted
    | VolumeCopyStarted
    | VolumeCopied
    | FileWritten
    | ObligationOpened
    | ObligationSettled
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """An event with its place in its run: sequence from 1, seconds since the run began, and wall time."""

    sequence: int
    at: float
    wall: datetime
    event: Event


Listener: TypeAlias = Callable[[Stamped], None]


class EventStream:
    """Stamps events and hands them to listeners, in order. A failing listener is logged and does not stop the run."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._listeners: list[Listener] = []
        self._sequence = itertools.count(1)
        self._began: float | None = None

    def emit(self, event: Event) -> None:
        """Stamp the event with the running loop's time and tell every listener. Never raises, never waits."""
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now
        stamped = Stamped(sequence=next(self._sequence), at=now - self._began, wall=self._clock.now(), event=event)
        for listener in tuple(self._listeners):
            try:
                listener(stamped)
            except Exception:
                log.exception("a listener failed on %s", type(event).__name__)

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Let ``listener`` hear everything emitted inside the block."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)
