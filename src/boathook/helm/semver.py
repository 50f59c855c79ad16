"""Whether a version lies in a range, as a chart's ``kubeVersion`` is written (Masterminds/semver is what Helm uses)."""

from __future__ import annotations

import re
from dataclasses import dataclass

VERSION = re.compile(
    r"v?(?P<major>\d+|[xX*])(?:\.(?P<minor>\d+|[xX*]))?(?:\.(?P<patch>\d+|[xX*]))?"
    r"(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)
CONSTRAINT = re.compile(rf"(?P<operator>=>|=<|!=|>=|<=|~>|=|>|<|~|\^)?\s*(?P<version>{VERSION.pattern})")
HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")


@dataclass(frozen=True, slots=True)
class Version:
    """Three numbers and a pre-release; ``given`` says how many numbers were written out."""

    numbers: tuple[int, int, int]
    pre: tuple[tuple[int, int, str], ...]
    given: int

    def key(self) -> tuple[tuple[int, int, int], bool, tuple[tuple[int, int, str], ...]]:
        """Orders as semantic versions do: a pre-release comes before its release."""
        return self.numbers, not self.pre, self.pre


def parse_version(text: str) -> Version | None:
    """None when it is no version. ``x`` and ``*`` leave the number open."""
    match = VERSION.fullmatch(text.strip())
    if match is None:
        return None
    numbers: list[int] = []
    for name in ("major", "minor", "patch"):
        part = match[name]
        if part is None or not part.isdigit():
            break
        numbers.append(int(part))
    given = len(numbers)
    pre = tuple(_identifier(part) for part in (match["pre"] or "").split(".") if part)
    return Version((*numbers, *([0] * (3 - given))), pre, given)  # type: ignore[arg-type]


def _identifier(part: str) -> tuple[int, int, str]:
    return (0, int(part), "") if part.isdigit() else (1, 0, part)


def satisfies(version: str, constraint: str) -> bool:
    """``||`` separates alternatives; commas and blanks join what must all hold. An unreadable range never holds."""
    found = parse_version(version)
    return found is not None and any(_all_hold(found, part) for part in constraint.split("||"))


def _all_hold(version: Version, text: str) -> bool:
    text = HYPHEN.sub(r">=\1 <=\2", text)
    checks = [(match["operator"] or "", match["version"]) for match in CONSTRAINT.finditer(text)]
    if CONSTRAINT.sub("", text).strip(" ,") or not checks:
        return False
    return all(_holds(version, operator, wanted) for operator, wanted in checks)


def _holds(version: Version, operator: str, text: str) -> bool:
    wanted = parse_version(text)
    if wanted is None:
        return False
    # A range without a pre-release never takes in a version that has one.
    if version.pre and not wanted.pre:
        return False
    below = _above(wanted, operator)
    if operator in ("", "=", "~", "~>", "^") or (operator in ("!=", "<=", "=<", ">") and wanted.given < 3):
        return _in_span(version, operator, wanted, below)
    order = (version.key() > wanted.key()) - (version.key() < wanted.key())
    return {
        "!=": order != 0,
        ">": order > 0,
        "<": order < 0,
        ">=": order >= 0,
        "=>": order >= 0,
        "<=": order <= 0,
        "=<": order <= 0,
    }[operator]


def _in_span(version: Version, operator: str, wanted: Version, below: tuple[int, int, int] | None) -> bool:
    at_least = version.key() >= wanted.key()
    under = below is None or version.numbers < below
    if operator == "!=":
        return not (at_least and under)
    if operator in ("<=", "=<"):
        return under
    if operator == ">":
        return not under
    if operator in ("", "=") and wanted.given == 3:
        return version.key() == wanted.key()
    return at_least and under


def _above(wanted: Version, operator: str) -> tuple[int, int, int] | None:
    """The first version that is too high for a span; None: none is."""
    major, minor, patch = wanted.numbers
    if wanted.given == 0:
        return None
    if operator == "^":
        if major > 0 or wanted.given == 1:
            return major + 1, 0, 0
        if minor > 0 or wanted.given == 2:
            return 0, minor + 1, 0
        return 0, 0, patch + 1
    if wanted.given == 1:
        return major + 1, 0, 0
    return major, minor + 1, 0
