"""The logs of a pod's containers, kept beyond the containers themselves."""

from __future__ import annotations

from contextlib import suppress

from boathook import events as e
from boathook.cluster.foreground import key_of_pod
from boathook.errors import NotFound
from boathook.library import Place
from boathook.model import Target
from boathook.pods.model import Pod
from boathook.runtimes.logs import LogReader
from boathook.runtimes.records import Records
from boathook.runtimes.rootfs import RootLayout


class ContainerLogs:
    """Follows the instances of each container. ``hear`` is called while the instance's log is still there."""

    def __init__(self, pod: Pod, place: Place) -> None:
        self._pod = pod
        self._place = place
        self._records = Records(place.home)
        self._readers: dict[str, LogReader] = {}
        """By the instance."""
        self._texts: dict[str, str] = {}
        self._instances: dict[str, list[str]] = {}
        """Of each container, the present one last."""

    def hear(self, event: e.Event) -> None:
        """Remember where a new instance's log is, and read all of it when the instance has ended."""
        match event:
            case e.ContainerStarted(target=target):
                self._starts(target)
            case e.ContainerExited(target=target):
                self._read(target.instance)
            case _:
                pass

    def text(self, container: str, *, previous: bool) -> str:
        """What the container's present instance (or the one before) has written so far."""
        instances = self._instances.get(container, [])
        at = 2 if previous else 1
        if len(instances) < at:
            return ""
        return self._read(instances[-at])

    def _starts(self, target: Target) -> None:
        with suppress(NotFound):
            container = self._place.cluster.worker(key_of_pod(self._pod)).container_id(target.name)
            log = RootLayout(directory=self._records.directory(container)).log
            self._readers[target.instance] = LogReader(log)
            self._texts[target.instance] = ""
            self._instances.setdefault(target.name, []).append(target.instance)

    def _read(self, instance: str) -> str:
        reader = self._readers.get(instance)
        while reader is not None and (lines := reader.lines()):
            self._texts[instance] += "".join(line.text if line.partial else f"{line.text}\n" for line in lines)
        return self._texts.get(instance, "")
