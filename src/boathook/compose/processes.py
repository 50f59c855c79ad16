"""The table of ``top``: the processes of all containers under one heading. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from boathook.compose.place import Member
from boathook.compose.showing.table import columns

_COMMAND = "CMD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """Those of one container."""

    service: str
    number: str
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, member: Member, titles: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Processes:
        return cls(service=member.service, number=str(member.number) if member.number else "", titles=titles, rows=rows)


def process_table(containers: Iterable[Processes]) -> str:
    """The command comes last, whatever comes before it; empty where there are no processes."""
    shown = [one for one in containers if one.rows]
    titles = _titles(shown)
    lines: list[Sequence[str]] = [["SERVICE", "#", *titles]]
    for one in shown:
        for row in one.rows:
            entry = dict(zip(one.titles, row, strict=False))
            # A one-off has no number.
            lines.append([one.service, one.number, *(entry.get(title, "-") for title in titles)])
    return columns(lines, least=4, padding=2) if shown else ""


def _titles(containers: Iterable[Processes]) -> list[str]:
    found = list(dict.fromkeys(title for one in containers for title in one.titles))
    return sorted(found, key=lambda title: title == _COMMAND)
