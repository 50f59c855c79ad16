"""What the containers of one pod share, images, sandbox and volumes, and how its containers are made in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from boathook import events as e
from boathook.journal import Context
from boathook.model import Target
from boathook.pods.instance import Instance
from boathook.pods.model import Pod, PodContainer
from boathook.pods.preflight import Prepared, preflight
from boathook.pods.resources import VolumeResolver
from boathook.pods.specification import container_spec, environment, sandbox_spec, user_of
from boathook.pods.storage import make_volumes, mounts_of
from boathook.runtimes.base import ContainerRuntime, Image, NetworkMode, SandboxId, SandboxSpec


class PodPlace:
    """Made when a pod starts and removed with it."""

    def __init__(
        self,
        pod: Pod,
        runtime: ContainerRuntime,
        context: Context,
        *,
        uid: str,
        network: NetworkMode,
        resolver: VolumeResolver,
    ) -> None:
        self.pod = pod
        self.uid = uid
        self.sandbox_spec: SandboxSpec | None = None
        self.volumes: Mapping[str, str] = {}
        self._runtime = runtime
        self._context = context
        self._network = network
        self._resolver = resolver
        self._prepared: Prepared | None = None
        self._sandbox: SandboxId | None = None
        self.retired: dict[str, Instance] = {}
        """The last instance before the present one of each container that was restarted: its log is kept."""
        self._known: dict[str, str] = {}
        """The image that each container's was resolved from, as its manifest has it."""

    async def prepare(self) -> Prepared:
        """Look at everything that can be wrong before anything starts. Raises what :func:`preflight` raises."""
        if self._prepared is None:
            self._prepared = await preflight(self.pod, self._runtime)
        return self._prepared

    async def set_up(self) -> None:
        """Make sandbox and volumes, and say once what was found out before."""
        if self._prepared is None:
            self._prepared = await preflight(self.pod, self._runtime, without_images=True)
        prepared = self._prepared
        for notice in prepared.notices:
            self._context.events.emit(e.Noted(finding=notice))
        for image in {image.reference: image for image in prepared.images.values()}.values():
            self._tell_resolved(image)
        self._known = {container.name: container.image for container in self.pod.all_containers} | dict.fromkeys(
            prepared.missing, ""
        )
        self.sandbox_spec = sandbox_spec(self.pod, self.uid, self._network, prepared.uids)
        self._sandbox = await self._runtime.create_sandbox(self.sandbox_spec)
        self.volumes = await make_volumes(self.pod, self._runtime, self._sandbox, self._resolver, self.uid)

    async def renew_image(self, container: PodContainer) -> None:
        """Look again where the container's image is another one now, or was not to be had.

        Raises ``ImageUnavailable``, ``NotFound``.
        """
        assert self._prepared is not None
        if self._known.get(container.name, container.image) == container.image:
            return
        image = await self._runtime.resolve_image(container.image, container.pull_policy)
        user = await self._runtime.resolve_user(image, user_of(container, image))
        self._tell_resolved(image)
        self._prepared = replace(
            self._prepared,
            images={**self._prepared.images, container.name: image},
            users={**self._prepared.users, container.name: user},
        )
        self._known[container.name] = container.image

    def _tell_resolved(self, image: Image) -> None:
        self._context.events.emit(
            e.ImageResolved(reference=image.reference, origin=image.origin, stand_in=image.stand_in, note=image.note)
        )

    def image_of(self, container: PodContainer) -> Image:
        assert self._prepared is not None
        return self._prepared.images[container.name]

    async def create(self, container: PodContainer, target: Target) -> Instance:
        """Make a new instance. Raises ``CouldNotStart`` for a missing ConfigMap, Secret or key."""
        assert self._prepared is not None
        assert self._sandbox is not None
        image = self.image_of(container)
        variables = await environment(self.pod, container, self.uid, self._resolver)
        spec = container_spec(
            self.pod,
            container,
            uid=self.uid,
            sandbox=self._sandbox,
            image=image,
            variables=variables,
            mounts=mounts_of(self.pod, container, self.volumes, variables),
        )
        instance = Instance(id=await self._runtime.create(spec), spec=spec, target=target)
        user, group = self._prepared.users[container.name]
        self._context.events.emit(
            e.ContainerCreated(
                target=target,
                image=image.reference,
                stand_in=image.stand_in,
                command=spec.command,
                user=f"{user}:{group}",
            )
        )
        return instance

    async def retire(self, instance: Instance) -> None:
        """It has ended, and another one is to take its place; the one that had that place goes."""
        before = self.retired.get(instance.target.name)
        self.retired[instance.target.name] = instance
        if before is not None:
            await self.remove(before)

    async def remove(self, instance: Instance) -> None:
        await self._runtime.remove(instance.id)
        self._context.events.emit(e.ContainerRemoved(target=instance.target))

    async def remove_shared(self) -> None:
        """The sandbox, and with it the volumes that are the pod's own. Its containers are gone before."""
        while self.retired:
            await self.remove(self.retired.popitem()[1])
        if self._sandbox is not None:
            await self._runtime.remove_sandbox(self._sandbox)
            self._sandbox = None
