"""What a case does with its project, in the words of the command line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, assert_never

from boathook.compose.options import (
    DownOptions,
    HookWishes,
    KillOptions,
    RemoveOptions,
    RestartOptions,
    RunOptions,
    StartOptions,
    StopOptions,
    UpOptions,
)
from boathook.durations import format_go_duration
from boathook.model import OnFailure

Command: TypeAlias = (
    UpOptions | StartOptions | StopOptions | RestartOptions | DownOptions | RemoveOptions | KillOptions | RunOptions
)


def words_of(command: Command) -> str:
    """``up -d --scale app=4``."""
    return " ".join(_words(command))


def _words(command: Command) -> Iterator[str]:
    match command:
        case UpOptions():
            yield from _up(command)
        case StartOptions():
            yield "start"
            yield from _hooks(command.hooks)
        case StopOptions(grace=grace) | RestartOptions(grace=grace) | DownOptions(grace=grace):
            yield _NAMES[type(command)]
            if grace is not None:
                yield f"-t {grace.total_seconds():g}"
            yield from _flags(command)
            yield from _hooks(command.hooks)
        case RemoveOptions():
            yield "rm -fs" if command.stop else "rm -f"
            yield from _hooks(command.hooks)
        case KillOptions():
            yield "kill"
        case RunOptions():
            yield "run"
            yield command.service
            yield from command.oneoff.command or ()
            return
        case _:
            assert_never(command)
    yield from command.services


_NAMES = {StopOptions: "stop", RestartOptions: "restart", DownOptions: "down"}


def _up(command: UpOptions) -> Iterator[str]:
    yield "up -d" if command.start else "create"
    flags = {
        "--force-recreate": command.force_recreate,
        "--remove-orphans": command.remove_orphans,
        "--no-deps": not command.deps,
        "--wait": command.wait,
        "--rerun-failed-hooks": command.rerun_hooks,
    }
    yield from (flag for flag, given in flags.items() if given)
    if command.wait_timeout is not None:
        yield f"--wait-timeout {command.wait_timeout.total_seconds():g}"
    yield from (f"--scale {service}={count}" for service, count in command.scale.items())
    yield from _hooks(command.hooks)


def _flags(command: StopOptions | RestartOptions | DownOptions) -> Iterator[str]:
    if isinstance(command, DownOptions):
        yield from ("-v",) if command.volumes else ()
        yield from ("--remove-orphans",) if command.remove_orphans else ()
    elif isinstance(command, RestartOptions) and not command.deps:
        yield "--no-deps"


def _hooks(wishes: HookWishes) -> Iterator[str]:
    if wishes.skip:
        yield "--no-hooks"
    if wishes.timeout is not None:
        yield f"--hook-timeout {format_go_duration(wishes.timeout)}"
    if wishes.on_failure is not None:
        yield f"--hook-on-failure {'abort' if wishes.on_failure is OnFailure.STOP else 'continue'}"
