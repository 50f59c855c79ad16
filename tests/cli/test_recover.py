"""``boathook recover`` settles what the dead owe, removes what they left, and says both."""

from __future__ import annotations

import re
import subprocess
import sys

import anyio
import pytest

from boathook.cli.recover import settlers
from boathook.home import Home
from tests.journal.build import TARGET, a_child, a_context, ended

OWES_WHAT_NOBODY_KNOWS = """
import anyio, os, signal
from tests.journal.build import TARGET, a_context

async def main():
    async with a_context(home) as context:
        await context.obligations.open(kind="test.unknown", target=TARGET, description="thaw /data", payload={})
        os.kill(os.getpid(), signal.SIGKILL)

anyio.run(main)
"""


def recover() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "boathook", "recover"], capture_output=True, text=True, timeout=60, check=False
    )


def test_where_nothing_is_owed_it_says_so_and_starts_nothing(home: Home) -> None:
    result = recover()

    assert (result.returncode, result.stdout) == (0, "nothing owed, nothing left\n")
    assert not home.containers.exists()


@pytest.mark.runtime
def test_what_nobody_can_settle_is_said_and_the_exit_code_is_1(home: Home) -> None:
    assert ended(a_child(OWES_WHAT_NOBODY_KNOWS, home)) == -9

    result = recover()

    assert result.returncode == 1
    assert result.stdout == 'not settled: thaw /data: nothing here can settle "test.unknown"\n'


@pytest.mark.runtime
def test_what_the_living_owe_is_left_to_them(home: Home) -> None:
    async def scene() -> subprocess.CompletedProcess[str]:
        async with a_context(home) as owner:
            await owner.obligations.open(kind="test.unknown", target=TARGET, description="thaw /data", payload={})
            return await anyio.to_thread.run_sync(recover)

    result = anyio.run(scene)

    assert result.returncode == 0
    assert re.fullmatch(r"left: thaw /data: its owner, process \d+, is alive\n", result.stdout)


def test_the_settlers_of_all_dialects_are_known() -> None:
    assert {"compose.stop"} <= set(settlers())
