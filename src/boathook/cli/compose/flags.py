"""Flags that several Compose commands have, and what they mean."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from boathook.cli.durations import Duration
from boathook.cli.options import place_options
from boathook.cli.session import always, told
from boathook.errors import UsageError

if TYPE_CHECKING:
    from boathook.compose.options import HookWishes, ImageWishes

F = TypeVar("F", bound=Callable[..., Any])

ERROR = 1
"""Every error of the peer's ends with 1."""

_TRUE = frozenset({"1", "t", "true", "y", "yes", "on"})
_PULLS = ("", "policy", "always", "missing", "never")


def acting(function: F) -> F:
    """For a command that acts: ``--dry-run`` (refused), and where and how (``settings``)."""

    @click.option("--dry-run", is_flag=True, help="Not done: see boathook compose plan.")
    @functools.wraps(function)
    def wrapper(*args: Any, dry_run: bool, **kwargs: Any) -> Any:
        if dry_run:
            told(refuse_dry_run, codes=always(ERROR))
        return function(*args, **kwargs)

    return place_options(wrapper)  # type: ignore[return-value]


def refuse_dry_run() -> None:
    raise UsageError("--dry-run is not supported", hint="boathook compose plan shows what would happen, hooks included")


def hook_options(function: F) -> F:
    """Adds ``--hook-timeout``, ``--hook-on-failure`` and ``--no-hooks``; the function gets one ``hooks`` argument."""

    @click.option("--hook-timeout", type=Duration(), help="Give up a hook that takes longer, e.g. 30s.")
    @click.option(
        "--hook-on-failure",
        type=click.Choice(["abort", "continue"]),
        help="What a failed hook does to the command; else as the file says, else abort.",
    )
    @click.option("--no-hooks", is_flag=True, help="Run no hook, and say which were left out.")
    @functools.wraps(function)
    def wrapper(
        *args: Any, hook_timeout: timedelta | None, hook_on_failure: str | None, no_hooks: bool, **kwargs: Any
    ) -> Any:
        return function(*args, hooks=_wishes(hook_timeout, hook_on_failure, no_hooks), **kwargs)

    return wrapper  # type: ignore[return-value]


def _wishes(timeout: timedelta | None, on_failure: str | None, skip: bool) -> HookWishes:
    from boathook.compose.options import HookWishes
    from boathook.model import OnFailure

    meant = {"abort": OnFailure.STOP, "continue": OnFailure.CONTINUE}
    return HookWishes(skip=skip, timeout=timeout, on_failure=None if on_failure is None else meant[on_failure])


def timeout_option(text: str) -> Callable[[F], F]:
    """``-t``; the function gets ``timeout`` in seconds, or None."""
    return click.option("-t", "--timeout", type=click.IntRange(min=0), metavar="SECONDS", help=text)


def grace(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def image_wishes(*, pull: str | None, build: bool, no_build: bool) -> ImageWishes:
    """Raises ``UsageError`` in the peer's words."""
    from boathook.compose.options import ImageWishes

    if build and no_build:
        raise UsageError("--build and --no-build are incompatible")
    if pull == "build":
        return ImageWishes(build=True)
    if (pull or "") not in _PULLS:
        raise UsageError(f'invalid --pull option "{pull}"')
    return ImageWishes(pull="" if pull in (None, "policy") else str(pull), build=build, no_build=no_build)


def quiet_acts(*, build: bool, pull: bool) -> frozenset[str]:
    """Of which acts of an engine nothing is shown."""
    return frozenset({name for name, is_quiet in (("build", build), ("pull", pull)) if is_quiet})


def scales(given: tuple[str, ...], message: str) -> dict[str, int]:
    """``SERVICE=NUM``. Raises ``UsageError`` with ``message``, in which ``{}`` stands for what is wrong."""
    result = {}
    for one in given:
        name, separator, number = one.partition("=")
        if not separator:
            raise UsageError(message.format(one))
        if not number.isdigit():
            raise UsageError(f'strconv.Atoi: parsing "{number}": invalid syntax')
        result[name] = int(number)
    return result


def said_by_environment(variable: str) -> bool:
    """Whether a variable of the peer's switches something on."""
    return os.environ.get(variable, "").lower() in _TRUE


def variable(given: str) -> tuple[str, str | None]:
    """``KEY=VALUE``; a name alone takes its value from here, and one that is not set here is not set there either."""
    name, separator, value = given.partition("=")
    return name, value if separator else os.environ.get(name)
