"""The options that write pages: what they print, when they fail, and what contradicts itself."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from boathook.cli.documents import DocumentOptions, document_options
from boathook.cli.session import told
from boathook.conformance.model import CaseResult
from tests.conformance.documents.build import a_block, a_case, a_result

RESULT = a_result()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(a_block())
    return path


def run(*arguments: str | Path, results: tuple[CaseResult, ...] = (RESULT,)) -> Result:
    """A command that has run its cases, with these results."""

    @click.command()
    @document_options
    def verify(documents: DocumentOptions) -> None:
        told(lambda: documents.prepare([a_case()]))
        click.echo("run" if documents.needs_run else "not run")
        raise SystemExit(told(lambda: documents.finish(results if documents.needs_run else (), [a_case()])))

    return CliRunner().invoke(verify, [str(one) for one in arguments])


def test_what_was_written_is_told(page: Path) -> None:
    first, second = run("--docs", page), run("--docs", page)

    assert (first.exit_code, first.stdout, first.stderr) == (0, "run\n", f"written: {page}\n")
    assert (second.exit_code, second.stderr) == (0, "unchanged: 1 file\n")


def test_a_check_fails_with_the_difference_until_it_is_written(page: Path) -> None:
    checked = run("--docs", page, "--docs-check")
    run("--docs", page)

    assert checked.exit_code == 1
    assert "+PreStop hook executed successfully\n" in checked.stdout
    assert checked.stderr == "error: 1 file would change\n"
    assert run("--docs", page, "--docs-check").exit_code == 0


def test_nothing_runs_to_clear_pages(page: Path) -> None:
    run("--docs", page)

    cleared = run("--docs", page, "--docs-clear")

    assert cleared.stdout == "not run\n"
    assert (
        "<!-- Test details, pod specs, steps, and logs for Some Test will be auto-inserted here -->" in page.read_text()
    )


def test_pages_are_checked_against_a_record_without_a_run(page: Path, tmp_path: Path) -> None:
    record = tmp_path / "results.json"
    written = run("--docs", page, "--record", record)

    checked = run("--docs", page, "--docs-check", "--record", record, "--recorded")
    page.write_text(page.read_text().replace("successfully", "badly"))
    stale = run("--docs", page, "--docs-check", "--record", record, "--recorded")

    assert written.stderr == f"written: {record}\nwritten: {page}\n"
    assert (checked.exit_code, checked.stdout) == (0, "not run\n")
    assert stale.exit_code == 1


def test_a_run_that_gives_other_results_than_the_record_fails_the_check(page: Path, tmp_path: Path) -> None:
    record = tmp_path / "results.json"
    run("--record", record)
    before = record.read_bytes()

    checked = run("--docs-check", "--record", record, results=(a_result(log=["something else"]),))

    assert checked.exit_code == 1
    assert '+    "something else"' in checked.stdout
    assert record.read_bytes() == before


def test_a_bad_page_is_told_before_anything_runs(page: Path) -> None:
    page.write_text("<!-- a_starts -->\n")

    refused = run("--docs", page)

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f'{page}:1: "a_starts" has no "a_ends" after it' in refused.stderr


def test_a_block_of_no_case_is_a_warning_and_strictly_an_error(page: Path) -> None:
    page.write_text(a_block("unknown_test"))

    warned, refused = run("--docs", page), run("--docs", page, "--strict")

    assert f'warning: {page}:1: there is no test "unknown_test": its block is left as it is\n' in warned.stderr
    assert (warned.exit_code, refused.exit_code, refused.stdout) == (0, 2, "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--recorded"], "--recorded takes the results from a record"),
        (["--docs-clear"], "--docs-clear is about pages"),
        (["--strict"], "--strict is about pages"),
        (["--docs-check"], "--docs-check has nothing to check"),
        (["--docs", "x.md", "--docs-clear", "--recorded", "--record", "r"], "contradict each other"),
        (["--docs", "missing.md"], 'no such file or directory: "missing.md"'),
    ],
)
def test_options_that_make_no_sense_are_refused(options: list[str], message: str) -> None:
    refused = run(*options)

    assert refused.exit_code != 0
    assert message in refused.stderr
    assert refused.stdout == ""
