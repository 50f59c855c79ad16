"""Pods run for real by a test: the embedded runtime in a loop of its own, and everything ended when the test is over.

The state directory is the session's own, so that no test sees what its user runs; the image store is the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import anyio

from boathook.cluster.foreground import check_pods, create_pods, has_ended, has_started, key_of_pod
from boathook.errors import NotFound, TargetError, UsageError
from boathook.events import Listener, Stamped
from boathook.home import Home
from boathook.library import Place, local
from boathook.model import JsonObject, Stream
from boathook.objects import mapping, mappings, text
from boathook.pods.model import Phase, Pod, PodFile
from boathook.runtimes.base import ExecSpec
from boathook.settings import Settings
from boathook.testing.files import read_pod
from boathook.testing.homes import place_home, session_home
from boathook.testing.logs import ContainerLogs
from boathook.testing.portal import Loop, a_loop
from boathook.testing.record import NotHappened, PodRecord

TIMEOUT = 60.0
STOP_TIMEOUT = 300.0
"""Seconds until a test gives up waiting. A preStop hook may take as long as its pod's grace period."""
_POLL_SECONDS = 0.02
_TERMINAL = tuple(phase.value for phase in Phase if phase.terminal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a program that a test ran in a container."""

    exit_code: int | None
    stdout: str
    stderr: str


class RunningPod(PodRecord):
    """A pod of a test. It is ended with the test, at once, unless the test stops it before."""

    def __init__(self, pod: Pod, place: Place, loop: Loop) -> None:
        self._heard: list[Stamped] = []
        super().__init__(pod, self._heard)
        self._place = place
        self._loop = loop
        self._logs = ContainerLogs(pod, place)
        self._last: JsonObject | None = None
        """The pod object as it was seen last."""

    @property
    def status(self) -> JsonObject:
        """The ``status`` of the pod object, as kubectl shows it; the last one when the pod is gone."""
        return self._loop.call(self._status)

    def stop(self, grace: float | None = None, *, wait: bool = True, timeout: float = STOP_TIMEOUT) -> RunningPod:
        """Delete it, with its hooks, and wait until it is gone. ``grace``: seconds in place of its own period."""
        __tracebackhide__ = True
        self._loop.call(self._delete, None if grace is None else timedelta(seconds=grace))
        if wait and not self._loop.call(self._gone, timeout):
            raise NotHappened(self._with_timeline(f'pod "{self.name}" was not gone after {timeout:g} s'))
        return self

    def wait(self, *, timeout: float = TIMEOUT) -> RunningPod:
        """Until it has ended, by itself or by a stop."""
        __tracebackhide__ = True
        if not self._loop.call(self._until, _is_over, timeout):
            raise NotHappened(self._with_timeline(f'pod "{self.name}" had not ended after {timeout:g} s'))
        return self

    def wait_for(self, moment: str, *, timeout: float = TIMEOUT) -> float:
        """Until a moment of this name has happened; when that was."""
        __tracebackhide__ = True
        self._loop.call(self._until_happened, moment, timeout)
        return self.at(moment)

    def exec(self, *command: str, container: str | None = None, timeout: float = TIMEOUT) -> Ran:
        """Run a program in a container that runs. ``container``: where the pod has several."""
        __tracebackhide__ = True
        return self._loop.call(self._exec, self._container(container), command, timeout)

    def logs(self, container: str | None = None, *, previous: bool = False) -> str:
        """What a container has written, also when it is gone. ``previous``: its instance before the present one."""
        return self._logs.text(self._container(container), previous=previous)

    def volume(self, name: str) -> Path:
        """Where a volume lies on this machine. An emptyDir goes with its pod."""
        path = self._loop.call(self._place.cluster.volume_path, key_of_pod(self.pod), name)
        if path is None:
            raise UsageError(f'pod "{self.name}" has no volume "{name}" yet')
        return path

    def hear(self, stamped: Stamped) -> None:
        """Told of every event of its place, in the loop's thread."""
        if self._is_about(stamped.event):
            self._heard.append(stamped)
            self._logs.hear(stamped.event)

    async def start(self, pod_file: PodFile, wait: bool, timeout: float) -> None:
        """Create it, and wait until every container has started, its postStart hook included."""
        await check_pods(pod_file, self._place.runtime)
        await create_pods(pod_file, self._place.cluster)
        if not wait:
            return
        await self._until(lambda obj: has_started(obj) or has_ended(obj), timeout)
        if not has_started(self._last):
            why = self._why_waiting() or f"phase {self.phase}"
            raise NotHappened(self._with_timeline(f'pod "{self.name}" has not started within {timeout:g} s: {why}'))

    def _why_waiting(self) -> str:
        statuses = mappings(mapping(self._last, "status").get("containerStatuses"))
        waiting = [(text(one, "name"), mapping(one, "state", "waiting")) for one in statuses]
        return "; ".join(
            f"{name} waits ({text(state, 'reason')}) {text(state, 'message')}".rstrip()
            for name, state in waiting
            if state
        )

    async def _status(self) -> JsonObject:
        with suppress(NotFound):
            self._last = await self._place.cluster.get(key_of_pod(self.pod))
        return mapping(self._last, "status")

    async def _until(self, condition: Callable[[JsonObject | None], bool | None], timeout: float) -> bool:
        def seen(obj: JsonObject | None) -> bool | None:
            self._last = obj or self._last
            return condition(obj)

        with anyio.move_on_after(timeout):
            return await self._place.cluster.wait_until(key_of_pod(self.pod), seen)
        return False

    async def _gone(self, timeout: float) -> bool:
        return await self._until(lambda obj: True if obj is None else None, timeout)

    async def _until_happened(self, moment: str, timeout: float) -> None:
        with anyio.move_on_after(timeout):
            while not self.happened(moment):  # noqa: ASYNC110  events have no waiters, and a test may wait this long
                await anyio.sleep(_POLL_SECONDS)

    async def _delete(self, grace: timedelta | None) -> None:
        with suppress(NotFound):
            await self._place.cluster.delete(key_of_pod(self.pod), grace=grace)

    async def _exec(self, container: str, command: tuple[str, ...], timeout: float) -> Ran:
        written = {Stream.STDOUT: bytearray(), Stream.STDERR: bytearray()}
        execution = await self._place.cluster.exec(
            key_of_pod(self.pod),
            container,
            ExecSpec(command=command),
            lambda stream, data: written[stream].extend(data),
        )
        with anyio.move_on_after(timeout):
            ended = await execution.wait()
            stdout, stderr = (written[stream].decode(errors="replace") for stream in Stream)
            return Ran(exit_code=ended.code, stdout=stdout, stderr=stderr)
        await execution.kill()
        raise TargetError(f'"{" ".join(command)}" in container "{container}" was ended after {timeout:g} s')

    def _container(self, name: str | None) -> str:
        known = [one.name for one in self.pod.all_containers]
        if name is None and len(self.pod.containers) == 1:
            return self.pod.containers[0].name
        if name in known:
            return name or ""
        wanted = "say which container is meant" if name is None else f'it has no container "{name}"'
        raise UsageError(f'pod "{self.name}": {wanted}: {", ".join(known)}')


class RunPod(Protocol):
    """The fixture ``run_pod``."""

    def __call__(
        self, path: str | Path, *, name: str | None = None, wait: bool = True, timeout: float = TIMEOUT
    ) -> RunningPod: ...


class EmbeddedPlaces:
    """The session's loop and state directory; each test opens a place of its own in them, and leaves nothing."""

    def __init__(self, loop: Loop, home: Home, settings: Settings) -> None:
        self.home = home
        self.loop = loop
        self.settings = settings

    @contextmanager
    def open(self, *directories: Path, started: Callable[[PodRecord], None] | None = None) -> Iterator[RunPod]:
        """What runs pods from files of these directories, until the end of the block; all of them end with it.

        ``started`` is told of each pod before it starts.
        """
        running = _Running(self, directories, started or _untold)
        with running.stack:
            yield running

    @contextmanager
    def place(self, listener: Listener | None = None) -> Iterator[Place]:
        """A place with a state directory of its own, until the end of the block; all that runs in it ends with it."""
        with place_home(self.home) as home:
            opening = local(
                home=home.path,
                network=self.settings.network,
                image_map=self.settings.image_map,
                offline=self.settings.offline,
                listener=listener,
            )
            with self.loop.entering(opening) as place:
                yield place


class _Running:
    """The pods of one block. The place is opened for the first of them."""

    def __init__(
        self, places: EmbeddedPlaces, directories: tuple[Path, ...], started: Callable[[PodRecord], None]
    ) -> None:
        self.stack = ExitStack()
        self._places = places
        self._loop = places.loop
        self._directories = directories
        self._started = started
        self._place: Place | None = None
        self._pods: dict[str, RunningPod] = {}
        """The last one of each name: what happens now happens to it."""

    def __call__(
        self, path: str | Path, *, name: str | None = None, wait: bool = True, timeout: float = TIMEOUT
    ) -> RunningPod:
        __tracebackhide__ = True
        pod_file, pod = read_pod(path, name, self._directories)
        running = RunningPod(pod, self._opened(), self._loop)
        self._pods[pod.scope] = running
        self._started(running)
        self._loop.call(running.start, pod_file, wait, timeout)
        return running

    def _opened(self) -> Place:
        if self._place is None:
            self._place = self.stack.enter_context(self._places.place(self._hear))
        return self._place

    def _hear(self, stamped: Stamped) -> None:
        for pod in tuple(self._pods.values()):
            pod.hear(stamped)


@contextmanager
def open_places(settings: Settings, *, home: Path | None = None) -> Iterator[EmbeddedPlaces]:
    """Everything that tests need to run pods. ``home`` None: a new state directory that is deleted at the end."""
    with session_home(home) as found, a_loop() as loop:
        yield EmbeddedPlaces(loop, found, settings)


def _is_over(obj: JsonObject | None) -> bool | None:
    """Gone, or in a phase that does not change any more."""
    return True if obj is None or text(obj, "status", "phase") in _TERMINAL else None


def _untold(pod: PodRecord) -> None: ...
