"""Which exit code each class of error has. One table; docs/reference/runtime.md explains it."""

from __future__ import annotations

from boathook.errors import (
    BoathookError,
    JournalError,
    ManifestError,
    OperationFailed,
    PlaceError,
    TargetError,
    UsageError,
)

OK = 0
BUG = 70

EXIT_CODES: dict[type[BoathookError], int] = {
    ManifestError: 2,
    UsageError: 2,
    PlaceError: 4,
    TargetError: 1,
    OperationFailed: 1,
    JournalError: 4,
    BoathookError: 1,
}
"""The most specific class that matches counts."""


def exit_code(error: BoathookError) -> int:
    """The code of the nearest class in the error's ancestry that stands in the table."""
    for cls in type(error).__mro__:
        if cls in EXIT_CODES:
            return EXIT_CODES[cls]
    return EXIT_CODES[BoathookError]
