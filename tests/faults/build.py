"""One hook that misbehaves in a pod, a service or a backup of the embedded runtime, and what the journal says of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio

from boathook.cluster.foreground import key_of_pod
from boathook.errors import OperationFailed
from boathook.events import ContainerExited, HookFinished
from boathook.home import Home
from boathook.journal.history import events_of, past_runs
from boathook.library import Place, local
from boathook.model import HookResult, JsonObject
from boathook.pods import parse_pods

SECONDS = 40.0
"""What none of these lives takes, unless something hangs."""

Life = Callable[..., Awaitable["Ran"]]

APP = "trap 'exit 5' TERM; while :; do sleep 0.05; done"
"""A main process that answers the stop signal with 5, whoever sends it."""

FLOOD_BYTES = 100_000_000
FLOOD = f"head -c {FLOOD_BYTES} /dev/zero | tr '\\0' x; echo done >&2"
KEPT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Ran:
    """A life that is over."""

    hooks: tuple[HookResult, ...]
    """As the journal has them."""
    exits: tuple[tuple[int | None, int | None], ...]
    """Exit code and signal of every container, as the journal has them."""
    seconds: float

    @property
    def hook(self) -> HookResult:
        """The one that misbehaved."""
        return self.hooks[0]


async def lived(home: Home, life: Callable[[Place], Awaitable[None]]) -> Ran:
    """The life in a place of its own, and the records of the hooks that ran in it."""
    began = anyio.current_time()
    with anyio.fail_after(SECONDS):
        async with local(home=home.path, offline=True) as place:
            await life(place)
    seconds = anyio.current_time() - began
    (run,) = past_runs(home, limit=1)
    happened = [one.event for one in events_of(home, run.id)]
    return Ran(
        hooks=tuple(one.result for one in happened if isinstance(one, HookFinished)),
        exits=tuple((one.exit_code, one.signal) for one in happened if isinstance(one, ContainerExited)),
        seconds=seconds,
    )


async def a_pod(home: Home, pre_stop: str, *, grace: int = 30, app: str = APP) -> Ran:
    """A pod with this preStop hook, stopped as soon as it runs."""
    path = home.path.parent / "pod.yaml"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "demo"},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": grace,
            "containers": [
                {
                    "name": "app",
                    "image": "busybox",
                    "command": ["sh", "-c", app],
                    "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", pre_stop]}}},
                }
            ],
        },
    }
    await anyio.Path(path).write_text(json.dumps(pod))

    async def life(place: Place) -> None:
        await place.run_pod(path, stop_after=0)

    return await lived(home, life)


async def a_service(home: Home, pre_stop: str, *, patience: float = SECONDS, app: str = APP) -> Ran:
    """A service with this pre_stop hook, taken down as soon as it runs; ``patience``: until somebody loses it."""
    path = home.path.parent / "compose.yaml"
    service = {"image": "busybox", "command": ["sh", "-c", _escaped(app)]}
    hook = {"command": ["sh", "-c", _escaped(pre_stop)]}
    await anyio.Path(path).write_text(json.dumps({"services": {"app": service | {"pre_stop": [hook]}}}))

    async def life(place: Place) -> None:
        project = place.project(path)
        await project.up()
        # A failed pre_stop hook ends the command that ran it, as the peer's.
        with anyio.move_on_after(patience), suppress(OperationFailed):
            await project.down()

    return await lived(home, life)


def _escaped(script: str) -> str:
    return script.replace("$", "$$")


async def a_backup(home: Home, pre: str, *, timeout: str = "30s", app: str = APP) -> Ran:
    """A backup of a pod with this pre hook, and a post hook that says what still runs in the container."""
    prefix, post_prefix = "pre.hook.backup.ark.heptio.com", "post.hook.backup.ark.heptio.com"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "demo",
            "annotations": {
                f"{prefix}/command": json.dumps(["sh", "-c", pre]),
                f"{prefix}/timeout": timeout,
                f"{prefix}/on-error": "Continue",
                f"{post_prefix}/command": json.dumps(["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]),
            },
        },
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "restartPolicy": "Never",
            "containers": [{"name": "app", "image": "busybox", "command": ["sh", "-c", app]}],
        },
    }

    async def life(place: Place) -> None:
        async with _running(place, pod):
            await place.create_backup("nightly")

    return await lived(home, life)


@asynccontextmanager
async def _running(place: Place, pod: Mapping[str, object]) -> AsyncIterator[None]:
    path, text = place.home.path.parent / "pod.yaml", json.dumps(pod)
    await anyio.Path(path).write_text(text)
    (wanted,) = parse_pods(text, str(path)).pods
    stop = anyio.Event()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: place.run_pods(path, stop=stop))
        await place.cluster.wait_until(key_of_pod(wanted), _runs)
        yield
        stop.set()


def _runs(obj: JsonObject | None) -> bool | None:
    status = (obj or {}).get("status")
    return True if isinstance(status, dict) and status.get("phase") == "Running" else None
