"""What a case does with its project is shown as somebody would type it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner

from boathook.cli.main import main
from boathook.compose.options import (
    DownOptions,
    HookWishes,
    KillOptions,
    OneOff,
    RemoveOptions,
    RestartOptions,
    RunOptions,
    StartOptions,
    StopOptions,
    UpOptions,
)
from boathook.conformance.commands import Command, words_of
from boathook.model import OnFailure

SECOND = timedelta(seconds=1)

SHOWN = [
    (UpOptions(), "up -d"),
    (UpOptions(start=False), "create"),
    (UpOptions(services=("app",), force_recreate=True, deps=False), "up -d --force-recreate --no-deps app"),
    (UpOptions(wait=True, wait_timeout=SECOND, scale={"app": 4}), "up -d --wait --wait-timeout 1 --scale app=4"),
    (UpOptions(rerun_hooks=True, remove_orphans=True), "up -d --remove-orphans --rerun-failed-hooks"),
    (StartOptions(services=("app",)), "start app"),
    (StopOptions(grace=SECOND), "stop -t 1"),
    (StopOptions(hooks=HookWishes(skip=True)), "stop --no-hooks"),
    (RestartOptions(services=("app",), deps=False), "restart --no-deps app"),
    (
        DownOptions(volumes=True, hooks=HookWishes(timeout=SECOND, on_failure=OnFailure.CONTINUE)),
        "down -v --hook-timeout 1s --hook-on-failure continue",
    ),
    (DownOptions(remove_orphans=True), "down --remove-orphans"),
    (RemoveOptions(stop=True), "rm -fs"),
    (RemoveOptions(), "rm -f"),
    (KillOptions(), "kill"),
    (RunOptions(service="task", oneoff=OneOff(command=("echo", "hello"))), "run task echo hello"),
]


@pytest.mark.parametrize(("command", "words"), SHOWN, ids=[words for _, words in SHOWN])
def test_a_command_is_shown_with_its_flags(command: Command, words: str) -> None:
    assert words_of(command) == words


@pytest.mark.parametrize("words", [words for _, words in SHOWN])
def test_every_flag_that_is_shown_is_one_of_the_command(words: str) -> None:
    name, *given = words.split()
    flags = [word for word in given if word.startswith("-")]

    helped = CliRunner().invoke(main, ["compose", name, "--help"])

    assert helped.exit_code == 0
    short = [f"-{letter}, " for flag in flags if not flag.startswith("--") for letter in flag[1:]]
    long = [flag for flag in flags if flag.startswith("--")]
    assert [flag for flag in (*short, *long) if flag not in helped.output] == []
