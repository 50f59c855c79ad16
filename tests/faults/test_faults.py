"""A hook that misbehaves, in three dialects: the run goes on as it should, and the journal has it as it was."""

from __future__ import annotations

import os

import anyio
import pytest
from click.testing import CliRunner

from boathook.cli.main import main
from boathook.home import Home
from boathook.model import Outcome
from tests.faults.build import FLOOD, FLOOD_BYTES, KEPT_BYTES, Life, a_backup, a_pod, a_service
from tests.properties.left import left_of

pytestmark = [pytest.mark.runtime, pytest.mark.anyio]

HANGS = "echo half way; sleep 600"
IGNORES = "trap '' TERM INT HUP; echo half way; while :; do sleep 600; done"

everywhere = pytest.mark.parametrize("life", [a_pod, a_service, a_backup])


@everywhere
async def test_a_flood_of_output_is_counted_whole_and_kept_short(home: Home, life: Life) -> None:
    ran = await life(home, FLOOD)

    out, err = ran.hook.stdout, ran.hook.stderr
    assert (ran.hook.outcome, ran.hook.exit_code) == (Outcome.SUCCEEDED, 0)
    assert out is not None
    assert (out.total_bytes, out.omitted_bytes) == (FLOOD_BYTES, FLOOD_BYTES - KEPT_BYTES)
    assert err is not None
    assert err.text == "done\n"
    assert home.journal.stat().st_size < 10 * KEPT_BYTES
    assert left_of(home, os.getpid()) == []


@everywhere
async def test_output_that_is_no_text_is_kept_as_far_as_it_is_one(home: Home, life: Life) -> None:
    ran = await life(home, "printf '\\377\\376 ok\\n'")

    assert ran.hook.outcome is Outcome.SUCCEEDED
    assert ran.hook.stdout is not None
    assert (ran.hook.stdout.text, ran.hook.stdout.total_bytes) == ("\ufffd\ufffd ok\n", 6)


@everywhere
async def test_children_that_a_hook_leaves_end_with_the_container(home: Home, life: Life) -> None:
    ran = await life(home, "setsid sleep 600 >/dev/null 2>&1 & sleep 601 >/dev/null 2>&1 & echo left two")

    assert (ran.hook.outcome, ran.hook.exit_code) == (Outcome.SUCCEEDED, 0)
    assert ran.seconds < 10
    assert left_of(home, os.getpid()) == []


@everywhere
@pytest.mark.behaviour("deps:11")
async def test_a_child_that_holds_its_output_makes_a_hook_last_until_it_ends(home: Home, life: Life) -> None:
    ran = await life(home, "setsid sleep 1 & echo left one")

    assert ran.hook.outcome is Outcome.SUCCEEDED
    assert ran.hook.duration is not None
    assert 1 <= ran.hook.duration.total_seconds() < 5
    assert left_of(home, os.getpid()) == []


@everywhere
async def test_a_hook_that_kills_all_but_the_main_process_goes_on(home: Home, life: Life) -> None:
    """No process can kill the first one of its namespace with SIGKILL, and none is its own victim."""
    ran = await life(home, "kill -9 -1; echo survived")

    assert (ran.hook.outcome, ran.hook.exit_code) == (Outcome.SUCCEEDED, 0)
    assert ran.hook.stdout is not None
    assert ran.hook.stdout.text == "survived\n"
    assert ran.exits == ((5, None),)


@everywhere
@pytest.mark.behaviour("deps:9")
async def test_a_hook_that_ends_its_own_container_is_killed_with_it(home: Home, life: Life) -> None:
    ran = await life(home, "echo before; kill 1; sleep 600")

    assert (ran.hook.outcome, ran.hook.exit_code, ran.hook.signal) == (Outcome.FAILED, 137, 9)
    assert ran.hook.reason == "killed by SIGKILL"
    assert ran.hook.stdout is not None
    assert ran.hook.stdout.text == "before\n"
    # A failed pre_stop hook ends "down" before it comes to the container; see the peer's behaviour.
    assert ran.exits == (() if life is a_service else ((5, None),))
    assert ran.seconds < 10


@pytest.mark.parametrize("script", [HANGS, IGNORES])
@pytest.mark.behaviour("pods:12")
async def test_a_pre_stop_hook_that_hangs_is_left_alone_at_the_end_of_the_grace_period(home: Home, script: str) -> None:
    ran = await a_pod(home, script, grace=2)

    assert (ran.hook.outcome, ran.hook.exit_code, ran.hook.signal) == (Outcome.TIMED_OUT, None, None)
    assert ran.hook.stdout is not None
    assert ran.hook.stdout.text == "half way\n"
    assert ran.exits == ((5, None),)
    assert 2 <= ran.seconds < 10
    assert left_of(home, os.getpid()) == []


@pytest.mark.parametrize("script", [HANGS, IGNORES])
async def test_a_pre_stop_hook_of_compose_has_no_limit_but_patience(home: Home, script: str) -> None:
    ran = await a_service(home, script, patience=2)

    assert (ran.hook.outcome, ran.hook.exit_code, ran.hook.signal) == (Outcome.CANCELLED, None, None)
    assert ran.hook.duration is not None
    assert ran.hook.duration.total_seconds() > 1
    assert ran.hook.stdout is not None
    assert ran.hook.stdout.text == "half way\n"


@pytest.mark.parametrize("script", [HANGS, IGNORES])
@pytest.mark.behaviour("deps:8")
async def test_a_backup_hook_that_hangs_is_killed_at_its_timeout_and_the_post_hook_runs(
    home: Home, script: str
) -> None:
    ran = await a_backup(home, script, timeout="1s")

    hook, post = ran.hooks
    assert (hook.outcome, hook.exit_code, hook.reason) == (Outcome.TIMED_OUT, None, "timed out after 1s")
    assert hook.stdout is not None
    assert hook.stdout.text == "half way\n"
    assert post.outcome is Outcome.SUCCEEDED
    assert post.stdout is not None
    assert "sleep 600" not in post.stdout.text
    assert left_of(home, os.getpid()) == []


async def test_a_post_hook_whose_container_is_gone_stays_owed_until_it_is_recovered(home: Home) -> None:
    ran = await a_backup(home, "kill 1; sleep 600")

    assert [hook.outcome for hook in ran.hooks] == [Outcome.FAILED, Outcome.COULD_NOT_START]
    assert any(what.startswith("owed: backup.post-hook") for what in left_of(home, os.getpid()))


def test_recover_pays_for_a_hook_that_ended_its_own_container(home: Home) -> None:
    anyio.run(a_backup, home, "kill 1; sleep 600")

    ended = CliRunner().invoke(main, ["recover", "--offline"])

    assert ended.exit_code == 0, ended.output
    assert left_of(home, os.getpid()) == []
