"""What stands in a block: the case's sentences, its pods or files and the log of its run, as lines. Pure.

It depends on the case and on the normalised result only, so that the same run always gives the same bytes.
"""

from __future__ import annotations

import re

from boathook.conformance.documents.manifests import pod_lines, seed_lines
from boathook.conformance.documents.model import Style
from boathook.conformance.documents.pages import is_marker
from boathook.conformance.model import Case, CaseResult, ProjectCase, Status

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u2028\u2029]")
_FENCE = "```"


def placeholder(case: Case) -> list[str]:
    """The one line of a block that nothing has been written into."""
    shown = "files" if isinstance(case, ProjectCase) else "pod specs"
    return [f"<!-- Test details, {shown}, steps, and logs for {case.title} will be auto-inserted here -->"]


def block_of(result: CaseResult, style: Style) -> list[str]:
    """The lines of the case's block. None of them can be taken for a marker."""
    return [_guarded(line) for line in _lines(result, style)]


def _lines(result: CaseResult, style: Style) -> list[str]:
    if isinstance(result.case, ProjectCase):
        return _project(result, result.case)
    return _seed(result) if style is Style.SEED else _fenced(result)


def _project(result: CaseResult, case: ProjectCase) -> list[str]:
    """The files as they are written, what is done with them, and what was seen."""
    lines = ["", *_sentences(case.description), ""]
    for file in case.files:
        language = "yaml" if file.name.endswith(".yaml") else "text"
        lines += [f"`{file.name}`:", "", *_fence(language, _sentences(file.text.removesuffix("\n"))), ""]
    return [*lines, *_steps(case), *_status(result), "### What happens", "", *_fence("text", _log(result)), ""]


def _steps(case: Case) -> list[str]:
    lines = [f"{number}. {' '.join(_sentences(step))}" for number, step in enumerate(case.steps, 1)]
    return [*lines, *([""] if lines else [])]


def _fenced(result: CaseResult) -> list[str]:
    case = result.case
    lines = ["", *_sentences(case.description), ""]
    if result.pods:
        several = len(result.pods) > 1
        lines += [f"Imagine you have {'Pods with the following specifications' if several else _ONE}:", ""]
        lines += [*_fence("yaml", _joined([pod_lines(pod) for pod in result.pods], "---")), ""]
    lines += [*_steps(case), *_status(result), "### Logs for the test", "", *_fence("text", _log(result)), ""]
    return lines


_ONE = "a Pod with the following specification"


def _seed(result: CaseResult) -> list[str]:
    case = result.case
    lines = ["", *_sentences(case.description), ""]
    if result.pods:
        lines += ["Imagine You Have a Pod with the Following Specification", ""]
        lines += _joined([seed_lines(pod) for pod in result.pods], "")
    lines += [line for step in case.steps for line in _sentences(step)]
    return [*lines, "", "", *_status(result), "###Logs for the test", *_log(result), "", ""]


def _joined(parts: list[list[str]], between: str) -> list[str]:
    lines = list(parts[0])
    for part in parts[1:]:
        lines += [between, *part]
    return lines


def _status(result: CaseResult) -> list[str]:
    """What a reader must know first, of a run that was not as it should be. Without its reason, which holds times."""
    if result.status is Status.PASSED:
        return []
    missed = [f"- {' '.join(_sentences(one.what))}" for one in result.observations if not one.ok]
    return [f"**This test {result.status}.**", "", *missed, *([""] if missed else [])]


def _log(result: CaseResult) -> list[str]:
    return [line for entry in result.log for line in _sentences(entry)]


def _sentences(text: str) -> list[str]:
    return [_visible(line) for line in text.replace("\r\n", "\n").split("\n")]


def _visible(line: str) -> str:
    """Control characters as escapes: a page shows them, and no terminal obeys them."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), line)


def _fence(language: str, lines: list[str]) -> list[str]:
    """A fence that is longer than every run of backticks in it."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(longest + 1, len(_FENCE))
    return [f"{fence}{language}", *lines, fence]


def _guarded(line: str) -> str:
    """A line that looks like a marker gets a backslash, which Markdown does not show."""
    return line.replace("<!--", "\\<!--", 1) if is_marker(line) else line
