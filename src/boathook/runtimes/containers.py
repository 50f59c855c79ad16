"""The containers of this process: their state, from created to exited, and what is written down of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

import anyio

from boathook.clock import Clock
from boathook.runtimes.base import ContainerId, ContainerSpec, ContainerState, Exit
from boathook.runtimes.executions import Pipes
from boathook.runtimes.launch import User
from boathook.runtimes.logs import LogFile
from boathook.runtimes.processes import this_process
from boathook.runtimes.records import ContainerRecord, Records, SandboxRecord
from boathook.runtimes.rootfs import RootLayout
from boathook.runtimes.spawner_client import SpawnedProcess

log = logging.getLogger(__name__)

_LONGEST_TERMINATION_MESSAGE = 4096
"""kubernetes pkg/kubelet/container/runtime.go, MaxContainerTerminationMessageLength."""


class Run:
    """One life of a container's main process. Who waits for its end is told of that one, whatever comes after it."""

    def __init__(self) -> None:
        self.finished = anyio.Event()
        self.exit = Exit(code=None, signal=None)


class OwnContainer:
    """A container that this process runs. Its record follows every change."""

    def __init__(
        self, record: ContainerRecord, records: Records, clock: Clock, tell: Callable[[OwnContainer, str], None]
    ) -> None:
        self.record = record
        self.layout = RootLayout(directory=records.directory(record.id))
        self.run = Run()
        self.mounting = anyio.Lock()
        """Held while it is started or looked into: its root is mounted once at a time."""
        self._records = records
        self._clock = clock
        self._tell = tell
        self._process: SpawnedProcess | None = None
        self._log: LogFile | None = None
        self._pipes: Pipes | None = None

    def open_pipes(self) -> Pipes:
        """A life begins: where its main process will write to, which leads to the log."""
        if self.run.finished.is_set():
            self.run = Run()
        self._process = None
        self._log = LogFile(self.layout.log, self._clock)
        self._pipes = Pipes(self._log.write)
        return self._pipes

    def runs(self, process: SpawnedProcess) -> None:
        """The main process was started; it may even have ended already."""
        self._process = process
        self._change(
            state=ContainerState.RUNNING,
            process=process.id,
            started=self._clock.now(),
            finished=None,
            exit=None,
            last_exit=self.record.exit,
            termination_message="",
        )
        self._tell(self, "started")
        if process.ended.is_set():
            self._finish(process.status)

    def ended(self) -> None:
        """The main process has ended. It is known here before ``runs`` when it was very quick."""
        if self._process is not None:
            self._finish(self._process.status)

    def did_not_start(self) -> None:
        self._finish(None)

    def _finish(self, status: int | None) -> None:
        """Nothing of it runs any more, so all that it wrote is in the pipes."""
        if self._pipes is not None and self._log is not None:
            self._pipes.close_write()
            self._pipes.drain()
            self._log.close()
        self.run.exit = Exit(code=None, signal=None) if status is None else Exit.of_status(status)
        self._change(
            state=ContainerState.EXITED,
            paused=False,
            finished=self._clock.now(),
            exit=self.run.exit,
            termination_message=self._termination_message(),
        )
        self._tell(self, "exited")
        self.run.finished.set()

    def renamed(self, name: str) -> None:
        self._change(spec=replace(self.record.spec, name=name))

    def paused(self, paused: bool) -> None:
        self._change(paused=paused)

    def note(self, notes: Mapping[str, str]) -> None:
        """What is empty is taken away."""
        known = dict(self.record.notes) | dict(notes)
        self._change(notes={name: text for name, text in known.items() if text})

    def _termination_message(self) -> str:
        if self.record.spec.termination_message_path is None:
            return ""
        try:
            with self.layout.termination_log.open("rb") as file:
                return file.read(_LONGEST_TERMINATION_MESSAGE).decode(errors="replace")
        except OSError:
            return ""

    def _change(self, **changes: object) -> None:
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]  # names are those of the record
        try:
            self._records.write(self.record)
        except FileNotFoundError:
            return  # Somebody else removed it.
        except OSError as error:
            # A full disk: what has happened has happened all the same, and who waits for it here is told.
            log.error("cannot write the record of container %r: %s", self.record.spec.name, error.strerror)


def created_record(container: ContainerId, spec: ContainerSpec, user: User, clock: Clock) -> ContainerRecord:
    """What is written down of a container that nothing runs in yet."""
    return ContainerRecord(
        id=container,
        spec=spec,
        owner=this_process(),
        uid=user.uid,
        gid=user.gid,
        state=ContainerState.CREATED,
        process=None,
        created=clock.now(),
        started=None,
        finished=None,
        exit=None,
        termination_message="",
    )


class OwnSandbox:
    """A sandbox whose holder this process started."""

    def __init__(self, record: SandboxRecord, holder: SpawnedProcess) -> None:
        self.record = record
        self.holder = holder
        self.uid = record.spec.user
        """Where only one uid can be had: the one that it has, once it is known."""
