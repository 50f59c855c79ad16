"""How cases are run: limits, deadlines, skips, and what is left of them. On the simulated runtime, in virtual time."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from boathook.clock import LoopClock, run_virtual
from boathook.cluster.local import LocalCluster
from boathook.cluster.store import ObjectStore
from boathook.conformance.case_run import CaseRun
from boathook.conformance.manifests import container, manifest
from boathook.conformance.model import Case, CaseResult, Need, PodCase, Status
from boathook.conformance.place import PodCasePlace, local_place, pods_only
from boathook.conformance.runner import run_cases
from boathook.events import EventStream
from boathook.journal import Context, MemoryObligations
from boathook.model import JsonObject
from boathook.runtimes.assumptions import Assumptions
from boathook.runtimes.simulated import SimulatedRuntime

MANIFEST = manifest("hook-pod", {"containers": [container("app", {"args": ["pause"]}, volumeMounts=[])]})


def a_case(
    name: str,
    run: Callable[[CaseRun], Awaitable[None]],
    *,
    needs: Sequence[Need] = (),
    timing: bool = False,
    shown: str = MANIFEST,
) -> PodCase:
    return PodCase(
        name=name,
        suite="made-up",
        title=name,
        description="",
        steps=(),
        manifest=shown,
        needs=frozenset(needs),
        timing=timing,
        run=run,
    )


@dataclass(slots=True)
class Outcome:
    """What came of a run, and what was left in the cluster."""

    results: Mapping[str, CaseResult] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    left: Sequence[JsonObject] = ()


def outcome_of(
    root: Path,
    *cases: Case,
    parallel: int = 8,
    change: Callable[[PodCasePlace], PodCasePlace] = lambda place: place,
) -> Outcome:
    outcome = Outcome()

    async def work() -> None:
        context = Context(events=EventStream(clock=LoopClock()), clock=LoopClock(), obligations=MemoryObligations())
        numbers = itertools.count(1)
        store = ObjectStore.in_memory(clock=LoopClock(), uids=lambda: f"uid-{next(numbers)}")
        async with (
            SimulatedRuntime(Assumptions(())) as runtime,
            LocalCluster(store, runtime, context) as cluster,
        ):
            place = change(local_place(cluster, lambda namespace, since: []))
            results = await run_cases(
                cases,
                pods_only(place, "no projects here"),
                root,
                parallel=parallel,
                on_result=lambda result: outcome.told.append(result.case.name),
            )
            outcome.results = {result.case.name: result for result in results}
            outcome.left = await cluster.list("Pod")
        store.close()

    run_virtual(work)
    return outcome


async def lives_and_dies(run: CaseRun) -> None:
    await run.create()
    await run.until("it runs", lambda pod: True if pod and pod.get("status") else None)
    await run.delete()
    await run.gone(within=60)
    run.log("Pod was here")


async def never_ends(run: CaseRun) -> None:
    await run.create()
    await anyio.sleep_forever()


async def wants_another_pod(run: CaseRun) -> None:
    await run.place.cluster.get(run.key("another"))


async def finds_something_else(run: CaseRun) -> None:
    run.expect("the answer", 42, 41)
    raise AssertionError("the case has gone on")


def test_a_case_that_sees_what_it_expects_passes(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, a_case("good", lives_and_dies))

    result = outcome.results["good"]
    assert (result.status, result.reason) == (Status.PASSED, "")
    assert result.log == ("Pod was here",)
    assert any("> delete the pod" in line for line in result.timeline)


def test_a_case_ends_with_the_first_thing_that_is_not_as_expected(tmp_path: Path) -> None:
    result = outcome_of(tmp_path, a_case("bad", finds_something_else)).results["bad"]

    assert result.status is Status.FAILED
    assert result.reason == "the answer: expected 42, observed 41"
    assert [(one.what, one.ok) for one in result.observations] == [("the answer", False)]


def test_an_error_of_the_cluster_fails_its_case_alone(tmp_path: Path) -> None:
    results = outcome_of(tmp_path, a_case("bad", wants_another_pod), a_case("good", lives_and_dies)).results

    assert results["bad"].reason == 'NotFound: pods "another" not found'
    assert results["good"].status is Status.PASSED


def test_a_case_that_does_not_end_is_ended_and_cleaned_up_after(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, a_case("long", never_ends))

    assert outcome.results["long"].reason == "it took longer than 120 s"
    assert outcome.left == []


def test_a_case_that_needs_what_is_not_there_is_skipped_with_the_reason(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, a_case("other", never_ends, needs=(Need.CLUSTER,)))

    result = outcome.results["other"]
    assert (result.status, result.reason) == (Status.SKIPPED, "there is no kubelet here that could be restarted")


def test_a_case_that_looks_at_files_is_skipped_where_they_cannot_be_seen(tmp_path: Path) -> None:
    case = a_case("files", never_ends, shown="path: $(SHARED)")

    result = outcome_of(tmp_path, case, change=lambda place: replace(place, files="far away")).results["files"]

    assert (result.status, result.reason) == (Status.SKIPPED, "far away")


def test_cases_that_measure_time_have_a_limit_of_their_own(tmp_path: Path) -> None:
    running: list[str] = []
    most: dict[str, int] = {"timing": 0, "all": 0}

    def counted(kind: str) -> Callable[[CaseRun], Awaitable[None]]:
        async def run(run: CaseRun) -> None:
            running.append(kind)
            most["timing"] = max(most["timing"], running.count("timing"))
            most["all"] = max(most["all"], len(running))
            await anyio.sleep(1)
            running.remove(kind)

        return run

    cases = [a_case(f"t{number}", counted("timing"), timing=True) for number in range(6)]
    cases += [a_case(f"n{number}", counted("other")) for number in range(6)]

    outcome = outcome_of(tmp_path, *cases, parallel=4, change=lambda place: replace(place, timing_parallel=2))

    assert most == {"timing": 2, "all": 4}
    assert list(outcome.results) == [case.name for case in cases]
    assert sorted(outcome.told) == sorted(outcome.results)
