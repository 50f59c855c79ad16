"""Collects what is wrong with, or worth saying about, one Compose file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

from boathook.errors import ManifestError
from boathook.model import Finding, Severity, Source

PREFIX = "compose"


@dataclass(slots=True)
class Problems:
    """Findings in the order in which they were met."""

    findings: list[Finding] = field(default_factory=list)
    _said: set[str] = field(default_factory=set)

    def finding(
        self, kind: str, source: Source, message: str, *, severity: Severity = Severity.ERROR, remedy: str | None = None
    ) -> Finding:
        return Finding(id=f"{PREFIX}.{kind}", severity=severity, source=source, message=message, remedy=remedy)

    def error(
        self, kind: str, source: Source, message: str, *, remedy: str | None = None, path: str | None = None
    ) -> None:
        """One more reason to refuse the file. ``path`` stands for the source's own where that says too little."""
        if path is not None:
            source = dataclasses.replace(source, path=path)
        self.findings.append(self.finding(kind, source, message, remedy=remedy))

    def warn(
        self, kind: str, source: Source, message: str, *, remedy: str | None = None, once: str | None = None
    ) -> None:
        """Something worth knowing; ``once`` names what need not be said again."""
        if once is not None:
            if once in self._said:
                return
            self._said.add(once)
        self.findings.append(self.finding(kind, source, message, severity=Severity.WARNING, remedy=remedy))

    def add(self, findings: Iterable[Finding]) -> None:
        self.findings += findings

    def raise_errors(self) -> None:
        """Raise ``ManifestError`` if anything refuses the file."""
        errors = tuple(one for one in self.findings if one.severity is Severity.ERROR)
        if errors:
            raise ManifestError(tuple(sorted(errors, key=_position)))

    def refused_file(self, file: str, kind: str, message: str) -> ManifestError:
        """The error for a file in which there is no position to point at."""
        return ManifestError((self.finding(kind, Source(file=file, line=None, column=None, path=""), message),))


def _position(finding: Finding) -> tuple[str, int, int]:
    return finding.source.file, finding.source.line or 0, finding.source.column or 0
