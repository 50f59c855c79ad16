"""Where cases run: a cluster, what it has not, and how exactly its times are to be taken."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from boathook.cluster.base import Cluster
from boathook.conformance.model import Need
from boathook.model import JsonObject
from boathook.objects import text

if TYPE_CHECKING:
    from boathook.home import Home
    from boathook.settings import Settings

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

Told = Callable[[str, datetime], list[tuple[float, str]]]
"""What a place itself tells of a namespace: seconds since a moment, and a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePlace:
    """An open place for cases."""

    name: str
    """``local``, ``kubernetes v1.36.2``."""
    cluster: Cluster
    lacks: Mapping[Need, str]
    """What it has not, with the reason."""
    files: str
    """Why the node's files cannot be seen from here; empty where they can."""
    slack: float
    """Seconds that things may take longer here than they should."""
    deadline: float
    """Seconds that one case may take."""
    timing_parallel: int
    """So many cases that assert times may run at once."""
    makes_namespaces: bool
    """A namespace is an object that must exist before anything is put into it."""
    told: Told
    restart_kubelet: Callable[[], Awaitable[None]] | None = None

    def why_not(self, needs: frozenset[Need], manifest: str) -> str:
        """Why a case cannot run here; empty where it can."""
        for need in sorted(needs, key=lambda one: one.name):
            if need in self.lacks:
                return self.lacks[need]
        return self.files if self.files and ("$(SHARED)" in manifest or "$(PORT)" in manifest) else ""


NO_KUBELET = "there is no kubelet here that could be restarted"
LOCAL_SLACK = 2.0
CLUSTER_SLACK = 30.0
"""As Kubernetes' own end-to-end tests have it: a busy node takes seconds for each step."""


@asynccontextmanager
async def open_local(settings: Settings, users: Home) -> AsyncIterator[CasePlace]:
    """The embedded runtime with a state directory of its own, deleted at the end; the images are the user's."""
    from boathook.conformance.told import ToldByEvents
    from boathook.library import local
    from boathook.runtimes.temporary_homes import temporary_home

    told = ToldByEvents()
    with temporary_home(users) as home:
        async with local(
            home=home.path,
            network=settings.network,
            image_map=settings.image_map,
            offline=settings.offline,
            listener=told.hear,
        ) as place:
            yield local_place(place.cluster, told.of)


def local_place(cluster: Cluster, told: Told) -> CasePlace:
    """A place of a local cluster that is open already."""
    return CasePlace(
        name="local",
        cluster=cluster,
        lacks={Need.CLUSTER: NO_KUBELET},
        files="",
        slack=LOCAL_SLACK,
        deadline=120.0,
        timing_parallel=8,
        makes_namespaces=False,
        told=told,
    )


@asynccontextmanager
async def open_kubernetes(
    kubeconfig: Path | None, context: str | None, *, restart_kubelet: str = ""
) -> AsyncIterator[CasePlace]:
    """A real cluster. ``restart_kubelet`` is a command of this machine; the case of it is skipped without."""
    from boathook.cluster.kubernetes import open_cluster

    async with open_cluster(kubeconfig, context) as cluster:
        lacks = lacking(cluster.version)
        if not restart_kubelet:
            lacks[Need.CLUSTER] = "no command to restart the kubelet was given"
        yield CasePlace(
            name=cluster.name,
            cluster=cluster,
            lacks=lacks,
            files=await _why_no_files(cluster),
            slack=CLUSTER_SLACK,
            deadline=300.0,
            timing_parallel=2,
            makes_namespaces=True,
            told=lambda namespace, since: [],
            restart_kubelet=(lambda: _command(restart_kubelet)) if restart_kubelet else None,
        )


SINCE: Mapping[Need, tuple[int, int]] = {
    Need.CONSISTENT_HTTP: (1, 23),
    Need.SIDECARS: (1, 29),
    Need.SLEEP: (1, 30),
    Need.ZERO_SLEEP: (1, 33),
    Need.RESTART_RULES: (1, 35),
    Need.STOP_SIGNAL: (1, 37),
}
"""Since which version it is there without anybody switching it on."""


def lacking(version: tuple[int, int]) -> dict[Need, str]:
    """What a Kubernetes of this version has not, with the reason."""
    found = f"this is Kubernetes {version[0]}.{version[1]}"
    return {need: f"needs {need.value}; {found}" for need, since in SINCE.items() if version < since}


async def _why_no_files(cluster: Cluster) -> str:
    """The boot id tells a node that is this machine from all others; cases look at files of one and only node."""
    nodes = await cluster.list("Node")
    ids = {text(node, "status", "nodeInfo", "bootID") for node in nodes}
    if ids == {_boot_id()}:
        return ""
    return "it looks at files of the node, and the node is not this machine"


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


async def _command(command: str) -> None:
    import anyio

    await anyio.run_process(["sh", "-c", command])


async def new_namespace(place: CasePlace) -> str:
    """One that nothing is in."""
    name = f"boathook-{uuid.uuid4().hex[:8]}"
    if not place.makes_namespaces:
        return name
    from boathook.cluster.base import ObjectKey

    await place.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    account = ObjectKey(kind="ServiceAccount", namespace=name, name="default")
    # A pod is refused until the controller manager has made it.
    await place.cluster.wait_until(account, _is_there)
    # No case needs its token: without one a pod starts in half the time.
    await place.cluster.patch(account, {"automountServiceAccountToken": False})
    return name


def _is_there(obj: JsonObject | None) -> bool | None:
    return True if obj is not None else None
