"""The cluster of these tests, once a session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from boathook.cluster.kubernetes import KubernetesCluster, open_cluster
from tests.kubernetes.testbed import NoTestbed, Testbed, find, running


@pytest.fixture(scope="session")
def testbed() -> Testbed:
    """What would bring a cluster up; the tests are skipped where nothing can."""
    try:
        return find()
    except NoTestbed as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def kubernetes(testbed: Testbed) -> Iterator[Testbed]:
    with running(testbed):
        yield testbed


@pytest.fixture
async def cluster(kubernetes: Testbed) -> AsyncIterator[KubernetesCluster]:
    async with open_cluster(kubernetes.kubeconfig) as opened:
        yield opened
