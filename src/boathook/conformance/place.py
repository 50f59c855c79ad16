"""Where cases run: a cluster, what it has not, and how exactly its times are to be taken."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from boathook.cluster.base import Cluster
from boathook.conformance.model import Need, PodCase, ProjectCase
from boathook.model import JsonObject
from boathook.objects import text

if TYPE_CHECKING:
    from boathook.compose.place import ProjectPlace
    from boathook.home import Home
    from boathook.runtimes.docker.endpoint import Endpoint
    from boathook.settings import Settings

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

Told = Callable[[str, datetime], list[tuple[float, str]]]
"""What a place itself tells of a namespace: seconds since a moment, and a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePlace:
    """What is to be known of an open place for cases, whatever they are about."""

    name: str
    """``local``, ``docker``, ``kubernetes v1.36.2``."""
    lacks: Mapping[Need, str]
    """What it has not, with the reason."""
    files: str
    """Why files that containers write cannot be seen from here; empty where they can."""
    slack: float
    """Seconds that things may take longer here than they should."""
    deadline: float
    """Seconds that one case may take."""
    timing_parallel: int
    """So many cases that assert times may run at once."""

    def lacking(self, needs: frozenset[Need]) -> str:
        """Why what a case needs is not here; empty where it is."""
        return next((self.lacks[need] for need in sorted(needs, key=lambda one: one.name) if need in self.lacks), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodCasePlace(CasePlace):
    """An open place for cases of pods."""

    cluster: Cluster
    told: Told
    makes_namespaces: bool
    """A namespace is an object that must exist before anything is put into it."""
    restart_kubelet: Callable[[], Awaitable[None]] | None = None

    def why_not(self, case: PodCase) -> str:
        """Why a case cannot run here; empty where it can."""
        looks = "$(SHARED)" in case.manifest or "$(PORT)" in case.manifest
        return self.lacking(case.needs) or (self.files if looks else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCasePlace(CasePlace):
    """An open place for cases of Compose projects."""

    projects: ProjectPlace

    def why_not(self, case: ProjectCase) -> str:
        """Why a case cannot run here; empty where it can."""
        return self.lacking(case.needs) or self.files


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePlaces:
    """Where the cases of one run are run. What there is no place for is skipped, with the reason."""

    name: str
    pods: PodCasePlace | None
    no_pods: str
    projects: ProjectCasePlace | None
    no_projects: str

    @property
    def timing_parallel(self) -> int:
        """So many cases that assert times may run at once."""
        return min(place.timing_parallel for place in (self.pods, self.projects) if place is not None)


def pods_only(place: PodCasePlace, why: str) -> CasePlaces:
    """Where there are no projects, and why."""
    return CasePlaces(name=place.name, pods=place, no_pods="", projects=None, no_projects=why)


def projects_only(place: ProjectCasePlace, why: str) -> CasePlaces:
    """Where there are no pods, and why."""
    return CasePlaces(name=place.name, pods=None, no_pods=why, projects=place, no_projects="")


NO_KUBELET = "there is no kubelet here that could be restarted"
LOCAL, DOCKER = "local", "docker"
NOTHING: Mapping[Need, str] = {}
OTHER_USER = 1001
"""Whom a case has beside root."""
LOCAL_SLACK = 2.0
ENGINE_SLACK = 20.0
"""An engine needs half a second for each start and stop, and on a busy machine many of them."""
CLUSTER_SLACK = 30.0
"""As Kubernetes' own end-to-end tests have it: a busy node takes seconds for each step."""


@asynccontextmanager
async def open_local(settings: Settings, users: Home) -> AsyncIterator[CasePlaces]:
    """The embedded runtime with a state directory of its own, deleted at the end; the images are the user's."""
    from boathook.compose.embedded import EmbeddedPlace
    from boathook.conformance.told import ToldByEvents
    from boathook.library import local
    from boathook.runtimes.temporary_homes import temporary_home

    told = ToldByEvents()
    with temporary_home(users) as home:
        async with (
            local(
                home=home.path,
                network=settings.network,
                image_map=settings.image_map,
                offline=settings.offline,
                listener=told.hear,
            ) as place,
            EmbeddedPlace(place.runtime, network=place.network, tasks=place.tasks) as projects,
        ):
            pods = local_place(place.cluster, told.of)
            refusal = place.runtime.can_be(frozenset({0, OTHER_USER}))
            lacks = {} if refusal is None else {Need.USERS: refusal}
            yield CasePlaces(
                name=LOCAL,
                pods=pods,
                no_pods="",
                projects=project_place(projects, name=LOCAL, slack=LOCAL_SLACK, lacks=lacks),
                no_projects="",
            )


def local_place(cluster: Cluster, told: Told) -> PodCasePlace:
    """A place of a local cluster that is open already."""
    return PodCasePlace(
        name=LOCAL,
        cluster=cluster,
        lacks={Need.CLUSTER: NO_KUBELET},
        files="",
        slack=LOCAL_SLACK,
        deadline=120.0,
        timing_parallel=8,
        makes_namespaces=False,
        told=told,
    )


def project_place(
    projects: ProjectPlace,
    *,
    name: str,
    slack: float,
    deadline: float = 120.0,
    timing_parallel: int = 8,
    files: str = "",
    lacks: Mapping[Need, str] = NOTHING,
) -> ProjectCasePlace:
    """A place of projects that is open already."""
    return ProjectCasePlace(
        name=name,
        projects=projects,
        lacks=lacks,
        files=files,
        slack=slack,
        deadline=deadline,
        timing_parallel=timing_parallel,
    )


def why_no_files(endpoint: Endpoint) -> str:
    """Why files that containers of an engine write cannot be seen from here; empty where they can."""
    return "" if endpoint.local else "it looks at files of this machine, and the engine is elsewhere"


@asynccontextmanager
async def open_docker(settings: Settings, home: Home) -> AsyncIterator[CasePlaces]:
    """The engine that DOCKER_HOST names. Cases of pods are for the embedded runtime and for clusters."""
    from boathook.compose.engine import EnginePlace

    async with EnginePlace(home, offline=settings.offline) as projects:
        engine = projects.engine
        lacks = {Need.UNSETTING: "Podman takes no variable away from a process"} if engine.podman else NOTHING
        place = project_place(
            projects,
            name="podman" if engine.podman else DOCKER,
            slack=ENGINE_SLACK,
            deadline=300.0,
            timing_parallel=2,
            files=why_no_files(engine.endpoint),
            lacks=lacks,
        )
        yield projects_only(place, "cases of pods run in the embedded runtime and on clusters")


@asynccontextmanager
async def open_kubernetes(
    kubeconfig: Path | None, context: str | None, *, restart_kubelet: str = ""
) -> AsyncIterator[CasePlaces]:
    """A real cluster. ``restart_kubelet`` is a command of this machine; the case of it is skipped without."""
    from boathook.cluster.kubernetes import open_cluster

    async with open_cluster(kubeconfig, context) as cluster:
        lacks = lacking(cluster.version)
        if not restart_kubelet:
            lacks[Need.CLUSTER] = "no command to restart the kubelet was given"
        place = PodCasePlace(
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
        yield pods_only(place, "a cluster runs no Compose projects")


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
    await anyio.run_process(["sh", "-c", command])


async def new_namespace(place: PodCasePlace) -> str:
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
