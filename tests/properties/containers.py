"""A backup in miniature in a real container: a pre hook marks the volume as frozen, the owed post hook thaws it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from boathook.codec import from_json, to_json
from boathook.home import Home
from boathook.hooks import ContainerExec, run_hook, run_owed_hook
from boathook.journal import Context, Obligation, ObligationState, Settled, Settler, owed
from boathook.model import Hook
from boathook.runtimes.base import (
    ContainerRuntime,
    ContainerSpec,
    Image,
    Mount,
    NetworkMode,
    PullPolicy,
    SandboxId,
    SandboxSpec,
)
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from tests.hooks.build import a_hook, an_exec
from tests.hooks.test_in_containers import HostImages
from tests.journal.build import TARGET, a_context

KIND = "test.thaw-in-container"
SANDBOX = SandboxSpec(name="db", hostname="db", network=NetworkMode.POD, labels={})
FREEZE = a_hook(an_exec("sh", "-c", "touch /data/frozen"))
THAW = a_hook(an_exec("sh", "-c", "rm -f /data/frozen; echo thawed"))


def the_runtime(home: Home) -> BubblewrapRuntime:
    layer = home.path / "layer"
    (layer / "tmp").mkdir(parents=True, exist_ok=True)
    return BubblewrapRuntime(home, images=HostImages(layer))


def the_volume(home: Home) -> Path:
    volume = home.path / "data"
    volume.mkdir(exist_ok=True)
    return volume


def the_container(home: Home, image: Image, sandbox: SandboxId) -> ContainerSpec:
    return ContainerSpec(
        name="db",
        labels={},
        sandbox=sandbox,
        image=image,
        command=(),
        environment=(("PATH", "/usr/bin:/bin"),),
        working_dir="/",
        user="0:0",
        mounts=(Mount(source=str(the_volume(home)), target="/data"),),
    )


async def backup(home: Home) -> None:
    """Start a container, freeze, thaw, and remove it."""
    async with a_context(home, command="backup") as context, the_runtime(home) as runtime:
        sandbox = await runtime.create_sandbox(SANDBOX)
        spec = the_container(home, await runtime.resolve_image("host", PullPolicy.NEVER), sandbox)
        container = await runtime.create(spec)
        await runtime.start(container)
        against = ContainerExec(runtime, container)
        payload = {"hook": to_json(THAW), "container": to_json(spec), "sandbox": to_json(SANDBOX)}
        async with owed(context, kind=KIND, target=TARGET, description="thaw /data", payload=payload):
            for hook in (FREEZE, THAW):
                await run_hook(hook, TARGET, against, deadline=None, events=context.events, clock=context.clock)


async def settle(obligation: Obligation, context: Context, runtime: ContainerRuntime) -> Settled:
    """Thaw it in a fresh container with the same volume."""
    payload = obligation.payload
    result = await run_owed_hook(
        runtime,
        from_json(ContainerSpec, payload["container"]),
        from_json(SandboxSpec, payload["sandbox"]),
        from_json(Hook, payload["hook"]),
        obligation.target,
        context,
        None,
    )
    return Settled(ObligationState.MET if result.succeeded else ObligationState.FAILED, result.reason or "thawed")


SETTLERS: Mapping[str, Settler] = {KIND: settle}
