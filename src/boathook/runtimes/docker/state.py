"""What an engine says of a container, in our own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from boathook.runtimes.base import Container, ContainerId, ContainerSpec, ContainerState, Exit
from boathook.runtimes.docker.labels import USER, is_orphan

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?")
_LAST_SIGNAL = 64


def container_as_seen(found: Mapping[str, Any], spec: ContainerSpec, termination_message: str) -> Container:
    """``found`` is the answer to ``GET /containers/ID/json``."""
    labels, state = found["Config"]["Labels"], found["State"]
    seen = state_of(state)
    started = moment(state.get("StartedAt") or "")
    finished = moment(state.get("FinishedAt") or "") if seen is ContainerState.EXITED else None
    if started is not None and finished is not None:
        # The engine notes a start when its process runs already: one that ends at once can have ended before it.
        finished = max(started, finished)
    return Container(
        id=ContainerId(found["Id"]),
        spec=spec,
        state=seen,
        user=labels.get(USER, ""),
        pid=(state.get("Pid") or None) if seen is ContainerState.RUNNING else None,
        created=moment(found["Created"]) or datetime.fromtimestamp(0, UTC),
        started=started,
        finished=finished,
        exit=exit_of_state(state) if seen is ContainerState.EXITED else None,
        termination_message=termination_message,
        owner_alive=not is_orphan(labels),
        paused=state.get("Status") == "paused",
    )


def state_of(state: Mapping[str, Any]) -> ContainerState:
    """A container that could not be started stays ``created`` in Docker, with the failure beside it."""
    match state.get("Status"):
        case "running" | "paused" | "restarting" | "stopping":
            return ContainerState.RUNNING
        case "created" | "configured" | "initialized":
            failed = bool(state.get("Error")) or bool(state.get("ExitCode"))
            return ContainerState.EXITED if failed else ContainerState.CREATED
        case _:
            return ContainerState.EXITED


def exit_of_state(state: Mapping[str, Any]) -> Exit:
    """Nobody saw the end of what was never started."""
    if moment(state.get("StartedAt") or "") is None:
        return Exit(code=None, signal=None)
    return exit_of_code(state.get("ExitCode"))


def exit_of_code(code: int | None) -> Exit:
    """An engine gives 128 + n for signal n, and cannot be asked whether a program ended with that number itself."""
    if code is None:
        return Exit(code=None, signal=None)
    is_signal = 128 < code <= 128 + _LAST_SIGNAL
    return Exit(code=code, signal=code - 128 if is_signal else None)


def moment(text: str) -> datetime | None:
    """RFC 3339 with any number of digits; None for the year 1, which stands for never."""
    found = _MOMENT.match(text)
    if found is None or text.startswith("0001"):
        return None
    seconds, fraction, zone = found.groups()
    return datetime.fromisoformat(f"{seconds}.{(fraction or '0')[:6]:0<6}{(zone or 'Z').replace('Z', '+00:00')}")
