"""The whole error tree of Boathook. A library user catches ``BoathookError``.

BoathookError                    has .hint (what to do) or None
├── ManifestError                .problems: every finding, each with its position
├── UsageError                   contradictory options, unknown name
├── PlaceError                   the runtime or cluster could not be reached, or lacks a tool or an ability
│   ├── MissingExtra             an optional dependency is not installed
│   ├── UnsupportedHere          the place cannot do what was asked (another user, a missing namespace)
│   └── RegistryFailure          a registry could not be reached, or does not let us in
├── TargetError                  the thing acted upon is not as required
│   ├── NotFound
│   │   └── ImageUnavailable     .reason: the kubelet's word for it, as ErrImagePull
│   ├── NotRunning
│   ├── Conflict                 exists already, or is held by another command
│   ├── CouldNotStart            a program could not be started in its container
│   └── RequestFailed            a connection to a container, or what was said over it, failed
├── OperationFailed              the work was done and ended badly; .results: the hooks that ran
└── JournalError                 locked, corrupt, or written by a newer version
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boathook.model import Finding, HookResult


class BoathookError(Exception):
    """What the user can be told. The message is ``what failed: why``; ``hint`` says what to do next."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ManifestError(BoathookError):
    """A file is refused. ``problems`` holds every finding of it, in file order."""

    def __init__(self, problems: tuple[Finding, ...], *, hint: str | None = None) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), hint=hint)
        self.problems = problems


class UsageError(BoathookError):
    """The command line or the arguments contradict each other, or name something unknown."""


class PlaceError(BoathookError):
    """The place (local runtime, engine, cluster) cannot be reached or lacks a tool."""


class MissingExtra(PlaceError):
    """An optional dependency is not installed; the message names the extra."""


class UnsupportedHere(PlaceError):
    """The place cannot do what was asked for; nothing was started. ``hint`` holds the remedy."""


class RegistryFailure(PlaceError):
    """A registry of images could not be reached, or does not let us in."""

    def __init__(self, message: str, *, unreachable: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.unreachable = unreachable


class TargetError(BoathookError):
    """The thing that was to be acted upon is not as required."""


class NotFound(TargetError):
    """Nothing of that name exists."""


class ImageUnavailable(NotFound):
    """An image is not to be had. ``reason`` is the kubelet's: ErrImagePull, ErrImageNeverPull, InvalidImageName."""

    def __init__(self, message: str, *, reason: str = "ErrImagePull", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class NotRunning(TargetError):
    """The container or pod does not run."""


class Conflict(TargetError):
    """It exists already, or another living command holds it."""


class CouldNotStart(TargetError):
    """The program could not be started in its container: missing, not executable, unknown user or directory."""


class RequestFailed(TargetError):
    """A connection, its TLS or its protocol failed. The text is as Go prints it: ``dial tcp …: connection refused``."""


class OperationFailed(BoathookError):
    """The work was done and ended badly. ``results`` holds the hooks that ran, in order."""

    def __init__(self, message: str, *, results: tuple[HookResult, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.results = results


class JournalError(BoathookError):
    """The journal is locked, damaged, or was written by a newer version."""


def mistake_in(error: Exception) -> BoathookError | None:
    """What the user can be told of what was raised, also out of the groups that task groups make of it.

    None where it is, or holds, anything else: that is a bug, and no mistake beside it explains it.
    """
    if isinstance(error, BoathookError):
        return error
    if not isinstance(error, ExceptionGroup):
        return None
    mistakes, bugs = error.split(BoathookError)
    if mistakes is None or bugs is not None:
        return None
    leaf: BaseException = mistakes
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    assert isinstance(leaf, BoathookError)
    return leaf


@contextmanager
def alone() -> Iterator[None]:
    """What the block raises by itself comes out of the group that a task group around it makes of it."""
    try:
        yield
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from None
        raise
