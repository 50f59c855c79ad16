"""What is said of a run, in the suite's own words: the same words each time, and no time, uid or node in them. Pure."""

from __future__ import annotations

POST_START_RAN = "PostStart hook executed successfully"
PRE_STOP_RAN = "PreStop hook executed successfully"
PRE_STOP_NOT_RUN = "PreStop hook was not executed"
PRE_STOP_CUT_OFF = "PreStop hook was cut off at the end of the grace period"
IN_PARALLEL = "PreStop hooks ran in parallel"


def post_start_failed(code: int) -> str:
    return f"PostStart hook failed with exit code {code}"


def pre_stop_ran_in(container: str) -> str:
    return f"{PRE_STOP_RAN} in {container}"


def pre_stop_failed(code: int) -> str:
    return f"PreStop hook failed with exit code {code}"


def received(container: str, signal: str = "SIGTERM") -> str:
    return f"Container {container} received {signal} after the PreStop hook"


def killed(container: str) -> str:
    return f"Container {container} was killed with SIGKILL (exit code 137)"


def exited(container: str, code: int) -> str:
    return f"Container {container} exited with code {code}"


def restarted(container: str, count: int) -> str:
    return f"Container {container} was restarted (restart count {count})"


def event(reason: str, message: str) -> str:
    return f"Event {reason}: {message}"


def phase(name: str) -> str:
    return f"Pod phase: {name}"


def rejected(error: str) -> str:
    return f"Pod was rejected: {error}"


def order(*names: str) -> str:
    return f"Order: {', '.join(names)}"
