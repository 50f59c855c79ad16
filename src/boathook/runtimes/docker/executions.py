"""Processes that an engine starts in a running container; where Docker and Podman differ, it is made equal here.

Neither says plainly that a program could not be started: Docker gives exit code 126 with the reason on stdout, Podman
126 or 127 with it on stderr, or a failed request. With Docker, that the process never had a pid tells it apart from a
program that ends with 126 by itself. Neither can end such a process; ``kill`` does, by its pid on the engine's machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio

from boathook.errors import BoathookError, Conflict, CouldNotStart, NotFound, NotRunning, PlaceError
from boathook.model import Stream
from boathook.runtimes.base import Exit, NetworkMode, OutputSink
from boathook.runtimes.docker import pause
from boathook.runtimes.docker.engine import Engine, Exec, Refused
from boathook.runtimes.docker.input import StreamInput
from boathook.runtimes.docker.state import exit_of_code
from boathook.runtimes.docker.streams import ProcessStreams
from boathook.runtimes.executions import end_session
from boathook.runtimes.processes import process_id

_FIRST_LOOK, _LONGEST_LOOK = 0.005, 0.1
_RUNS_LOOK, _LONGEST_RUNS_LOOK = 0.02, 0.5
"""Before it is asked whether a process runs: most hooks have ended by then, and nothing need be asked."""
_STDERR = 2
_NEVER_STARTED = (125, 126, 127)
_PODMANS = b"Error: "
"""Begins what Podman says of an exec that could not be started (measured with 4.3)."""
_START_SECONDS = 10.0
_START_EXEC_SECONDS = 30.0
_AFTER_KILL_SECONDS = 5.0
"""How long a killed process's output is waited for: Docker holds it open for two seconds at most."""


class EngineExecution:
    """Implements ``boathook.runtimes.base.Execution``."""

    def __init__(
        self,
        engine: Engine,
        container: str,
        execution: Exec,
        stream: ProcessStreams,
        output: OutputSink,
        *,
        stdin: int | None = None,
    ) -> None:
        """``stdin``: a descriptor; it is duplicated, since its owner may close it as soon as the process runs."""
        self._engine = engine
        self._container = container
        self._execution = execution
        self._stream = stream
        self._output = output
        self._withheld: list[tuple[Stream, bytes]] | None = []
        """What was written before it was known that the program runs: it may be the engine's own words."""
        self._exit: Exit | None = None
        self._last: dict[str, Any] | None = None
        """What the engine said of it when it had ended."""
        self._failure: BoathookError | None = None
        self._ended = anyio.Event()
        self._heard = anyio.Event()
        """It has said something, or ended."""
        self._input = None if stdin is None else StreamInput(engine, stream, os.dup(stdin))
        self._task = asyncio.create_task(self._follow())

    async def started(self) -> None:
        """Until the process runs. Raises ``CouldNotStart`` with the engine's reason when it never did."""
        pause, heard = _RUNS_LOOK, False
        while True:
            with anyio.move_on_after(pause):
                # What it says first is a reason to look, once: till then it is withheld.
                await (self._ended if heard else self._heard).wait()
            heard = self._heard.is_set()
            known = self._last if self._ended.is_set() else await self._inspect()
            if known is None or known.get("Pid"):
                break
            if _has_ended(known):
                await self._ended.wait()
                said = b"".join(chunk for _, chunk in self._withheld or ())
                if known["ExitCode"] in _NEVER_STARTED and self._is_engines(said):
                    raise CouldNotStart(_reason(said) or f"the engine gave exit code {known['ExitCode']}")
                break
            pause = min(pause * 2, _LONGEST_RUNS_LOOK)
        withheld, self._withheld = self._withheld or [], None
        for stream, chunk in withheld:
            self._output(stream, chunk)

    def _is_engines(self, said: bytes) -> bool:
        """What never had a pid wrote nothing. Podman forgets the pid of what has ended, so its words are looked at."""
        return not self._engine.podman or said.startswith(_PODMANS)

    async def wait(self) -> Exit:
        await self._ended.wait()
        if self._failure is not None:
            raise self._failure
        return self._exit or Exit(code=None, signal=None)

    async def resize(self, rows: int, columns: int) -> None:
        """Of its terminal. One that has ended has none."""
        query = {"h": rows, "w": columns}
        with contextlib.suppress(NotFound, Conflict, NotRunning, Refused):
            await self._engine.call("POST", f"exec/{self._execution.id}/resize", query=query)

    async def kill(self) -> None:
        with anyio.CancelScope(shield=True):
            pid = await self._pid()
            if pid is not None:
                await self._end(pid)
            with anyio.move_on_after(_AFTER_KILL_SECONDS):
                await self._ended.wait()
            await self.release()

    async def _pid(self) -> int | None:
        """On the engine's machine; what is just being started is waited for. None when it has ended."""
        pause = _FIRST_LOOK
        with anyio.move_on_after(_START_SECONDS):
            while (known := await self._inspect()) is not None and not _has_ended(known):
                if pid := known.get("Pid"):
                    return int(pid)
                await anyio.sleep(pause)
                pause = min(pause * 2, _LONGEST_LOOK)
        return None

    @property
    def over(self) -> bool:
        return self._ended.is_set()

    async def release(self) -> None:
        """Nobody listens any more."""
        self._task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([self._task])
        self._set_ended()

    def _set_ended(self) -> None:
        self._ended.set()
        self._heard.set()

    async def _end(self, pid: int) -> None:
        """From here where that is possible, which reaches children in groups of their own; else through the engine."""
        if self._is_ours_to_end(pid):
            if not await end_session(process_id(pid)):
                raise PlaceError("a process in the container sleeps uninterruptibly: it ends as soon as it can")
            return
        await _kill_group(self._engine, pid)

    def _is_ours_to_end(self, pid: int) -> bool:
        """The pid means the same process here as it does to the engine: it is in the container's control group."""
        if os.geteuid() != 0 or not self._engine.endpoint.local:
            return False
        try:
            return self._container in Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii")
        except OSError:
            return False

    async def _follow(self) -> None:
        try:
            while (read := await self._engine.read_exec(self._stream)) is not None:
                number, chunk = read
                self._take(Stream.STDERR if number == _STDERR else Stream.STDOUT, chunk)
            self._exit = await self._end_of_process()
        except BoathookError as error:
            self._failure = error
        finally:
            if self._input is not None:
                await self._input.close()
            await self._stream.close()
            self._set_ended()

    def _take(self, stream: Stream, chunk: bytes) -> None:
        self._heard.set()
        if self._withheld is None:
            self._output(stream, chunk)
        else:
            self._withheld.append((stream, chunk))

    async def _end_of_process(self) -> Exit:
        """The exit code is to be trusted only once it does not run: Podman says 0 before (measured with 4.3)."""
        pause = _FIRST_LOOK
        while (known := await self._inspect()) is not None and not _has_ended(known):
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_LOOK)
        self._last = known
        return exit_of_code(None if known is None else int(known["ExitCode"]))

    async def _inspect(self) -> dict[str, Any] | None:
        """None when it is gone with its container."""
        try:
            found: dict[str, Any] = await self._engine.call("GET", f"exec/{self._execution.id}/json")
        except NotFound:
            return None
        return found


