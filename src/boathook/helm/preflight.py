"""A look at a chart's workloads before its first object is created: images, users and volumes that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from boathook.errors import ManifestError
from boathook.helm.model import HookEvent, RenderedChart
from boathook.helm.objects import object_of
from boathook.model import Finding, JsonObject
from boathook.pods import pod_from_object
from boathook.pods.preflight import preflight
from boathook.runtimes.base import ContainerRuntime

INSTALLING = frozenset({HookEvent.PRE_INSTALL, HookEvent.POST_INSTALL})


async def check_workloads(rendered: RenderedChart, runtime: ContainerRuntime, namespace: str) -> None:
    """Raises one ``ManifestError`` with what keeps any Pod or Job of an install from starting here."""
    problems: list[Finding] = []
    for path, pod in _pods(rendered):
        try:
            await preflight(pod_from_object(pod, namespace=namespace), runtime)
        except ManifestError as error:
            problems += [replace(one, source=replace(one.source, file=path)) for one in error.problems]
    if problems:
        raise ManifestError(tuple(problems))


def _pods(rendered: RenderedChart) -> Iterator[tuple[str, JsonObject]]:
    objects = [(one.path, one.value) for one in rendered.resources]
    objects += [(one.path, object_of(one.manifest, one.path)) for one in rendered.hooks if INSTALLING & {*one.events}]
    for path, obj in objects:
        if obj is not None and obj.get("kind") == "Pod":
            yield path, obj
        elif obj is not None and obj.get("kind") == "Job":
            yield path, pod_of(obj)


def pod_of(job: JsonObject) -> JsonObject:
    """The pod that a Job describes, under the Job's name."""
    metadata, spec = job.get("metadata"), job.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": template.get("spec") if isinstance(template, dict) else None,
    }
