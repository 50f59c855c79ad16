"""The pages of directories, written from results: all of them, or none when anything is wrong with one."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from boathook.conformance.documents.model import Change, Report, Style
from boathook.conformance.documents.pages import Block, Page, parse_page, split_lines
from boathook.conformance.documents.render import block_of, placeholder
from boathook.conformance.documents.replacing import replace_files
from boathook.conformance.model import Case, CaseResult, Status
from boathook.errors import ManifestError, NotFound, UsageError
from boathook.model import Finding, Severity, Source

ENDINGS = (".md", ".markdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A page's new text, and what was left as it is."""

    text: str
    notices: tuple[Finding, ...]


def write_documents(
    places: Path | Sequence[Path],
    results: Sequence[CaseResult],
    *,
    cases: Iterable[Case] = (),
    style: Style = Style.FENCED,
    check: bool = False,
    clear: bool = False,
    strict: bool = False,
    allow_failed: bool = False,
) -> Report:
    """Fill the blocks of all pages in these files and directories from ``results``, or empty them with ``clear``.

    ``cases`` are those that exist, whether they ran or not. ``check`` writes nothing. A block whose case failed or was
    skipped stays as it is; ``allow_failed`` writes what a failed one showed, with its status. ``strict`` makes a block
    of no known case a problem. Raises ``ManifestError`` with all problems of all pages, before anything is written.
    """
    known = {case.name: case for case in (*cases, *(result.case for result in results))}
    pages = read_pages((places,) if isinstance(places, Path) else places, known if strict else None)
    contents = cleared(known) if clear else rendered(results, style, allow_failed=allow_failed)
    notices = [] if clear else _unplaced(results, pages)
    changes: list[Change] = []
    texts: dict[Path, bytes] = {}
    for page in pages:
        written = filled(page, contents, known, {} if clear else {one.case.name: one for one in results})
        notices += written.notices
        if written.text != page.text:
            changes.append(diff_of(page.file, page.text, written.text))
            texts[Path(page.file)] = _encoded(written.text)
    if not check:
        replace_files(texts)
    return Report(
        pages=len(pages),
        blocks=sum(len(page.blocks) for page in pages),
        changes=tuple(changes),
        notices=tuple(notices),
    )


def read_pages(places: Iterable[Path], known: Collection[str] | None = None) -> tuple[Page, ...]:
    """The pages that have blocks. Raises ``ManifestError`` with the problems of all, and where there is no such page.

    With ``known`` a block of no known case is a problem, too.
    """
    places = tuple(places)
    pages: list[Page] = []
    problems: list[Finding] = []
    for file in _files(places):
        try:
            page = parse_page(_decoded(file), str(file))
        except ManifestError as error:
            problems += error.problems
            continue
        if page.blocks:
            pages.append(page)
        if known is not None:
            problems += [_unknown(page, block, Severity.ERROR) for block in page.blocks if block.name not in known]
    if problems:
        raise ManifestError(tuple(problems))
    if not pages:
        named = ", ".join(f'"{place}"' for place in places)
        raise UsageError(
            f"no page to write in {named}",
            hint="a page holds pairs of lines such as <!-- prestop_basic_execution_test_starts --> and …_ends",
        )
    return tuple(pages)


def rendered(results: Iterable[CaseResult], style: Style, *, allow_failed: bool) -> dict[str, list[str]]:
    """The new lines of each block that gets any, by name."""
    wanted = {Status.PASSED, Status.FAILED} if allow_failed else {Status.PASSED}
    return {result.case.name: block_of(result, style) for result in results if result.status in wanted}


def cleared(known: Mapping[str, Case]) -> dict[str, list[str]]:
    return {name: placeholder(case) for name, case in known.items()}


def filled(
    page: Page, contents: Mapping[str, Sequence[str]], known: Mapping[str, Case], ran: Mapping[str, CaseResult]
) -> Written:
    """The page with these contents in its blocks. Pure; what has none is left, and said where it is no choice."""
    notices: list[Finding] = []
    for block in page.blocks:
        result = ran.get(block.name)
        if block.name not in known:
            notices.append(_unknown(page, block, Severity.WARNING))
        elif result is not None and block.name not in contents:
            why = f": {result.reason}" if result.status is Status.SKIPPED and result.reason else ""
            message = f'"{block.name}" was {_DID[result.status]}{why}: its block is left as it is'
            notices.append(_notice(page.file, block.start + 1, "left", Severity.WARNING, message))
    return Written(text=page.with_blocks(contents), notices=tuple(notices))


_DID = {Status.PASSED: "passed", Status.FAILED: "run and failed", Status.SKIPPED: "skipped"}


def _unplaced(results: Iterable[CaseResult], pages: Iterable[Page]) -> list[Finding]:
    placed = {block.name for page in pages for block in page.blocks}
    ran = [result.case.name for result in results if result.status is not Status.SKIPPED]
    missing = ", ".join(f'"{name}"' for name in ran if name not in placed)
    return [_notice("", None, "no-block", Severity.WARNING, f"no page has a block for {missing}")] if missing else []


def _unknown(page: Page, block: Block, severity: Severity) -> Finding:
    message = f'there is no test "{block.name}": its block is left as it is'
    return _notice(page.file, block.start + 1, "unknown-test", severity, message)


def _notice(file: str, line: int | None, kind: str, severity: Severity, message: str) -> Finding:
    source = Source(file=file, line=line, column=None, path="")
    return Finding(id=f"documents.{kind}", severity=severity, source=source, message=message, remedy=None)


def _files(places: Iterable[Path]) -> Iterator[Path]:
    """Every Markdown file once, in order. What is hidden is not looked into."""
    seen: set[Path] = set()
    for place in places:
        if not place.exists():
            raise NotFound(f'no such file or directory: "{place}"')
        for file in _below(place) if place.is_dir() else (place,):
            if (real := file.resolve()) not in seen:
                seen.add(real)
                yield file


def _below(directory: Path) -> Iterator[Path]:
    for top, directories, names in os.walk(directory):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        yield from (Path(top, name) for name in sorted(names) if name.endswith(ENDINGS) and not name.startswith("."))


def _decoded(file: Path) -> str:
    try:
        # Bytes that are no UTF-8 are kept, and written as they were.
        return file.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise NotFound(f'cannot read "{file}": {error.strerror}') from error


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def diff_of(file: str, before: str, after: str) -> Change:
    """As ``diff -u`` prints it."""
    lines: list[str] = []
    for line in difflib.unified_diff(split_lines(before), split_lines(after), file, f"{file} (as it should be)"):
        lines.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return Change(file=Path(file), diff="".join(lines))
