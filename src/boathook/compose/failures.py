"""How failures of a project's acts are told, in the peer's words where it has some. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from boathook.errors import BoathookError, OperationFailed
from boathook.model import HookResult, Outcome

NOT_STARTED = 126
"""The status that an engine gives an exec which could not be started (spec 2.3)."""


def hook_failure(service: str, container: str, result: HookResult, *, running: bool) -> OperationFailed:
    """What a bad outcome of a hook means for the command that ran it."""
    if result.outcome is Outcome.COULD_NOT_START and not running:
        return OperationFailed(f"container {container} is not running", results=(result,))
    status = NOT_STARTED if result.outcome is Outcome.COULD_NOT_START else result.exit_code
    known = f"exited with status {status}" if status is not None else "did not end as it should"
    why = f": {result.reason}" if result.outcome is not Outcome.FAILED and result.reason else ""
    return OperationFailed(f"{service} hook {known}{why}", results=(result,))


def together(failures: Sequence[BoathookError]) -> BoathookError:
    """Several failures of services as one error; a single one stays what it is."""
    if len(failures) == 1:
        return failures[0]
    results = tuple(result for one in failures if isinstance(one, OperationFailed) for result in one.results)
    return OperationFailed("\n".join(str(one) for one in failures), results=results)
