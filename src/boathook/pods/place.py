"""What the containers of one pod share, images, sandbox and volumes, and how its containers are made in it."""

from __future__ import annotations

from collections.abc import Mapping

from boathook import events as e
from boathook.journal import Context
from boathook.model import Target
from boathook.pods.instance import Instance
from boathook.pods.model import Pod, PodContainer
from boathook.pods.preflight import Prepared, preflight
from boathook.pods.resources import VolumeResolver
from boathook.pods.specification import container_spec, environment, sandbox_spec
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

    async def prepare(self) -> Prepared:
        """Look at everything that can be wrong before anything starts. Raises what :func:`preflight` raises."""
        if self._prepared is None:
            self._prepared = await preflight(self.pod, self._runtime)
        return self._prepared

    async def set_up(self) -> None:
        """Make sandbox and volumes, and say once what was found out before."""
        prepared = await self.prepare()
        for notice in prepared.notices:
            self._context.events.emit(e.Noted(finding=notice))
        for image in {image.reference: image for image in prepared.images.values()}.values():
            self._context.events.emit(
                e.ImageResolved(
                    reference=image.reference, origin=image.origin, stand_in=image.stand_in, note=image.note
                )
            )
        self.sandbox_spec = sandbox_spec(self.pod, self.uid, self._network, prepared.uids)
        self._sandbox = await self._runtime.create_sandbox(self.sandbox_spec)
        self.volumes = await make_volumes(self.pod, self._runtime, self._sandbox, self._resolver)

    def image_of(self, container: PodContainer) -> Image:
        assert self._prepared is not None
        return self._prepared.images[container.name]

    async def create(self, container: PodContainer, target: Target) -> Instance:
        """Make a new instance. Raises ``CouldNotStart`` for a missing ConfigMap, Secret or key."""
        assert self._prepared is not None
        assert self._sandbox is not None
        image = self.image_of(container)
        spec = container_spec(
            self.pod,
            container,
            uid=self.uid,
            sandbox=self._sandbox,
            image=image,
            variables=await environment(self.pod, container, self.uid, self._resolver),
            mounts=mounts_of(container, self.volumes),
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

    async def remove(self, instance: Instance) -> None:
        await self._runtime.remove(instance.id)
        self._context.events.emit(e.ContainerRemoved(target=instance.target))

    async def remove_shared(self) -> None:
        """The sandbox, and with it the volumes that are the pod's own. Its containers are gone before."""
        if self._sandbox is not None:
            await self._runtime.remove_sandbox(self._sandbox)
            self._sandbox = None
