"""A test that knows of no event loop has one all the same."""

from __future__ import annotations

import signal
import threading

import anyio
import pytest

from boathook.testing.portal import a_loop


async def _thread() -> str:
    return threading.current_thread().name


async def _fails() -> None:
    raise ValueError("told to the test")


def test_coroutines_run_in_a_thread_of_their_own() -> None:
    with a_loop() as loop:
        assert loop.call(_thread) == "boathook-testing"


def test_an_error_reaches_the_test() -> None:
    with a_loop() as loop, pytest.raises(ValueError, match="told to the test"):
        loop.call(_fails)


def test_what_a_test_no_longer_waits_for_is_cancelled() -> None:
    ended = threading.Event()

    async def never_ends() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    class Interrupted(BaseException):
        """As Ctrl-C does, in the middle of the wait."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with a_loop() as loop:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(Interrupted):
                loop.call(never_ends)
            assert ended.wait(5)
    finally:
        signal.signal(signal.SIGALRM, before)
