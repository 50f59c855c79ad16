"""What is done with a project of compose-lifecycle/: its file ``steps``, line by line.

``> up -d``                        the tool's command
``> A=b stop``                     with a variable set
``> [INT at app-post] up``         that gets SIGINT as soon as the mark ``app-post`` stands in the project's log
``$ docker pause $PROJECT-app-1``  a shell's, in the project's directory; with the engine's docker CLI
``# text``                         said to the reader

``> [apart] restart``              services do it side by side: the marks of each are compared alone
``> [unordered] stop``             replicas do it side by side: which of them does what has no order
A mark begins with its service's name and a ``-``. A line ``services apart`` before all steps means each of them.
``covers compose:1 …`` names the numbered behaviours that the case shows.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_SIGNAL = re.compile(r"\[(INT|TERM) at ([^\]]+)\]\s*")
_ORDER = re.compile(r"\[(apart|unordered)\] ")
_VARIABLE = re.compile(r"[A-Z_]+=")


class Order(StrEnum):
    """In which marks are compared."""

    WHOLE = "whole"
    APART = "apart"
    """Those of different services have none."""
    UNORDERED = "unordered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line."""

    text: str
    shell: str
    """Empty: a command of the tool's."""
    arguments: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    signals: tuple[tuple[str, str], ...]
    """(signal, the mark at which it is sent)."""
    order: Order
    """What the order of marks says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One project and what is done with it."""

    name: str
    directory: Path
    covers: tuple[str, ...]
    steps: tuple[Step, ...]


def read_case(directory: Path) -> Case:
    """The case of one directory."""
    order, covers, steps = Order.WHOLE, [], []
    for line in (directory / "steps").read_text().splitlines():
        word, _, rest = line.partition(" ")
        match word:
            case "" | "#":
                pass
            case "covers":
                covers = rest.split()
            case "services":
                order = Order(rest)
            case _:
                steps.append(read_step(line, order))
    return Case(name=directory.name, directory=directory, covers=tuple(covers), steps=tuple(steps))


def read_step(line: str, order: Order = Order.WHOLE) -> Step:
    """One line as a step."""
    kind, _, text = line.partition(" ")
    if kind == "$":
        return Step(text=line, shell=text, arguments=(), variables=(), signals=(), order=order)
    assert kind == ">", line
    if said := _ORDER.match(text):
        order, text = Order(said[1]), text[said.end() :]
    signals = tuple((found[1], found[2]) for found in _SIGNAL.finditer(text))
    words = shlex.split(_SIGNAL.sub("", text))
    count = next((index for index, word in enumerate(words) if not _VARIABLE.match(word)), len(words))
    variables = tuple((word.partition("=")[0], word.partition("=")[2]) for word in words[:count])
    return Step(text=line, shell="", arguments=tuple(words[count:]), variables=variables, signals=signals, order=order)
