"""Boathook from Python: the same four dialects, run inside the calling process, which owns what it starts.

``async with local() as place`` opens the embedded runtime, a local cluster and the journal; leaving the block ends
everything that still runs. ``plan`` shows the same without running anything.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from boathook.clock import SystemClock
from boathook.errors import ManifestError, NotFound, alone
from boathook.events import EventStream, Listener, Stamped
from boathook.home import Home
from boathook.journal import Context, Journal, SqliteObligations
from boathook.runtimes.base import ContainerRuntime, NetworkMode

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from boathook.backup.model import Backup
    from boathook.cluster.local import LocalCluster
    from boathook.compose.project import ProjectWorker
    from boathook.helm.actions import Installed, Uninstalled
    from boathook.pods.run import PodRun

DEFAULT_TIMEOUT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An open place. Its methods are coroutines; several may run at once."""

    home: Home
    runtime: ContainerRuntime
    cluster: LocalCluster
    context: Context
    network: NetworkMode
    tasks: TaskGroup
    """Where what is watched over in this place is watched."""

    async def run_pods(
        self, path: str | Path, *, stop_after: float | None = None, stop: anyio.Event | None = None
    ) -> tuple[PodRun, ...]:
        """Run every pod of a file until it ends by itself, for ``stop_after`` seconds, or until ``stop`` is set.

        Raises ``ManifestError`` before anything starts. A failed hook is a result, not an exception.
        """
        from boathook.cluster.foreground import check_pods, run_pods
        from boathook.pods import parse_pods

        pod_file = parse_pods(_read(path), str(path))
        lasting = None if stop_after is None else timedelta(seconds=stop_after)
        await check_pods(pod_file, self.runtime)
        return await run_pods(pod_file, self.cluster, self.context, lasting=lasting, stop=stop or anyio.Event())

    async def run_pod(
        self, path: str | Path, *, stop_after: float | None = None, stop: anyio.Event | None = None
    ) -> PodRun:
        """As ``run_pods``, for a file with one pod."""
        (run,) = await self.run_pods(path, stop_after=stop_after, stop=stop)
        return run

    def project(self, path: str | Path, *, name: str | None = None) -> ProjectWorker:
        """A Compose project: ``await project.up()``, ``stop()``, ``down(DownOptions(volumes=True))``.

        What it starts lives in this process, with its checks and restart policies, until the place is left.
        """
        from boathook.compose import ProjectWorker, load_project
        from boathook.compose.embedded.place import EmbeddedPlace
        from boathook.compose.remembered import JournalPast

        parsed = load_project(Path(path), name=name, environment=os.environ)
        place = EmbeddedPlace(self.runtime, network=self.network, tasks=self.tasks)
        return ProjectWorker(project=parsed.project, place=place, context=self.context, past=JournalPast(self.home))

    async def install(
        self, name: str, chart: str | Path, *, values: Iterable[str] = (), namespace: str = "default"
    ) -> Installed:
        """Install a chart as a release. ``values`` are ``K=V``. Raises ``OperationFailed`` when a hook fails."""
        from boathook.helm import GivenValue, InstallOptions, ReleaseOptions, install, load_chart
        from boathook.helm.model import ValueSource

        given = tuple(GivenValue(source=ValueSource.SET, text=value) for value in values)
        release = ReleaseOptions(name=name, namespace=namespace, revision=1, is_upgrade=False)
        rendered = await load_chart(Path(chart), values=given, release=release)
        options = InstallOptions(
            name=name, namespace=namespace, timeout=DEFAULT_TIMEOUT, run_hooks=True, description=None
        )
        return await install(rendered, options, self.cluster, self.context)

    async def uninstall(self, name: str, *, namespace: str = "default") -> Uninstalled:
        """Take a release away, with its hooks of deletion."""
        from boathook.helm import UninstallOptions, uninstall

        options = UninstallOptions(name=name, namespace=namespace, timeout=DEFAULT_TIMEOUT, run_hooks=True)
        return await uninstall(options, self.cluster, self.context)

    async def create_backup(self, name: str, *, namespaces: Iterable[str] = ()) -> Backup:
        """Back up the cluster's pods and their volumes, with pre and post hooks."""
        from boathook.backup import DirectoryStore, create_backup
        from boathook.backup.parse import spec_from_flags

        spec = spec_from_flags(name, included=tuple(namespaces), excluded=(), selector="", ttl="", labels="")
        return await create_backup(spec, self.cluster, self.context, DirectoryStore(self.home))


@asynccontextmanager
async def local(
    *,
    home: str | Path | None = None,
    network: str = "pod",
    image_map: Mapping[str, str] | None = None,
    offline: bool = False,
    listener: Listener | None = None,
) -> AsyncIterator[Place]:
    """The embedded place, owned by this process. ``listener`` hears every event as it happens.

    Raises ``PlaceError`` with the remedy where this machine cannot run containers.
    """
    from boathook.cluster.local import LocalCluster
    from boathook.cluster.owners import FOREGROUND, this_owner
    from boathook.cluster.store import ObjectStore
    from boathook.images import ImageResolver
    from boathook.runtimes.bubblewrap import BubblewrapRuntime

    found = _home(home).ensure()
    images = ImageResolver(found, image_map or {}, offline=offline)
    events = EventStream()
    async with Journal.open(found) as journal:
        run = await journal.begin(command="library", title="library")
        context = Context(events=events, clock=SystemClock(), obligations=SqliteObligations(journal, run.id))
        store = ObjectStore.open(found.objects, clock=context.clock, uids=lambda: str(uuid.uuid4()))
        mode = NetworkMode(network)
        try:
            with events.listening(run.listener), events.listening(listener or _unheard), alone():
                async with (
                    BubblewrapRuntime(found, images=images) as runtime,
                    LocalCluster(store, runtime, context, network=mode, owner=this_owner(FOREGROUND)) as cluster,
                    anyio.create_task_group() as tasks,
                ):
                    yield Place(
                        home=found, runtime=runtime, cluster=cluster, context=context, network=mode, tasks=tasks
                    )
                    tasks.cancel_scope.cancel()
        finally:
            store.close()


def plan(path: str | Path, *, assume: Iterable[str] = (), values: Iterable[str] = ()) -> tuple[Stamped, ...]:
    """What would happen with a pod manifest, Compose file, chart or backup: the events, from the same code.

    ``assume`` holds ``POINT:NAME=DURATION``, e.g. ``preStop:app=40s``; ``values`` a chart's ``K=V``. Must not be
    called from a running event loop.
    """
    from boathook.planning import find_planner
    from boathook.runtimes.assumptions import Assumptions

    return find_planner(Path(path), tuple(values))(Assumptions.parse(tuple(assume)))


def _home(path: str | Path | None) -> Home:
    return Home.find() if path is None else Home(Path(path).absolute())


def _unheard(stamped: Stamped) -> None: ...


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text()
    except FileNotFoundError as error:
        raise NotFound(f'no such file: "{path}"') from error


__all__ = ["ManifestError", "Place", "local", "plan"]
