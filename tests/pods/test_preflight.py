"""What is found out about a pod before anything of it starts."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from boathook.errors import ManifestError, UnsupportedHere
from boathook.pods import Pod
from boathook.pods.preflight import Prepared, preflight
from boathook.runtimes.simulated import SimulatedRuntime
from tests.pods.build import a_container, a_pod


def look_at(pod: Pod, runtime: SimulatedRuntime | None = None) -> Prepared:
    return anyio.run(preflight, pod, runtime or SimulatedRuntime())


class OneUserOnly(SimulatedRuntime):
    """A place that cannot hold processes of two users."""

    def can_be(self, uids: frozenset[int]) -> str | None:
        return None if len(uids) < 2 else "it can give one user only; install newuidmap"


def as_user(name: str, uid: int) -> dict[str, Any]:
    return a_container(name, securityContext={"runAsUser": uid})


def test_every_containers_user_is_known_before_the_start() -> None:
    prepared = look_at(a_pod(as_user("c1", 1000), a_container("c2")))

    assert prepared.users == {"c1": (1000, 0), "c2": (0, 0)}
    assert prepared.uids == {0, 1000}


@pytest.mark.parametrize(
    ("security", "message"),
    [
        ({"runAsNonRoot": True}, "container has runAsNonRoot and image will run as root"),
        ({"runAsNonRoot": True, "runAsUser": 0}, "container's runAsUser breaks non-root policy"),
    ],
)
def test_root_is_refused_where_it_may_not_be(security: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        look_at(a_pod(a_container(securityContext=security)))


def test_users_that_the_place_cannot_give_are_refused_with_the_remedy() -> None:
    with pytest.raises(UnsupportedHere, match="install newuidmap"):
        look_at(a_pod(as_user("c1", 1000), as_user("c2", 1001)), OneUserOnly())


def test_a_host_path_must_be_what_its_type_says() -> None:
    volume = {"name": "v", "hostPath": {"path": "/no/such/place", "type": "Directory"}}

    with pytest.raises(ManifestError, match='hostPath "/no/such/place" is not a directory'):
        look_at(a_pod(volumes=[volume]))
