"""The pages of this project are what its cases have shown: as recorded, and as they run now."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from boathook.conformance.documents import Style, read_pages, read_results, write_documents
from boathook.conformance.model import CaseResult
from boathook.conformance.suites import all_cases
from boathook.home import Home
from tests.conformance.documents.build import SEED_PAGE

PAGES = Path(__file__).parents[3] / "docs" / "reference"
RECORD = PAGES / "results.json"

REMEDY = "boathook verify --docs docs/reference --record docs/reference/results.json"


def recorded() -> tuple[CaseResult, ...]:
    return read_results(RECORD.read_text(), str(RECORD), cases=all_cases())


def test_the_pages_show_what_was_recorded() -> None:
    report = write_documents(PAGES, recorded(), cases=all_cases(), check=True, strict=True)

    stale = "".join(change.diff for change in report.changes)
    assert stale == "", f"{stale}\nto mend it: {REMEDY}"
    assert report.notices == ()


def test_every_case_has_one_block() -> None:
    """A new case is given a pair of markers on the page of its suite by hand."""
    blocks = [block.name for page in read_pages([PAGES]) for block in page.blocks]

    assert sorted(blocks) == sorted(case.name for case in all_cases())


def test_the_prestop_page_is_the_reference_page_with_all_its_blocks_filled(tmp_path: Path) -> None:
    page, seed = tmp_path / "prestop.md", tmp_path / "seed.md"
    shutil.copy(PAGES / "prestop.md", page)
    shutil.copy(SEED_PAGE, seed)
    assert "will be auto-inserted here" not in page.read_text()

    for file in (page, seed):
        write_documents(file, [], cases=all_cases(), clear=True)

    assert page.read_bytes() == seed.read_bytes()


def test_the_basic_case_gives_the_first_block_of_the_reference_page(tmp_path: Path) -> None:
    page = tmp_path / "prestop.md"
    shutil.copy(SEED_PAGE, page)
    basic = [result for result in recorded() if result.case.name == "prestop_basic_execution_test"]

    report = write_documents(page, basic, cases=all_cases(), style=Style.SEED, check=True)

    assert [change.diff for change in report.changes] == []
    assert len(basic) == 1


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_cases_still_show_what_the_pages_say(home: Home) -> None:
    command = ("verify", "--docs", PAGES, "--docs-check", "--strict", "--record", RECORD, "--offline")

    done = subprocess.run(
        [sys.executable, "-m", "boathook", *command], capture_output=True, text=True, check=False, timeout=390
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
