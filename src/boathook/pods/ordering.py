"""In which order the containers of a pod are signalled when all of them are stopped.

Native sidecars outlive what they serve: each waits for every regular container and for the sidecar after it
(``kuberuntime_termination_order.go``). Nothing else waits for anything.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import anyio

from boathook.pods.model import ContainerKind, Pod


class StopOrder:
    """Whose end each container waits for before it is signalled. What does not run has ended already."""

    def __init__(self, pod: Pod, running: Collection[str]) -> None:
        self._ended = {name: anyio.Event() for name in running}
        self._before: dict[str, tuple[str, ...]] = {}
        regular = tuple(container.name for container in pod.containers)
        later: tuple[str, ...] = ()
        for container in reversed(pod.init_containers):
            if container.kind is ContainerKind.SIDECAR:
                self._before[container.name] = regular + later
                later = (container.name,)

    async def turn(self, name: str, at_most: timedelta) -> None:
        """Until it is the container's turn, and no longer than what is left of its grace period."""
        with anyio.move_on_after(at_most.total_seconds()):
            for other in self._before.get(name, ()):
                if (ended := self._ended.get(other)) is not None:
                    await ended.wait()

    def has_ended(self, name: str) -> None:
        """Let those go on that waited for this one."""
        self._ended[name].set()
