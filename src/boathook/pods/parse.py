"""Text or objects -> pods. All problems of a file are told at once; every default is applied here and nowhere else."""

from __future__ import annotations

from typing import NamedTuple

from boathook.documents import Document, load, validate
from boathook.errors import ManifestError
from boathook.model import Finding, HookPoint, JsonObject, Severity, Source
from boathook.objects import mapping
from boathook.pods import schema
from boathook.pods.model import (
    POST_START,
    PRE_STOP,
    ContainerKind,
    MessagePolicy,
    Pod,
    PodContainer,
    PodFile,
    ProbeKind,
    RestartPolicy,
)
from boathook.pods.notices import check_notices
from boathook.pods.object_rules import check_data
from boathook.pods.parse_handlers import hook, ports, probe, resources, restart_rules, seconds
from boathook.pods.parse_parts import environment, environment_from, security
from boathook.pods.parse_volumes import mounts, volume
from boathook.pods.problems import FieldPath, Problems, object_document
from boathook.pods.rules import check_metadata, check_pod, grace_seconds
from boathook.runtimes.base import PullPolicy

PREFIX = "pods"

NEEDED_KINDS = ("PersistentVolume", "PersistentVolumeClaim", "ConfigMap", "Secret")
"""What may stand beside pods in their file, because pods need it."""

DEFAULT_NAMESPACE = "default"
DEFAULT_MESSAGE_PATH = "/dev/termination-log"

LONGEST_HOSTNAME = 63


def parse_pods(text: str, file: str, *, namespace: str = DEFAULT_NAMESPACE) -> PodFile:
    """The pods of a file and the objects that they need. ``namespace``: of what names none.

    Raises ``ManifestError`` with every problem of every document.
    """
    found: list[Finding] = []
    pods: list[tuple[Document, _Looked]] = []
    objects: list[JsonObject] = []
    for document in load(text, file):
        value = mapping(document.value)
        if value.get("kind") == "Pod":
            looked = _look_at(document)
            found += looked.errors
            pods.append((document, looked))
        else:
            found += _other_problems(document)
            objects.append(_in_namespace(value, namespace))
    if not found:
        found = _file_problems(file, [document for document, _ in pods])
    if found:
        raise ManifestError(tuple(found))
    return PodFile(
        pods=tuple(_pod(document, looked, namespace) for document, looked in pods),
        pod_objects=tuple(_in_namespace(mapping(document.value), namespace) for document, _ in pods),
        objects=tuple(objects),
    )


def pod_from_object(obj: JsonObject, *, namespace: str = DEFAULT_NAMESPACE) -> Pod:
    """A pod from an object that a cluster holds. Raises ``ManifestError``; its findings have paths, no positions."""
    document = object_document(obj)
    looked = _look_at(document)
    if looked.errors:
        raise ManifestError(looked.errors)
    return _pod(document, looked, namespace)


def problems_of(document: Document) -> tuple[Finding, ...]:
    """Everything that is wrong with a pod, and what of it has no effect, in the order of the file."""
    return _look_at(document).problems