async def start_execution(
    engine: Engine, container: str, body: Mapping[str, Any], output: OutputSink, *, stdin: int | None = None
) -> EngineExecution:
    """Ask for it and return when it runs. What was interrupted meanwhile is ended.

    Raises what the engine raises, and ``CouldNotStart``.
    """
    execution: EngineExecution | None = None
    try:
        made = await engine.new_exec(container, body)
        # Once the engine has been asked to start it, it must be known how to end it.
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + _START_EXEC_SECONDS):
            stream = await engine.start_exec(made)
            execution = EngineExecution(engine, container, made, stream, output, stdin=stdin)
        if execution is None:
            raise PlaceError("the engine did not answer when an exec was to be started")
        await execution.started()
    except (NotRunning, CouldNotStart, Conflict, Refused):
        if execution is not None:
            await execution.release()
        raise
    except BaseException:
        if execution is not None:
            with anyio.CancelScope(shield=True):
                await execution.kill()
        raise
    return execution


def _has_ended(known: dict[str, Any]) -> bool:
    return not known.get("Running") and known.get("ExitCode") is not None


def _reason(said: bytes) -> str:
    """Its first line: Podman adds that the connection to the process was lost."""
    return said.decode(errors="replace").strip().partition("\n")[0].removeprefix(_PODMANS.decode()).rstrip()


async def _kill_group(engine: Engine, pid: int) -> None:
    """A container among the processes of the engine's machine sends the signal: a client cannot."""
    body = {
        "Image": await pause.ensure_image(engine),
        "Entrypoint": [pause.PROGRAM],
        "Cmd": [str(pid)],
        "HostConfig": {"PidMode": NetworkMode.HOST.value, "NetworkMode": "none"},
    }
    made = (await engine.call("POST", "containers/create", body=body))["Id"]
    try:
        await engine.call("POST", f"containers/{made}/start")
        await engine.call("POST", f"containers/{made}/wait")
    finally:
        await engine.call("DELETE", f"containers/{made}", query={"force": True})
