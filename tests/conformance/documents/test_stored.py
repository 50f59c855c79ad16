"""Recorded results give the same pages as the run did, and are refused when their case is another by now."""

from __future__ import annotations

import pytest

from boathook.conformance.documents import Style, block_of, read_results, results_text
from boathook.conformance.model import Status
from boathook.errors import ManifestError
from tests.conformance.documents.build import BASIC, a_case, a_project_case, a_result, basic_pod


def test_a_recorded_result_gives_the_same_block() -> None:
    result = a_result(BASIC, pods=[basic_pod()])

    (read,) = read_results(results_text([result], cases=[BASIC]), "results.json", cases=[BASIC])

    for style in Style:
        assert block_of(read, style) == block_of(result, style)


def test_a_recorded_result_of_a_project_gives_the_same_block() -> None:
    case = a_project_case()
    result = a_result(case, pods=[])

    (read,) = read_results(results_text([result], cases=[case]), "results.json", cases=[case])

    assert block_of(read, Style.FENCED) == block_of(result, Style.FENCED)


def test_another_file_makes_a_result_of_a_project_stale() -> None:
    text = results_text([a_result(a_project_case(), pods=[])], cases=[a_project_case()])

    with pytest.raises(ManifestError, match="is not the recorded one"):
        read_results(text, "results.json", cases=[a_project_case(compose="a: c\n")])


def test_the_record_holds_nothing_of_one_run_alone() -> None:
    text = results_text([a_result()], cases=[a_case()])

    assert not {word for word in ("case-1", "0001", "Failed", "12.3", "local") if word in text}


def test_a_run_of_some_cases_keeps_the_results_of_the_others() -> None:
    one, two, gone = a_case("one"), a_case("two"), a_case("gone")
    before = results_text([a_result(one), a_result(two), a_result(gone)], cases=[one, two, gone])

    after = results_text([a_result(two, log=["new"])], cases=[one, two], before=before)

    results = read_results(after, "results.json", cases=[one, two, gone])
    assert [(result.case.name, result.log) for result in results] == [
        ("one", ("PreStop hook executed successfully",)),
        ("two", ("new",)),
    ]


@pytest.mark.parametrize("status", [Status.FAILED, Status.SKIPPED])
def test_what_did_not_pass_does_not_replace_what_did(status: Status) -> None:
    case = a_case()
    before = results_text([a_result(case)], cases=[case])

    assert results_text([a_result(case, status=status, log=["bad"])], cases=[case], before=before) == before


def test_another_manifest_makes_a_result_stale() -> None:
    text = results_text([a_result(a_case(manifest="kind: Pod"))], cases=[a_case()])

    with pytest.raises(ManifestError, match=r'results\.json: the manifest of "some_test" is not the recorded one'):
        read_results(text, "results.json", cases=[a_case(manifest="kind: Pod # changed")])


@pytest.mark.parametrize("text", ["no json", "[]", '{"version": 9, "cases": {}}'])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(ManifestError, match="not a record of results"):
        read_results(text, "results.json", cases=[])
