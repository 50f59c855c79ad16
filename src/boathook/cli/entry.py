"""The console script: ``main`` in an interpreter that is set up for one short command."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys

from boathook.cli import lazy_dataclasses

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended, as shells have it."""

GARBAGE_AFTER = 200_000
"""Objects between two searches for garbage: more than all imports of a command make, which leave none behind. Python's
700 has it look dozens of times meanwhile."""


def run() -> None:
    """Run the command and end the process with its exit code."""
    gc.set_threshold(GARBAGE_AFTER)
    lazy_dataclasses.install()
    status: int | None = None

    def leave() -> None:
        """Skip the end of the interpreter, which frees object by object what the kernel frees at once.

        That takes a third as long as all imports. This was registered before anything else, so it comes last: threads
        have been waited for, and everybody else's endings have run. An error that nobody caught is left to Python.
        """
        if status is None:
            return
        with contextlib.suppress(OSError, ValueError):  # Python has words of its own for a pipe that nobody reads.
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:  # Python's stand-in for one that was closed from the start
                    stream.flush()
            os._exit(status)

    atexit.register(leave)
    try:
        from boathook.cli.main import main

        main()
        status = 0
    except KeyboardInterrupt:
        # So early that the command could not yet look after it.
        status = INTERRUPTED
        sys.exit(status)
    except SystemExit as ended:
        status = _status(ended.code)
        raise


def _status(code: str | int | None) -> int:
    """As Python understands the value of ``SystemExit``."""
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1
