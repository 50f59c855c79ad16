"""Has dataclasses compile their methods when these are first called.

A short command defines two hundred of them and calls few of their six methods each; until Python 3.13 every method is
compiled by itself, which was a third of a command's start. Only the command's own process does this, never a program
that has Boathook as a library.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

Method = Callable[..., Any]

NOT_NEEDED = (3, 13)
"""Since this version all methods of a class are compiled at once."""


def install() -> None:
    """For all dataclasses that are defined from now on."""
    eager = getattr(dataclasses, "_create_fn", None)
    if eager is None or sys.version_info >= NOT_NEEDED:
        return
    dataclasses._create_fn = lazily(eager)  # type: ignore[attr-defined]


def lazily(eager: Callable[..., Method]) -> Callable[..., Method]:
    """``dataclasses._create_fn``, which is given a method's name and text, without the compiling."""

    def create(name: str, *text: Any, **surroundings: Any) -> Method:
        made: list[Method] = []

        def method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            if not made:
                made.append(eager(name, *text, **surroundings))
                _replace(type(self), name, method, made[0])
            return made[0](self, *args, **kwargs)

        method.__name__ = name
        return method

    return create


def _replace(cls: type, name: str, method: Method, made: Method) -> None:
    """The next call finds the compiled one. (A ``__repr__`` is wrapped, and stays.)"""
    for one in cls.__mro__:
        if one.__dict__.get(name) is method:
            setattr(one, name, made)
