"""Inside the pods that run in this process: programs, logs, volumes, and what their containers are made of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from boathook.cluster.base import ObjectKey, VolumeCopy
from boathook.codec import to_json
from boathook.errors import NotFound
from boathook.model import JsonObject, Target
from boathook.pods import PodWorker
from boathook.runtimes.base import ContainerRuntime, ExecSpec, Execution, LogLine, OutputSink


@runtime_checkable
class CopiesVolumes(Protocol):
    """A runtime whose volumes are no directories, and that knows how long copying one takes."""

    async def copy_volume(self, name: str) -> None: ...


class LocalPods:
    """The half of a ``Cluster`` that reaches into pods, for one that has their workers."""

    runtime: ContainerRuntime

    def worker(self, pod: ObjectKey) -> PodWorker:
        """Raises ``NotFound`` for a pod that does not run in this process."""
        raise NotImplementedError

    async def exec(self, pod: ObjectKey, container: str, spec: ExecSpec, output: OutputSink) -> Execution:
        return await self.runtime.exec(self.worker(pod).container_id(container), spec, output)

    async def logs(self, pod: ObjectKey, container: str) -> AsyncIterator[LogLine]:
        async for line in self.runtime.logs(self.worker(pod).container_id(container)):
            yield line

    async def container_target(self, pod: ObjectKey, container: str) -> Target:
        return self.worker(pod).container_target(container)

    async def container_user(self, pod: ObjectKey, container: str) -> str | None:
        return (await self.runtime.inspect(self.worker(pod).container_id(container))).user

    async def container_specification(self, pod: ObjectKey, container: str) -> JsonObject | None:
        worker = self.worker(pod)
        if worker.sandbox_spec is None:
            raise NotFound(f'container "{container}" in pod "{pod.name}" is waiting to start')
        return {
            "container": to_json(worker.container_spec(container)),
            "sandbox": to_json(worker.sandbox_spec),
        }

    async def volume_path(self, pod: ObjectKey, volume: str) -> Path | None:
        place = self.worker(pod).volume_place(volume)
        return Path(place) if place is not None and place.startswith("/") else None

    async def archive_volume(self, pod: ObjectKey, volume: str, destination: Path) -> VolumeCopy:
        path = await self.volume_path(pod, volume)
        if isinstance(self.runtime, CopiesVolumes):
            await self.runtime.copy_volume(volume)
            return VolumeCopy(files=0, size_bytes=0, sha256="")
        if path is None:
            raise NotFound(f'volume "{volume}" of pod "{pod.name}" is not on this machine')
        from boathook.cluster.archive import archive

        return await archive(path, destination)
