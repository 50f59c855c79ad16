"""What is looked at before anything of a pod starts: images, users, host paths, and what the place cannot enforce."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from boathook.errors import ImageUnavailable, ManifestError, TargetError, UnsupportedHere
from boathook.model import Finding, Severity
from boathook.pods.model import Pod, PodContainer
from boathook.pods.specification import argument_vector, container_spec, user_of
from boathook.pods.storage import host_path_findings
from boathook.runtimes.base import ContainerRuntime, Image, SandboxId


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was found out about a pod before anything started."""

    images: Mapping[str, Image]
    """By container."""
    users: Mapping[str, tuple[int, int]]
    """uid and gid by container."""
    notices: tuple[Finding, ...]
    """What is known and not enforced or acted upon here."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """The images that were not to be had, by container."""

    @property
    def uids(self) -> frozenset[int]:
        return frozenset(uid for uid, _ in self.users.values())


async def preflight(pod: Pod, runtime: ContainerRuntime, *, without_images: bool = False) -> Prepared:
    """Resolve every image and user of the pod; nothing is started.

    ``without_images``: an image that is not to be had is no problem yet: it is asked for again when its container is
    to start. Raises ``ManifestError`` with all that is wrong, and ``UnsupportedHere`` when the place cannot give the
    users.
    """
    problems = host_path_findings(pod)
    images: dict[str, Image] = {}
    users: dict[str, tuple[int, int]] = {}
    missing: dict[str, str] = {}
    notices = list(pod.notices)
    for container in pod.all_containers:
        try:
            image = await runtime.resolve_image(container.image, container.pull_policy)
            images[container.name] = image
            users[container.name] = await runtime.resolve_user(image, user_of(container, image))
        except ImageUnavailable as error:
            missing[container.name] = container.image
            problems += [] if without_images else [_problem(container, "image", str(error), error.hint)]
            continue
        except TargetError as error:
            problems.append(_problem(container, "image", str(error), error.hint))
            continue
        problems += _container_problems(pod, container, image, users[container.name])
        notices += _not_enforced(pod, container, image, runtime)
    if problems:
        raise ManifestError(tuple(problems))
    if why_not := runtime.can_be(frozenset(uid for uid, _ in users.values())):
        raise UnsupportedHere(f'pod "{pod.name}" cannot run here: {why_not}')
    return Prepared(images=images, users=users, notices=tuple(notices), missing=missing)


def _container_problems(pod: Pod, container: PodContainer, image: Image, user: tuple[int, int]) -> list[Finding]:
    problems = []
    if container.security.run_as_non_root and user[0] == 0:
        # The kubelet's own sentence (kuberuntime/security_context.go: verifyRunAsNonRoot).
        message = (
            "container's runAsUser breaks non-root policy"
            if container.security.user == 0
            else "container has runAsNonRoot and image will run as root"
        )
        problems.append(_problem(container, "run-as-non-root", message, "set securityContext.runAsUser"))
    if image.origin != "simulated" and not argument_vector(container, image, {}):
        message = f'no command specified: neither the container nor image "{image.reference}" says what to run'
        problems.append(_problem(container, "no-command", message, "set command or args"))
    return problems


def _not_enforced(pod: Pod, container: PodContainer, image: Image, runtime: ContainerRuntime) -> list[Finding]:
    spec = container_spec(pod, container, uid="", sandbox=SandboxId(""), image=image, variables={}, mounts=())
    return [
        Finding(
            id="pods.not-enforced",
            severity=Severity.WARNING,
            source=container.source,
            message=sentence,
            remedy=None,
        )
        for sentence in runtime.not_enforced(spec)
    ]


def _problem(container: PodContainer, kind: str, message: str, remedy: str | None) -> Finding:
    source = container.image_source if kind == "image" else container.source
    return Finding(id=f"pods.{kind}", severity=Severity.ERROR, source=source, message=message, remedy=remedy)
