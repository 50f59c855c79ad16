"""Writes docs/reference/kubelet-differences.md from the rows in boathook.conformance.differences."""

from __future__ import annotations

from pathlib import Path

from boathook.conformance.differences import EXPLAINED, page
from boathook.conformance.suites import all_cases

if __name__ == "__main__":
    file = Path(__file__).parents[1] / "docs" / "reference" / "kubelet-differences.md"
    file.write_text(page(EXPLAINED, all_cases()), encoding="utf-8")
