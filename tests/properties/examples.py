"""The five documented examples as lives that one process owns from beginning to end, through the library.

``the_files`` copies an example beside the home and shortens its waits; each coroutine function below takes the home
alone, so that it can be run in a child and killed (``tests.properties.killed``).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio

from boathook.backup.plan import started
from boathook.cluster.base import key_of
from boathook.events import Listener
from boathook.home import Home
from boathook.images.importing import import_source
from boathook.library import Place, local
from boathook.pods import parse_pods

EXAMPLES = Path(__file__).parents[2] / "examples"
RELEASE = "release-name"
"""What a plan calls a release that nobody has named."""

VALUES = ("sleepyTime=0.1",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One of the five: what ``plan`` is given, relative to the files, and its life."""

    name: str
    path: str
    life: Callable[[Place, Path], Awaitable[None]]
    values: tuple[str, ...] = ()
    needs_root: bool = False

    def file(self, home: Home) -> Path:
        return the_place(home) / self.path


def the_place(home: Home) -> Path:
    """Where an example's files are: beside the home, as a user's own would be."""
    return home.path.parent / "files"


def the_files(example: Example, home: Home) -> Path:
    """Copy the examples, make the image that two of them need, and the file system that one freezes."""
    files = the_place(home)
    shutil.copytree(EXAMPLES, files, symlinks=True)
    pod = files / "pods/prestop/pod.yaml"
    pod.write_text(pod.read_text().replace("sleep 10", "sleep 0.2"))
    the_images(example, home)
    if example is FSFREEZE:
        subprocess.run(
            [files / "backup/fsfreeze/set-up", files / "frozen"], check=True, timeout=60, stdout=subprocess.DEVNULL
        )
    return example.file(home)


def the_images(example: Example, home: Home) -> None:
    """What a home needs besides the files."""
    if "compose" in example.path:
        backend = the_place(home) / "compose/post-start/backend"
        import_source(home, str(backend), "backend", base="busybox", changes=('CMD ["/opt/backend/serve.sh"]',))


def tear_down(home: Home) -> None:
    """Thaw and unmount what an example may have left frozen: nothing may be left of a test that failed."""
    tear = the_place(home) / "backup/fsfreeze/tear-down"
    if tear.exists():
        subprocess.run([tear, the_place(home) / "frozen"], check=True, timeout=60, stdout=subprocess.DEVNULL)


async def run_example(example: Example, home: Home, listener: Listener) -> None:
    """The whole life, in this process."""
    async with local(home=home.path, offline=True, listener=listener) as place:
        await example.life(place, example.file(home))


async def _prestop(place: Place, path: Path) -> None:
    await place.run_pod(path, stop_after=0.1)


async def _up_and_down(place: Place, path: Path) -> None:
    project = place.project(path)
    await project.up()
    await _until_it_serves(place)
    await project.down()


async def _until_it_serves(place: Place) -> None:
    """What a pre_stop hook copies is there only when the service has begun to serve."""
    (container,) = await place.runtime.list({})
    async for line in place.runtime.logs(container.id, follow=True):
        if "serving" in line.text or "only root may write" in line.text:
            return


async def _install(place: Place, path: Path) -> None:
    await place.install(RELEASE, path, values=VALUES)


async def _install_and_uninstall(place: Place, path: Path) -> None:
    await place.install(RELEASE, path, values=VALUES)
    await place.uninstall(RELEASE)


async def _backup(place: Place, path: Path) -> None:
    pod_file = parse_pods(await anyio.Path(path).read_text(), str(path))
    for obj in (*pod_file.objects, *pod_file.pod_objects):
        await place.cluster.create(obj)
    await started(place.cluster)
    await place.create_backup(path.stem)
    for pod in await place.cluster.list("Pod"):
        key = key_of(pod, default_namespace="default")
        await place.cluster.delete(key, cause="stopped")
        await place.cluster.wait_until(key, lambda obj: True if obj is None else None)


PRESTOP = Example(name="prestop", path="pods/prestop/pod.yaml", life=_prestop)
POST_START = Example(name="post-start", path="compose/post-start/compose.yaml", life=_up_and_down, needs_root=True)
PRE_STOP = Example(name="pre-stop", path="compose/pre-stop/compose.yaml", life=_up_and_down)
POST_INSTALL = Example(name="post-install", path="helm/post-install-job", life=_install, values=VALUES)
FREEZE = Example(name="freeze", path="backup/fsfreeze/pod-stand-in.yaml", life=_backup)
FSFREEZE = Example(name="fsfreeze", path="frozen/pod.yaml", life=_backup, needs_root=True)

ALL = (PRESTOP, POST_START, PRE_STOP, POST_INSTALL, FREEZE, FSFREEZE)


async def prestop(home: Home) -> None:
    await run_example(PRESTOP, home, _unheard)


async def post_start(home: Home) -> None:
    await run_example(POST_START, home, _unheard)


async def pre_stop(home: Home) -> None:
    await run_example(PRE_STOP, home, _unheard)


async def post_install(home: Home) -> None:
    async with local(home=home.path, offline=True) as place:
        await _install_and_uninstall(place, POST_INSTALL.file(home))


async def freeze(home: Home) -> None:
    await run_example(FREEZE, home, _unheard)


async def fsfreeze(home: Home) -> None:
    await run_example(FSFREEZE, home, _unheard)


def _unheard(stamped: object) -> None: ...
