"""What a kubelet and the embedded runtime did differently in the same case. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from boathook.conformance.model import CaseResult, Status

NOTHING = "-"
WHOLE = "the whole case"
"""What a row explains where an older kubelet does so much otherwise that the case cannot pass there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that came out differently."""

    case: str
    what: str
    """``result``, ``log``, or what was looked at."""
    kubelet: str
    embedded: str

    def __str__(self) -> str:
        return f"{self.case}: {self.what}: the kubelet: {self.kubelet!r}, the embedded runtime: {self.embedded!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A difference that is known and meant to stay, with the reason."""

    kubernetes: str
    """Of which versions it is true: ``v1.36`` means every patch of it."""
    difference: Difference
    reason: str

    def covers(self, found: Difference) -> bool:
        """It explains that difference."""
        if self.difference.what == WHOLE:
            return self.difference.case == found.case
        return self.difference == found

    def is_of(self, place: str) -> bool:
        """``place`` as a result says it: ``kubernetes v1.36.2``."""
        return f"{place}.".startswith(f"kubernetes {self.kubernetes}.")


def differences(kubelet: Iterable[CaseResult], embedded: Iterable[CaseResult]) -> tuple[Difference, ...]:
    """All that differs in the cases that both have run, in the order of the kubelet's."""
    others = {result.case.name: result for result in embedded}
    return tuple(
        found
        for result in kubelet
        if result.case.name in others
        for found in _differences(result, others[result.case.name])
    )


def _differences(kubelet: CaseResult, embedded: CaseResult) -> Iterator[Difference]:
    if Status.SKIPPED in (kubelet.status, embedded.status):
        return
    case = kubelet.case.name
    if kubelet.status is not embedded.status:
        yield Difference(case=case, what="result", kubelet=_outcome(kubelet), embedded=_outcome(embedded))
    # Times and identities stand only in what was observed, so that whether it was as expected is what is compared.
    mine = {one.what: one for one in embedded.observations}
    for one in kubelet.observations:
        other = mine.get(one.what)
        if other is not None and other.ok is not one.ok:
            yield Difference(case=case, what=one.what, kubelet=one.observed, embedded=other.observed)
    for theirs, ours in _unlike(kubelet.log, embedded.log):
        yield Difference(case=case, what="log", kubelet=theirs, embedded=ours)


def _outcome(result: CaseResult) -> str:
    return f"{result.status}: {result.reason}" if result.reason else str(result.status)


def _unlike(kubelet: tuple[str, ...], embedded: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for tag, start, end, other_start, other_end in SequenceMatcher(a=kubelet, b=embedded, autojunk=False).get_opcodes():
        if tag != "equal":
            yield " / ".join(kubelet[start:end]) or NOTHING, " / ".join(embedded[other_start:other_end]) or NOTHING


def unexplained(found: Iterable[Difference], explained: Iterable[Explained], place: str) -> tuple[Difference, ...]:
    """What has no reason yet."""
    known = [one for one in explained if one.is_of(place)]
    return tuple(one for one in found if not any(row.covers(one) for row in known))


def outdated(
    found: Iterable[Difference], explained: Iterable[Explained], place: str, cases: Iterable[str]
) -> tuple[Explained, ...]:
    """What is explained but does not occur any more, among the cases that were run."""
    seen, run = tuple(found), set(cases)
    rows = [one for one in explained if one.is_of(place) and one.difference.case in run]
    return tuple(row for row in rows if not any(row.covers(one) for one in seen))
