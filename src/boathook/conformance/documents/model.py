"""What a document looks like, and what came of writing one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from boathook.model import Finding


class Style(StrEnum):
    """How a block is laid out."""

    FENCED = "fenced"
    """Fenced YAML that can be applied as it stands, numbered steps, a fenced log."""
    SEED = "seed"
    """As the PreStop reference page of the Kubernetes documentation was drafted: no fence, an indented pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A page that is not as it should be."""

    file: Path
    diff: str
    """From what it is to what it should be, as a unified diff. Bytes that are no UTF-8 are surrogate escapes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found, and done unless it was only to be checked."""

    pages: int
    """Pages with at least one pair of markers."""
    blocks: int
    changes: tuple[Change, ...]
    notices: tuple[Finding, ...]
    """What was left as it is, and why."""
