"""What counts as a difference between a kubelet and the embedded runtime, and which of them are explained."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from boathook.conformance.comparison import WHOLE, Difference, Explained, differences, outdated, unexplained
from boathook.conformance.differences import EXPLAINED, page
from boathook.conformance.model import Case, CaseResult, Need, Observation, PodCase, Status
from boathook.conformance.suites import all_cases


async def nothing(_run: object) -> None:
    """A case that does nothing."""


def a_case(name: str = "a_test", *needs: Need) -> PodCase:
    return PodCase(
        name=name,
        suite="prestop",
        title="A Test",
        description="Shows it.",
        steps=(),
        manifest="",
        needs=frozenset(needs),
        timing=False,
        run=nothing,
    )


def a_result(
    *log: str,
    status: Status = Status.PASSED,
    reason: str = "",
    seen: tuple[Observation, ...] = (),
    case: Case | None = None,
) -> CaseResult:
    return CaseResult(
        case=case or a_case(),
        status=status,
        reason=reason,
        place="",
        pods=(),
        log=log,
        observations=seen,
        timeline=(),
        duration=timedelta(0),
    )


def looked(what: str, observed: str, *, ok: bool = True) -> Observation:
    return Observation(what=what, expected="", observed=observed, ok=ok)


def test_the_same_log_and_the_same_verdicts_are_no_difference_whatever_the_times() -> None:
    kubelet = a_result("one", "two", seen=(looked("end", "after 5.3 s"),))
    embedded = a_result("one", "two", seen=(looked("end", "after 5.0 s"),))

    assert differences([kubelet], [embedded]) == ()


def test_another_result_another_verdict_and_another_line_are_each_a_difference() -> None:
    kubelet = a_result(
        "one", "two", "three", seen=(looked("end", "after 9 s", ok=False),), status=Status.FAILED, reason="late"
    )
    embedded = a_result("one", "2", "three", "four", seen=(looked("end", "after 5 s"),))

    assert differences([kubelet], [embedded]) == (
        Difference(case="a_test", what="result", kubelet="failed: late", embedded="passed"),
        Difference(case="a_test", what="end", kubelet="after 9 s", embedded="after 5 s"),
        Difference(case="a_test", what="log", kubelet="two", embedded="2"),
        Difference(case="a_test", what="log", kubelet="-", embedded="four"),
    )


def test_what_one_of_them_did_not_run_is_not_compared() -> None:
    skipped = a_result(status=Status.SKIPPED, reason="needs a kubelet")

    assert differences([a_result("one")], [skipped]) == ()
    assert differences([skipped], [a_result("one")]) == ()
    assert differences([a_result("one")], []) == ()


def test_a_row_explains_a_difference_of_its_version_and_is_outdated_when_that_is_gone() -> None:
    difference = Difference(case="a_test", what="log", kubelet="two", embedded="2")
    row = Explained(kubernetes="v1.36", difference=difference, reason="so it is")

    assert unexplained([difference], [row], "kubernetes v1.36.2") == ()
    assert unexplained([difference], [row], "kubernetes v1.3.6") == (difference,)
    assert outdated([difference], [row], "kubernetes v1.36.2", ["a_test"]) == ()
    assert outdated([], [row], "kubernetes v1.36.2", ["a_test"]) == (row,)
    assert outdated([], [row], "kubernetes v1.36.2", ["another_test"]) == ()
    assert outdated([], [row], "kubernetes v1.20.2", ["a_test"]) == ()


def test_a_row_for_a_whole_case_explains_whatever_differs_in_it() -> None:
    whole = Difference(case="a_test", what=WHOLE, kubelet="the final state is lost", embedded="it is kept")
    row = Explained(kubernetes="v1.20", difference=whole, reason="so it was")
    difference = Difference(case="a_test", what="log", kubelet="two", embedded="2")
    other = Difference(case="another_test", what="log", kubelet="two", embedded="2")

    assert unexplained([difference, other], [row], "kubernetes v1.20.2") == (other,)
    assert outdated([difference], [row], "kubernetes v1.20.2", ["a_test"]) == ()
    assert outdated([other], [row], "kubernetes v1.20.2", ["a_test", "another_test"]) == (row,)


def test_the_page_has_a_row_for_each_difference_and_for_each_case_that_could_not_be_compared() -> None:
    row = Explained(
        kubernetes="v1.36",
        difference=Difference(case="a_test", what="log", kubelet="a|b", embedded="-"),
        reason="so it is",
    )

    text = page([row], [a_case(), a_case("signal_test", Need.STOP_SIGNAL), a_case("kubelet_test", Need.CLUSTER)])

    assert "| v1.36 | `a_test` | log | a\\|b | - | so it is |\n" in text
    assert "| `signal_test` | the embedded runtime | stopSignal (" in text
    assert "| `kubelet_test` | the kubelet | a kubelet that can be restarted |\n" in text
    assert "Nothing differed.\n" in page([], [])


def test_the_page_of_differences_says_what_its_rows_say() -> None:
    written = (Path(__file__).parents[2] / "docs" / "reference" / "kubelet-differences.md").read_text(encoding="utf-8")

    assert written == page(EXPLAINED, all_cases()), "run: python scripts/kubelet_differences.py"
