"""A program in a container of a real cluster, over the WebSocket protocol of the API's exec.

It is asked for without standard input: the node then gives the program ``/dev/null``, so that one that reads sees the
end of file at once, on servers of every protocol version. lightkube's own exec always asks for standard input, which
on servers before v5 nothing can close.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import anyio
import httpx2
from anyio.abc import TaskStatus
from httpx2.websockets import HTTPXWSException, WebSocketUpgradeError

from boathook.cluster.kubernetes.api import STREAMING, refusal, words
from boathook.errors import BoathookError, CouldNotStart, NotRunning, PlaceError, UnsupportedHere
from boathook.model import JsonObject, Stream
from boathook.objects import mapping, mappings, text
from boathook.runtimes.base import Exit, OutputSink

PROTOCOLS: Final = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
STREAMS: Final = {1: Stream.STDOUT, 2: Stream.STDERR}
STATUS_CHANNEL: Final = 3
LARGEST_MESSAGE: Final = 4 * 1024 * 1024

ENGINE_PREFIX: Final = b"OCI runtime exec failed"
"""What an engine writes to the program's own output in place of starting it, ending with 126 or 127 (Docker)."""


class RemoteExecution:
    """Implements ``Execution``. That its program could not be started is known only later: ``wait`` raises it."""

    def __init__(self, output: OutputSink) -> None:
        self._output = output
        self._begun = b""
        self._ended = anyio.Event()
        self._exit = Exit(code=None, signal=None)
        self._error: BoathookError | None = None

    async def wait(self) -> Exit:
        await self._ended.wait()
        if self._error is not None:
            raise self._error
        return self._exit

    async def kill(self) -> None:
        raise UnsupportedHere(
            "a running command cannot be ended from outside its container in a Kubernetes cluster",
            hint="let the command limit itself: timeout SECONDS COMMAND",
        )

    async def follow(
        self,
        client: httpx2.AsyncClient,
        path: str,
        query: Sequence[tuple[str, str]],
        *,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Connect, and read until the program has ended. Raises only until it is connected."""
        connected = False
        try:
            async with client.websocket(
                path,
                subprotocols=list(PROTOCOLS),
                params=httpx2.QueryParams(tuple(query)),
                max_message_size_bytes=LARGEST_MESSAGE,
                timeout=STREAMING,
            ) as socket:
                connected = True
                task_status.started()
                while not self._take(await socket.receive_bytes()):
                    pass
        except BaseExceptionGroup as group:
            broken, rest = group.split((HTTPXWSException, httpx2.HTTPError))
            if rest is not None or broken is None:
                raise
            # The connection broke before a status came: nobody saw how the program ended.
        except (HTTPXWSException, httpx2.HTTPError) as error:
            if not connected:
                raise _refused(error) from error
        finally:
            self._ended.set()

    def _take(self, message: bytes) -> bool:
        """True when the program has ended."""
        channel, data = message[:1], message[1:]
        if not channel:
            return False
        stream = STREAMS.get(channel[0])
        if stream is not None:
            self._hear(stream, data)
            return False
        if channel[0] != STATUS_CHANNEL:
            return False
        self._conclude(json.loads(data))
        return True

    def _hear(self, stream: Stream, data: bytes) -> None:
        if not data:
            return
        if len(self._begun) < len(ENGINE_PREFIX):
            self._begun += data[:1024]
        self._output(stream, data)

    def _conclude(self, status: JsonObject) -> None:
        if text(status, "status") == "Success":
            self._exit = Exit(code=0, signal=None)
            return
        if text(status, "reason") == "NonZeroExitCode":
            self._exit = _exit_of(status)
            if self._exit.code in (126, 127) and self._begun.startswith(ENGINE_PREFIX):
                self._error = CouldNotStart(self._begun.decode(errors="replace").strip())
            return
        self._error = _not_started(status)


def _exit_of(status: JsonObject) -> Exit:
    causes = mappings(mapping(status, "details").get("causes"))
    codes = [text(cause, "message") for cause in causes if cause.get("reason") == "ExitCode"]
    code = int(codes[0]) if codes and codes[0].isdigit() else None
    # An engine reports a signal's death as 128 and its number; a program may also exit so by itself.
    return Exit(code=code, signal=None)


def _not_started(status: JsonObject) -> BoathookError:
    message = text(status, "message")
    if "container not found" in message or "not running" in message:
        return NotRunning(message)
    if "exec failed" in message or "error executing command in container" in message:
        return CouldNotStart(message)
    return refusal(status, code) if isinstance(code := status.get("code"), int) else PlaceError(message)


def _refused(error: Exception) -> BoathookError:
    # The body of such an answer is gone by now; who asked can look at the pod.
    if isinstance(error, WebSocketUpgradeError) and error.response.status_code in (400, 404):
        return NotRunning(f"no command can be run there: HTTP {error.response.status_code}")
    if isinstance(error, WebSocketUpgradeError):
        return PlaceError(f"the API server refused to run a command: HTTP {error.response.status_code}")
    return PlaceError(f"the connection for a command broke: {words(error)}")
