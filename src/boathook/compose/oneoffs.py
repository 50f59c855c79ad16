"""One-off containers of a service: what ``run`` makes and starts."""

from __future__ import annotations

from boathook.compose.bringing_up import BringingUp
from boathook.compose.conditions import Conditions
from boathook.compose.creating import tell_created
from boathook.compose.labels import oneoff_labels, oneoff_name
from boathook.compose.member_hooks import HookRuns
from boathook.compose.model import Service
from boathook.compose.options import HookWishes, RunOptions, UpOptions
from boathook.compose.order import with_dependencies
from boathook.compose.place import Making, Member, Ready
from boathook.compose.preparing import make_ready, make_shared
from boathook.compose.remembered import PastHooks
from boathook.compose.removing import Removing
from boathook.compose.scene import Scene, by_service
from boathook.compose.starting import Starting
from boathook.compose.stopping import Stopping
from boathook.errors import OperationFailed


async def create_oneoff(scene: Scene, service: Service, options: RunOptions, past: PastHooks) -> Member:
    """Start what the service depends on, then make a one-off container of it; it is not started."""
    names = frozenset({service.name})
    needed = with_dependencies(scene.project, names) - names if options.deps else frozenset[str]()
    if needed:
        await _start_dependencies(scene, service, options, needed, past)
    elif options.remove_orphans:
        stopping = Stopping(hooks=HookRuns(scene=scene, wishes=options.hooks), grace=None, cause="run")
        await Removing(scene=scene, stopping=stopping).orphans(await scene.members(), remove=True, ignore=False)
    ready = await make_ready(scene, names, options.images)
    await make_shared(scene, names, ready)
    return await _create(scene, service, ready[service.name], options)


async def start_oneoff(scene: Scene, service: Service, member: Member, wishes: HookWishes) -> None:
    """Start it and run the service's post_start hooks. That it ends while they run is no failure of them."""
    hooks = HookRuns(scene=scene, wishes=wishes)
    starting = Starting(hooks=hooks, conditions=Conditions(scene=scene, timeout=None))
    try:
        await starting.start_container(service, member)
    except OperationFailed as failure:
        if not failure.results or await hooks.runs(member.id):
            raise
        scene.warn("hook-failed", f"post_start of {member.name} was cut short: the container has ended")


async def _start_dependencies(
    scene: Scene, service: Service, options: RunOptions, needed: frozenset[str], past: PastHooks
) -> None:
    """Until each of them is as the service wants it to be."""
    up = UpOptions(
        services=tuple(sorted(needed)),
        hooks=options.hooks,
        images=options.images,
        remove_orphans=options.remove_orphans,
    )
    await BringingUp(scene=scene, options=up, past=past).run(needed)
    standing = by_service(one for one in await scene.members() if one.service in needed and not one.oneoff)
    scales = {name: len(members) for name, members in standing.items()}
    await Conditions(scene=scene, timeout=None).of(service, standing, scales)


async def _create(scene: Scene, service: Service, ready: Ready, options: RunOptions) -> Member:
    slug = scene.slug()
    labels = oneoff_labels(scene.project, service, image_id=ready.image_id, slug=slug, given=options.labels)
    name = options.name or oneoff_name(scene.project, service, slug)
    making = Making(name=name, number=0, labels=labels, oneoff=options.oneoff)
    member = await scene.place.create(scene.project, ready, making)
    tell_created(scene, ready, member)
    return member
