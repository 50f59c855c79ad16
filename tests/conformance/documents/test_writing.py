"""Pages are written all together or not at all, only where they differ, and never by a run that failed."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from boathook.conformance.documents import Report, Style, write_documents
from boathook.conformance.model import Case, CaseResult, Status
from boathook.errors import ManifestError, NotFound, UsageError
from tests.conformance.documents.build import (
    BASIC,
    FAILURE,
    MULTIPLE,
    SEED_PAGE,
    a_block,
    a_case,
    a_result,
    basic_pod,
)

pytestmark = pytest.mark.behaviour("pods:32")

FRONT = b'\xef\xbb\xbf---\r\ntitle: "A \xff page"\r\n---\r\n\r\n'
"""A byte order mark, a byte that is no UTF-8, and lines that end as Windows has them."""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "page.md"
    file.write_text(f"# Page\n\n{a_block()}\nlast line")
    return file


def notices(report: Report) -> list[str]:
    return [str(notice) for notice in report.notices]


def test_a_block_is_filled_and_the_rest_of_the_page_kept(page: Path) -> None:
    report = write_documents(page, [a_result()])

    text = page.read_text()
    assert text.startswith("# Page\n\n<!-- some_test_starts -->\n\nIt shows something.\n")
    assert text.endswith("PreStop hook executed successfully\n```\n\n<!-- some_test_ends -->\n\nlast line")
    assert (report.pages, report.blocks, len(report.changes), report.notices) == (1, 1, 1, ())


def test_bytes_outside_of_the_blocks_are_never_touched(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    block = a_block().replace("\n", "\r\n").encode()
    file.write_bytes(FRONT + block + b"\ttail \xfe")

    write_documents(file, [a_result()])

    content = file.read_bytes()
    assert content.startswith(FRONT + b"<!-- some_test_starts -->\r\n\r\nIt shows something.\r\n")
    assert content.endswith(b"<!-- some_test_ends -->\r\n\ttail \xfe")
    assert content.count(b"\n") == content.count(b"\r\n")


@pytest.mark.parametrize("style", list(Style))
def test_the_second_time_nothing_is_written(page: Path, style: Style) -> None:
    write_documents(page, [a_result()], style=style)
    before = page.stat()

    report = write_documents(page, [a_result()], style=style)

    after = page.stat()
    assert report.changes == ()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_check_writes_nothing_and_shows_what_would_change(page: Path) -> None:
    before = page.read_bytes()

    report = write_documents(page, [a_result()], check=True)

    assert page.read_bytes() == before
    (change,) = report.changes
    assert change.diff.startswith(f"--- {page}\n+++ {page} (as it should be)\n@@ ")
    assert "+It shows something.\n" in change.diff


def test_clearing_puts_the_placeholders_back_and_filling_again_gives_the_same_page(tmp_path: Path) -> None:
    file = tmp_path / "prestop.md"
    file.write_bytes(SEED_PAGE.read_bytes())
    results = [a_result(BASIC, pods=[basic_pod()])]
    cases = [BASIC, FAILURE, MULTIPLE]

    write_documents(file, [], cases=cases, clear=True)
    emptied = file.read_text()
    write_documents(file, results, cases=cases, style=Style.SEED)

    assert "Imagine" not in emptied
    assert emptied.count("will be auto-inserted here -->") == 3
    assert file.read_bytes() == SEED_PAGE.read_bytes()


def test_a_block_of_no_test_is_left_and_said(page: Path) -> None:
    before = page.read_text()

    report = write_documents(page, [a_result(a_case("another_test"))])

    assert page.read_text() == before
    assert f'{page}:3: there is no test "some_test": its block is left as it is' in notices(report)
    assert 'no page has a block for "another_test"' in notices(report)


def test_a_test_that_did_not_run_is_left_without_a_word(page: Path) -> None:
    assert write_documents(page, [], cases=[a_case()]).notices == ()


def test_strictly_a_block_of_no_test_is_a_problem_and_nothing_is_written(tmp_path: Path, page: Path) -> None:
    (tmp_path / "other.md").write_text(a_block("unknown_test"))
    before = page.read_text()

    with pytest.raises(ManifestError, match=r'other\.md:1: there is no test "unknown_test"'):
        write_documents(tmp_path, [a_result()], strict=True)

    assert page.read_text() == before


@pytest.mark.parametrize("status", [Status.FAILED, Status.SKIPPED])
def test_a_run_that_did_not_pass_leaves_the_block(page: Path, status: Status) -> None:
    before = page.read_text()

    report = write_documents(page, [a_result(status=status, reason="no kubelet")])

    assert page.read_text() == before
    did = {Status.FAILED: "run and failed", Status.SKIPPED: "skipped: no kubelet"}[status]
    assert notices(report) == [f'{page}:3: "some_test" was {did}: its block is left as it is']


def test_a_failed_run_is_written_only_when_asked_and_with_its_status(page: Path) -> None:
    write_documents(page, [a_result(status=Status.FAILED, log=["PreStop hook was not executed"])], allow_failed=True)

    assert "**This test failed.**" in page.read_text()
    assert "executed successfully" not in page.read_text()


def test_one_page_with_a_bad_marker_keeps_all_others_from_being_written(tmp_path: Path, page: Path) -> None:
    (tmp_path / "z.md").write_text("<!-- a_starts -->\n")
    before = page.read_text()

    with pytest.raises(ManifestError, match=r'z\.md:1: "a_starts" has no "a_ends" after it'):
        write_documents(tmp_path, [a_result()])

    assert page.read_text() == before


def test_pages_are_found_below_a_directory_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("a/b/one.md", "two.markdown", ".git/three.md", "four.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(a_block())

    report = write_documents([tmp_path, tmp_path / "two.markdown"], [a_result()])

    assert [str(change.file.relative_to(tmp_path)) for change in report.changes] == ["two.markdown", "a/b/one.md"]


def test_a_page_keeps_its_permissions_and_a_link_stays_a_link(tmp_path: Path, page: Path) -> None:
    page.chmod(0o640)
    link = tmp_path / "link.md"
    link.symlink_to(page.name)

    write_documents(link, [a_result()])

    assert link.is_symlink()
    assert stat.S_IMODE(page.stat().st_mode) == 0o640
    assert "It shows something." in page.read_text()


@pytest.mark.parametrize(
    ("named", "error"), [("missing.md", NotFound), ("plain.md", UsageError)], ids=["missing", "no block"]
)
def test_where_there_is_no_page_to_write_that_is_an_error(tmp_path: Path, named: str, error: type[Exception]) -> None:
    (tmp_path / "plain.md").write_text("# nothing\n")

    with pytest.raises(error):
        write_documents(tmp_path / named, [a_result()])


def test_what_is_written_depends_on_nothing_but_case_and_result(page: Path) -> None:
    def written(results: Sequence[CaseResult], cases: Sequence[Case]) -> bytes:
        write_documents(page, results, cases=cases)
        return page.read_bytes()

    first, second = a_result(), a_result()

    assert written([first], [first.case]) == written([second, a_result(a_case("other"))], [])
