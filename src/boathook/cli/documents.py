"""Options of commands that write pages from results, and what they print about it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from boathook.errors import UsageError

if TYPE_CHECKING:
    from boathook.conformance.documents import Change, Report
    from boathook.conformance.model import Case, CaseResult
    from boathook.model import Finding

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOptions:
    """What is to be written, where, and whether anything has to run for it."""

    places: tuple[Path, ...]
    check: bool
    clear: bool
    style: str
    strict: bool
    allow_failed: bool
    record: Path | None
    recorded: bool

    @property
    def needs_run(self) -> bool:
        """False when pages are only cleared, or written from what was recorded."""
        return not (self.clear or self.recorded)

    def prepare(self, cases: Sequence[Case]) -> None:
        """Look at all pages before anything runs. Raises what is wrong with them, and ``UsageError``."""
        self._refuse_contradictions()
        if self.places:
            from boathook.conformance.documents import read_pages

            read_pages(self.places, {case.name for case in cases} if self.strict else None)

    def finish(self, results: Sequence[CaseResult], cases: Sequence[Case]) -> int:
        """Write (or check) pages and record, and print what was done. ``results`` are those of a run; the exit code.

        ``cases`` are all that there are, whether they ran or not.
        """
        from boathook.conformance.documents import Style, write_documents

        if self.recorded:
            results = self._recorded(cases)
        changes = self._record(results, cases) if self.record is not None and self.needs_run else []
        if self.places:
            report = write_documents(
                self.places,
                results,
                cases=cases,
                style=Style(self.style),
                check=self.check,
                clear=self.clear,
                strict=self.strict,
                allow_failed=self.allow_failed,
            )
            _tell(report.notices)
            changes += report.changes
            self._sum_up(report)
        if not (self.check and changes):
            return 0
        for change in changes:
            # Bytes that are no text are shown as they are.
            click.echo(change.diff.encode("utf-8", "surrogateescape"), nl=False)
        click.echo(f"error: {_files(len(changes))} would change", err=True)
        return 1

    def _sum_up(self, report: Report) -> None:
        if self.check:
            return
        for change in report.changes:
            click.echo(f"written: {change.file}", err=True)
        left = report.pages - len(report.changes)
        if left:
            click.echo(f"unchanged: {_files(left)}", err=True)

    def _recorded(self, cases: Sequence[Case]) -> Sequence[CaseResult]:
        from boathook.conformance.documents import read_results

        assert self.record is not None
        return read_results(_read(self.record), str(self.record), cases=cases)

    def _record(self, results: Sequence[CaseResult], cases: Sequence[Case]) -> list[Change]:
        """Keep what passed. In a check the difference is only told."""
        from boathook.conformance.documents import diff_of, replace_files, results_text

        assert self.record is not None
        before = _read(self.record) if self.record.exists() else ""
        after = results_text(results, cases=cases, before=before, file=str(self.record))
        if after == before:
            return []
        if not self.check:
            replace_files({self.record: after.encode()})
            click.echo(f"written: {self.record}", err=True)
        return [diff_of(str(self.record), before, after)]

    def _refuse_contradictions(self) -> None:
        if self.recorded and self.record is None:
            raise UsageError("--recorded takes the results from a record: name it with --record FILE")
        if self.recorded and self.clear:
            raise UsageError("--docs-clear and --recorded contradict each other")
        alone = [name for name, given in (("--docs-clear", self.clear), ("--strict", self.strict)) if given]
        if alone and not self.places:
            raise UsageError(f"{alone[0]} is about pages: name them with --docs PATH")
        if self.check and not self.places and self.record is None:
            raise UsageError(
                "--docs-check has nothing to check: name pages with --docs PATH or a record with --record FILE"
            )


def document_options(function: F) -> F:
    """Adds ``--docs`` and what belongs to it; the function gets one ``documents`` argument instead."""

    @click.option(
        "--docs",
        "places",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Write the results into the Markdown pages of a file or directory. May be repeated.",
    )
    @click.option("--docs-check", "check", is_flag=True, help="Write nothing; show what would change and exit with 1.")
    @click.option("--docs-clear", "clear", is_flag=True, help="Run nothing; empty the pages' blocks.")
    @click.option(
        "--docs-style",
        "style",
        type=click.Choice(["fenced", "seed"]),
        default="fenced",
        help="How blocks look: 'seed' as the PreStop reference page of Kubernetes.",
    )
    @click.option("--strict", is_flag=True, help="Refuse pages with a block of no known case.")
    @click.option("--allow-failed", is_flag=True, help="Write failed cases into the pages, too, with their status.")
    @click.option(
        "--record",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Keep the results that pages show in FILE.",
    )
    @click.option("--recorded", is_flag=True, help="Run nothing; take the results from the record.")
    @functools.wraps(function)
    def wrapper(
        *args: Any,
        places: tuple[Path, ...],
        check: bool,
        clear: bool,
        style: str,
        strict: bool,
        allow_failed: bool,
        record: Path | None,
        recorded: bool,
        **kwargs: Any,
    ) -> Any:
        documents = DocumentOptions(
            places=places,
            check=check,
            clear=clear,
            style=style,
            strict=strict,
            allow_failed=allow_failed,
            record=record,
            recorded=recorded,
        )
        return function(*args, documents=documents, **kwargs)

    return wrapper  # type: ignore[return-value]


def _tell(notices: Sequence[Finding]) -> None:
    for notice in notices:
        click.echo(f"{notice.severity}: {notice}", err=True)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f'cannot read "{file}": {reason}') from error


def _files(count: int) -> str:
    return f"{count} file" if count == 1 else f"{count} files"
