"""All cases of the conformance suite on a real kubelet and in the embedded runtime: what differs has a reason."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import anyio
import pytest

from boathook.conformance.comparison import WHOLE, differences, outdated, unexplained
from boathook.conformance.differences import EXPLAINED
from boathook.conformance.model import Case, CaseResult, Need, Status
from boathook.conformance.place import CasePlaces, open_kubernetes, open_local
from boathook.conformance.runner import run_cases, shared_root
from boathook.conformance.suites import pod_cases
from boathook.home import Home
from boathook.settings import Settings
from tests.kubernetes.testbed import LONGEST_SECONDS, Testbed

pytestmark = [pytest.mark.kubernetes, pytest.mark.runtime, pytest.mark.timeout(LONGEST_SECONDS)]

CASES = pod_cases()
PARALLEL = 6
"""More pods that start at once disturb each other's times by seconds, on two cores."""

SETTINGS = Settings(on="local", network="pod", image_map={}, offline=True)

Results = dict[str, CaseResult]


async def run_on(places: CasePlaces, cases: Sequence[Case], parallel: int) -> Results:
    def tell(result: CaseResult) -> None:
        # It takes minutes: whoever watches, or reads where it stopped, sees how far it came.
        print(f"{places.name}: {result.case.name}: {result.status} {result.reason}", file=sys.stderr, flush=True)

    with shared_root() as root:
        results = await run_cases(cases, places, root, parallel=parallel, on_result=tell)
    return {result.case.name: result for result in results}


@pytest.fixture(scope="session")
def embedded(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Only where there can be a cluster to compare with."""
    assert testbed.script.is_file()

    async def run() -> Results:
        users = Home(tmp_path_factory.mktemp("home")).ensure()
        async with open_local(SETTINGS, users) as places:
            return await run_on(places, CASES, 16)

    return anyio.run(run)


@pytest.fixture(scope="session")
def kubelet(embedded: Results, kubernetes: Testbed) -> Results:
    async def run() -> Results:
        restart = kubernetes.restart_kubelet
        async with open_kubernetes(kubernetes.kubeconfig, None, restart_kubelet=restart) as places:
            # What restarts the kubelet would disturb all others.
            alone = [case for case in CASES if Need.CLUSTER in case.needs]
            return await run_on(places, [case for case in CASES if case not in alone], PARALLEL) | await run_on(
                places, alone, 1
            )

    return anyio.run(run)


def name_of(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_kubelet_does_in_a_case_what_the_embedded_runtime_does_or_a_row_says_why_not(
    kubelet: Results, embedded: Results, case: Case
) -> None:
    theirs, ours = kubelet[case.name], embedded[case.name]
    if theirs.status is Status.SKIPPED:
        pytest.skip(theirs.reason)

    new = unexplained(differences([theirs], [ours]), EXPLAINED, theirs.place)
    known = {one.difference.what for one in EXPLAINED if one.is_of(theirs.place) and one.difference.case == case.name}

    assert not new, "\n".join([*map(str, new), "on the kubelet:", *theirs.timeline, "embedded:", *ours.timeline])
    assert theirs.status is Status.PASSED or known & {"result", WHOLE}, theirs.reason


def test_every_difference_that_is_explained_still_occurs(kubelet: Results, embedded: Results) -> None:
    both = [one for one in kubelet.values() if Status.SKIPPED not in (one.status, embedded[one.case.name].status)]
    found = differences(both, embedded.values())

    assert outdated(found, EXPLAINED, both[0].place, [one.case.name for one in both]) == ()
