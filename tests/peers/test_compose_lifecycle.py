"""The projects of compose-lifecycle/, brought up and down by the real Docker Compose and by ours on one engine.

Both do the same steps side by side, each with a project of its own; then all that can be observed after each step is
compared: exit code, texts, what hooks and mains have done in which order, containers as inspected, what is left.
The differences that are wanted stand, line by line and with their reasons, in compose-lifecycle-differences.toml.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.peers.docker import TestEngine
from tests.peers.lifecycle.observing import Observed, observe, prepare
from tests.peers.lifecycle.steps import Case, read_case
from tests.peers.lifecycle.tools import Tool, ours, the_peer

pytestmark = [pytest.mark.peer, pytest.mark.root, pytest.mark.slow]

CORPUS = Path(__file__).parent / "compose-lifecycle"
CASES = sorted(map(read_case, CORPUS.iterdir()), key=lambda case: case.name)
WANTED = tomllib.loads((Path(__file__).parent / "compose-lifecycle-differences.toml").read_text())


@dataclass(frozen=True, slots=True)
class Difference:
    """Lines that only one of the two has after one step."""

    step: str
    peer: tuple[str, ...]
    ours: tuple[str, ...]

    def __str__(self) -> str:
        lines = [*(f"peer: {line}" for line in self.peer), *(f"ours: {line}" for line in self.ours)]
        return "\n  ".join([self.step, *lines])


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name, marks=pytest.mark.behaviour(*case.covers)) for case in CASES]
)
def test_the_peer_and_ours_do_the_same_but_for_what_is_wanted(
    case: Case, engine_with_images: TestEngine, tmp_path: Path
) -> None:
    def work(tool: Tool) -> list[Observed]:
        place = prepare(case.directory, tmp_path / tool.name, f"{tool.name}-{case.name}", engine_with_images.address)
        return observe(case, tool, place)

    with ThreadPoolExecutor(2) as pool:
        theirs, mine = pool.map(work, (the_peer(), ours(tmp_path / "home")))

    found = list(differences(theirs, mine))
    wanted = [_difference(one) for one in _wanted(case.name)]
    unwanted = [one for one in found if one not in wanted]
    gone = [one for one in wanted if one not in found]
    assert not unwanted, "not wanted:\n" + "\n".join(map(str, unwanted))
    assert not gone, "wanted, and there no more:\n" + "\n".join(map(str, gone))


def test_each_wanted_difference_is_of_a_case_and_has_a_reason() -> None:
    assert WANTED.keys() <= {case.name for case in CASES}
    assert all(one["reason"] for name in WANTED for one in _wanted(name))


def differences(theirs: list[Observed], mine: list[Observed]) -> Iterator[Difference]:
    """Step by step: what only one has, in the order in which it was seen."""
    for number, (peer, own) in enumerate(zip(theirs, mine, strict=True), 1):
        there, here = Counter(_of_both(peer, own)), Counter(_of_both(own, peer))
        only_peer, only_ours = there - here, here - there
        if only_peer or only_ours:
            yield Difference(f"{number} {peer.step.text}", tuple(only_peer.elements()), tuple(only_ours.elements()))


def _of_both(seen: Observed, other: Observed) -> Iterator[str]:
    """Without how a container is configured that only one of the two has made: that it is there says enough."""
    known = {line.split()[1] for line in other.lines if line.startswith("config ")}
    return (line for line in seen.lines if not line.startswith("config ") or line.split()[1] in known)


def _wanted(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = WANTED.get(name, [])
    return found


def _difference(written: dict[str, Any]) -> Difference:
    return Difference(written["step"], tuple(written.get("peer", ())), tuple(written.get("ours", ())))
