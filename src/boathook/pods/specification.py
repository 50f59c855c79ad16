"""From a pod's container to what a runtime needs: environment, argument vector, user, labels."""

from __future__ import annotations

from collections.abc import Mapping

from boathook.errors import CouldNotStart
from boathook.pods.downward import downward_value
from boathook.pods.expand import expand, expand_all
from boathook.pods.model import EnvFrom, EnvVar, FieldRef, KeyRef, Pod, PodContainer, ResourceRef
from boathook.pods.resources import VolumeResolver
from boathook.pods.restarts import ends_by_itself
from boathook.runtimes.base import ContainerSpec, Image, Mount, NetworkMode, SandboxId, SandboxSpec

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What container runtimes set when an image says nothing."""

ENDS_BY_ITSELF = "boathook.io/ends"
"""Says that the main process is meant to end by itself: it is not always restarted."""

NAME_LABEL = "io.kubernetes.container.name"
POD_LABEL = "io.kubernetes.pod.name"
NAMESPACE_LABEL = "io.kubernetes.pod.namespace"
UID_LABEL = "io.kubernetes.pod.uid"
"""The labels that the kubelet gives to every container and sandbox."""


def sandbox_spec(pod: Pod, uid: str, network: NetworkMode, users: frozenset[int]) -> SandboxSpec:
    """The place that the pod's containers share. ``users``: the uids that they have."""
    only = next(iter(users)) if len(users) == 1 else None
    return SandboxSpec(
        name=pod.name,
        hostname=pod.hostname,
        network=NetworkMode.HOST if pod.host_network else network,
        hosts=pod.hosts,
        labels=pod_labels(pod, uid),
        user=only or None,
    )


def pod_labels(pod: Pod, uid: str) -> dict[str, str]:
    return {**pod.labels, POD_LABEL: pod.name, NAMESPACE_LABEL: pod.namespace, UID_LABEL: uid}


def container_spec(
    pod: Pod,
    container: PodContainer,
    *,
    uid: str,
    sandbox: SandboxId,
    image: Image,
    variables: Mapping[str, str],
    mounts: tuple[Mount, ...],
) -> ContainerSpec:
    """The complete container. ``variables`` are the pod's own (see :func:`environment`)."""
    security = container.security
    merged = {"PATH": DEFAULT_PATH, "HOSTNAME": pod.hostname, **dict(image.config.environment), **variables}
    labels = {**pod_labels(pod, uid), NAME_LABEL: container.name}
    if ends_by_itself(pod, container):
        labels[ENDS_BY_ITSELF] = "true"
    groups = security.supplemental_groups + (() if security.fs_group is None else (security.fs_group,))
    return ContainerSpec(
        name=container.name,
        labels=labels,
        sandbox=sandbox,
        image=image,
        command=argument_vector(container, image, variables),
        environment=tuple(merged.items()),
        working_dir=container.working_dir or image.config.working_dir or "/",
        user=user_of(container, image),
        supplemental_groups=groups,
        run_as_non_root=security.run_as_non_root,
        privileged=security.privileged,
        no_new_privileges=not security.allow_privilege_escalation,
        capabilities_add=security.capabilities_add,
        capabilities_drop=security.capabilities_drop,
        read_only_root=security.read_only_root,
        mounts=mounts,
        stop_signal=container.stop_signal or image.config.stop_signal or "SIGTERM",
        termination_message_path=container.message_path,
    )


def user_of(container: PodContainer, image: Image) -> str:
    """The security context's user and group over the image's."""
    security = container.security
    if security.user is None and security.group is not None:
        return f"{image.config.user.partition(':')[0] or '0'}:{security.group}"
    return security.user_text


def argument_vector(container: PodContainer, image: Image, variables: Mapping[str, str]) -> tuple[str, ...]:
    """``command`` takes the place of the image's entrypoint and, with it, of its command; ``args`` of the command."""
    args = None if container.args is None else expand_all(container.args, variables)
    if container.command is not None:
        return expand_all(container.command, variables) + (args or ())
    return image.config.entrypoint + (image.config.command if args is None else args)


async def environment(pod: Pod, container: PodContainer, uid: str, resolver: VolumeResolver) -> dict[str, str]:
    """The variables that the pod sets, in order: ``envFrom`` first, then ``env`` over it, each seeing those before.

    Raises ``CouldNotStart`` for a ConfigMap, Secret or key that does not exist and is not optional.
    """
    variables: dict[str, str] = {}
    for origin in container.environment_from:
        variables |= await _all_keys(pod, origin, resolver)
    for variable in container.environment:
        value = await _value(pod, container, variable, uid, resolver, variables)
        if value is not None:
            variables[variable.name] = value
    return variables


async def _all_keys(pod: Pod, origin: EnvFrom, resolver: VolumeResolver) -> dict[str, str]:
    found = await _lookup(pod, origin.kind, origin.name, resolver)
    if found is None:
        if origin.optional:
            return {}
        raise CouldNotStart(f'{origin.kind.lower()} "{origin.name}" not found')
    return {f"{origin.prefix}{key}": value.decode(errors="replace") for key, value in found.items()}


async def _value(
    pod: Pod,
    container: PodContainer,
    variable: EnvVar,
    uid: str,
    resolver: VolumeResolver,
    before: Mapping[str, str],
) -> str | None:
    match variable.value:
        case str() as text:
            return expand(text, before)
        case KeyRef() as ref:
            return await _key(pod, ref, resolver)
        case FieldRef() | ResourceRef() as told:
            return downward_value(pod, told, uid, container)


async def _key(pod: Pod, ref: KeyRef, resolver: VolumeResolver) -> str | None:
    found = await _lookup(pod, ref.kind, ref.name, resolver)
    if found is not None and ref.key in found:
        return found[ref.key].decode(errors="replace")
    if ref.optional:
        return None
    if found is None:
        raise CouldNotStart(f'{ref.kind.lower()} "{ref.name}" not found')
    raise CouldNotStart(f"couldn't find key {ref.key} in {ref.kind} {pod.namespace}/{ref.name}")


async def _lookup(pod: Pod, kind: str, name: str, resolver: VolumeResolver) -> Mapping[str, bytes] | None:
    lookup = resolver.config_map if kind == "ConfigMap" else resolver.secret
    return await lookup(pod.namespace, name)
