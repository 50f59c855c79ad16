"""All runtimes by name. Only the command line and the tests import it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from boathook.home import Home
from boathook.runtimes.base import ContainerRuntime
from boathook.runtimes.bubblewrap import BubblewrapRuntime, Images
from boathook.runtimes.process import ProcessRuntime
from boathook.runtimes.simulated import SimulatedRuntime


def _bubblewrap(home: Home, images: Images) -> ContainerRuntime:
    return BubblewrapRuntime(home, images=images)


def _process(home: Home, images: Images) -> ContainerRuntime:
    return ProcessRuntime(home, images=images)


def _simulated(home: Home, images: Images) -> ContainerRuntime:
    return SimulatedRuntime()


def _docker(home: Home, images: Images) -> ContainerRuntime:
    """Its images are the engine's own."""
    from boathook.runtimes.docker.runtime import DockerRuntime

    return DockerRuntime(home)


RUNTIMES: Mapping[str, Callable[[Home, Images], ContainerRuntime]] = {
    "docker": _docker,
    "local/bwrap": _bubblewrap,
    "local/process": _process,
    "simulated": _simulated,
}