class _Looked(NamedTuple):
    """What a look at a pod's document found."""

    problems: tuple[Finding, ...]
    manifest: schema.Pod | None
    """None where a field has a wrong type."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.problems if one.severity is Severity.ERROR)


def _look_at(document: Document) -> _Looked:
    problems = Problems(document)
    check_pod(mapping(document.value), problems)
    check_notices(mapping(document.value), problems)
    manifest: schema.Pod | None = None
    typed: tuple[Finding, ...] = ()
    try:
        manifest = validate(schema.Pod, document, prefix=PREFIX)
    except ManifestError as error:
        typed = error.problems
    # The same place is told once: a wrong type says more than the rule that stumbles over it.
    places = {one.source.path for one in typed}
    rest = [one for one in problems.found if one.source.path not in places]
    found = sorted((*typed, *rest), key=lambda one: (one.source.line or 0, one.source.column or 0))
    return _Looked(tuple(found), manifest)


def _other_problems(document: Document) -> list[Finding]:
    value = mapping(document.value)
    problems = Problems(document)
    kind = value.get("kind")
    if kind in NEEDED_KINDS:
        check_metadata(mapping(value.get("metadata")), problems)
        check_data(value, problems)
    elif not kind:
        problems.required(("kind",), "a Pod, or an object that a pod needs")
    else:
        expected = ", ".join(("Pod", *NEEDED_KINDS))
        problems.add(("kind",), "unexpected-kind", f'found "{kind}", expected one of {expected}')
    return problems.found


def _file_problems(file: str, documents: list[Document]) -> list[Finding]:
    """A file without a pod, or with the same pod twice."""
    if not documents:
        source = Source(file=file, line=None, column=None, path="")
        return [Finding(id="pods.no-pod", severity=Severity.ERROR, source=source, message="no pod in it", remedy=None)]
    seen: set[tuple[str, str]] = set()
    problems: list[Finding] = []
    for document in documents:
        metadata = mapping(mapping(document.value).get("metadata"))
        key = (str(metadata.get("namespace") or ""), str(metadata.get("name")))
        if key in seen:
            told = Problems(document)
            told.duplicate(("metadata", "name"), key[1])
            problems += told.found
        seen.add(key)
    return problems


def _in_namespace(obj: JsonObject, namespace: str) -> JsonObject:
    metadata = mapping(obj.get("metadata"))
    if metadata.get("namespace") or obj.get("kind") == "PersistentVolume":
        return obj
    return {**obj, "metadata": {**metadata, "namespace": namespace}}


def _pod(document: Document, looked: _Looked, namespace: str) -> Pod:
    """The pod of a document that has no errors."""
    manifest = looked.manifest
    assert manifest is not None
    metadata, spec = manifest.metadata, manifest.spec
    name = metadata.name or ""
    deadline = spec.active_deadline_seconds
    aliases = spec.host_aliases or []
    return Pod(
        name=name,
        namespace=metadata.namespace or namespace,
        uid=metadata.uid or "",
        labels=metadata.labels or {},
        annotations=metadata.annotations or {},
        containers=_containers(spec, "containers", document),
        init_containers=_containers(spec, "initContainers", document),
        active_deadline=None if deadline is None else seconds(deadline),
        volumes=tuple(volume(one, index, document) for index, one in enumerate(spec.volumes or [])),
        restart_policy=RestartPolicy(spec.restart_policy or RestartPolicy.ALWAYS),
        grace=seconds(grace_seconds(mapping(mapping(document.value).get("spec")))),
        hostname=(spec.hostname or name)[:LONGEST_HOSTNAME].rstrip("-."),
        hosts=tuple((alias.ip or "", host) for alias in aliases for host in alias.hostnames or []),
        host_network=bool(spec.host_network),
        service_account=spec.service_account_name or "default",
        notices=looked.problems,
        source=document.source(),
    )


def _containers(spec: schema.PodSpec, part: str, document: Document) -> tuple[PodContainer, ...]:
    """The regular or the init containers, in their order."""
    given = (spec.containers if part == "containers" else spec.init_containers) or []
    return tuple(
        _container(one, spec, ("spec", part, index), document, init=part == "initContainers")
        for index, one in enumerate(given)
    )


def _container(
    container: schema.Container, spec: schema.PodSpec, at: FieldPath, document: Document, *, init: bool
) -> PodContainer:
    declared = ports(container)
    policy = RestartPolicy(container.restart_policy) if container.restart_policy else None
    sidecar = ContainerKind.SIDECAR if policy is RestartPolicy.ALWAYS else ContainerKind.INIT
    lifecycle = container.lifecycle or schema.Lifecycle()
    return PodContainer(
        name=container.name or "",
        image=container.image or "",
        pull_policy=_pull_policy(container),
        command=tuple(container.command) if container.command else None,
        args=tuple(container.args) if container.args else None,
        working_dir=container.working_dir or None,
        environment=environment(container, at, document),
        environment_from=environment_from(container, at, document),
        mounts=mounts(container, at, document),
        security=security(container, spec),
        post_start=hook(lifecycle.post_start, POST_START, HookPoint.POST_START, declared, at, document),
        pre_stop=hook(lifecycle.pre_stop, PRE_STOP, HookPoint.PRE_STOP, declared, at, document),
        stop_signal=lifecycle.stop_signal,
        message_path=container.termination_message_path or DEFAULT_MESSAGE_PATH,
        message_policy=MessagePolicy(container.termination_message_policy or MessagePolicy.FILE),
        image_source=document.source((*at, "image")),
        source=document.source(at),
        kind=sidecar if init else ContainerKind.REGULAR,
        restart_policy=policy,
        restart_rules=restart_rules(container),
        ports=declared,
        startup_probe=probe(ProbeKind.STARTUP, container.startup_probe, declared, at, document),
        liveness_probe=probe(ProbeKind.LIVENESS, container.liveness_probe, declared, at, document),
        readiness_probe=probe(ProbeKind.READINESS, container.readiness_probe, declared, at, document),
        resources=resources(container),
    )


def _pull_policy(container: schema.Container) -> PullPolicy:
    """Always for ``:latest`` and for no tag at all, else IfNotPresent."""
    if container.image_pull_policy:
        return PullPolicy(container.image_pull_policy)
    last = (container.image or "").rsplit("/", 1)[-1]
    latest = "@" not in last and (":" not in last or last.endswith(":latest"))
    return PullPolicy.ALWAYS if latest else PullPolicy.IF_NOT_PRESENT
