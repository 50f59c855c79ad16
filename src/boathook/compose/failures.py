"""How failures of a project's acts are told, in the peer's words where it has some. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from boathook.errors import BoathookError, OperationFailed
from boathook.model import HookResult, Outcome, Output

NOT_STARTED = 126
"""The status that an engine gives an exec which could not be started (spec 2.3)."""
TAIL_LINES = 10
TAIL_BYTES = 2048
"""How much of what a hook wrote stands in the message of its failure (spec 2.2)."""


def hook_failure(service: str, container: str, result: HookResult, *, running: bool) -> OperationFailed:
    """What a bad outcome of a hook that ran in its container means for the command that ran it."""
    if result.outcome is Outcome.COULD_NOT_START and not running:
        return OperationFailed(f"container {container} is not running", results=(result,))
    return OperationFailed(f"{service} hook {_ended(result, 'status')}", results=(result,))


def helper_failure(service: str, result: HookResult, helper: str) -> OperationFailed:
    """What a bad outcome of a ``pre_start`` means; ``helper``: the container that is kept, by its short id."""
    kept = f" (hook container {helper} retained for inspection)" if helper else ""
    message = f'service "{service}" {result.hook.name} {_ended(result, "code")}{kept}'
    return OperationFailed(message, results=(result,))


def together(failures: Sequence[BoathookError]) -> BoathookError:
    """Several failures of services as one error; a single one stays what it is. What is said twice is said once."""
    messages = tuple(dict.fromkeys(str(one) for one in failures))
    if len(failures) == 1:
        return failures[0]
    different = {id(one): one for one in failures}.values()
    results = tuple(result for one in different if isinstance(one, OperationFailed) for result in one.results)
    hint = next((one.hint for one in failures if one.hint), None)
    return OperationFailed("\n".join(messages), results=results, hint=hint)


def output_tail(result: HookResult) -> str:
    """The last lines that a hook wrote: of its standard error, or of its standard output where that is empty."""
    return tail(result.stderr) or tail(result.stdout)


def tail(output: Output | None) -> str:
    """The last ten lines that are not blank, at most 2048 bytes; of a line that was written over, what stood last."""
    if output is None:
        return ""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in output.text.replace("\ufffd", "").split("\n")]
    kept = "\n".join([line for line in lines if line.strip()][-TAIL_LINES:])
    return kept.encode()[-TAIL_BYTES:].decode(errors="ignore").strip()


def _ended(result: HookResult, word: str) -> str:
    """``exited with status 3: the last it wrote``, ``timed out after 5s``."""
    if result.outcome is Outcome.FAILED and result.exit_code is not None:
        why = output_tail(result)
        return f"exited with {word} {result.exit_code}" + (f": {why}" if why else "")
    if result.outcome is Outcome.COULD_NOT_START:
        return f"exited with {word} {NOT_STARTED}" + (f": {result.reason}" if result.reason else "")
    if result.outcome is Outcome.TIMED_OUT and result.reason:
        return result.reason
    return "did not end as it should" + (f": {result.reason}" if result.reason else "")
