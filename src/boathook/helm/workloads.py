"""What is wrong with the Pods and Jobs of a chart: told with all else that is wrong, before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from boathook.documents import Document, Path, path_text
from boathook.documents.nodes import Positions
from boathook.model import Finding, JsonValue, Severity, Source
from boathook.objects import mapping
from boathook.pods.parse import problems_of

TEMPLATE: Path = ("spec", "template")

JOB_RESTART_POLICIES = ("OnFailure", "Never")


def workload_problems(document: Document) -> tuple[Finding, ...]:
    """Errors in a Pod, or in the pod that a Job describes. Nothing for other kinds: they are stored as they are."""
    match mapping(document.value).get("kind"):
        case "Pod":
            found = problems_of(document)
        case "Job":
            found = _job_problems(document)
        case _:
            return ()
    return tuple(one for one in found if one.severity is Severity.ERROR)


def _job_problems(document: Document) -> tuple[Finding, ...]:
    job = mapping(document.value)
    template = mapping(job.get("spec")).get("template")
    if not isinstance(template, dict):
        return (_finding(document.source(TEMPLATE), "is required"),)
    problems = tuple(_in_job(one) for one in problems_of(_pod_of(document, job, template)))
    policy = mapping(template.get("spec")).get("restartPolicy", "Always")
    if policy in JOB_RESTART_POLICIES:
        return problems
    source = document.source((*TEMPLATE, "spec", "restartPolicy"))
    if any(one.source == source for one in problems):
        # It is no policy of any pod, which has been said.
        return problems
    return (*problems, _finding(source, f'found "{policy}", expected one of "OnFailure", "Never"'))


def _pod_of(document: Document, job: Mapping[str, JsonValue], template: Mapping[str, JsonValue]) -> Document:
    """The pod template as a pod of its own, whose fields keep their positions in the Job's text."""
    name = mapping(job.get("metadata")).get("name")
    pod: dict[str, JsonValue] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **mapping(template.get("metadata"))},
        "spec": template.get("spec"),
    }
    written = document.positions
    positions = _TemplatePositions(written.text, written.first_line, written.dialect)
    return Document(value=pod, file=document.file, positions=positions)


class _TemplatePositions(Positions):
    """Positions of a Job's text, asked for by the fields of its pod."""

    __slots__ = ()

    def of_value(self, path: Path) -> tuple[int, int]:
        return super().of_value((*TEMPLATE, *path))

    def of_key(self, path: Path) -> tuple[int, int]:
        return super().of_key((*TEMPLATE, *path))


def _in_job(finding: Finding) -> Finding:
    path = f"{path_text(TEMPLATE)}.{finding.source.path}" if finding.source.path else path_text(TEMPLATE)
    message = finding.message.replace(f'"{finding.source.path}"', f'"{path}"')
    return replace(finding, source=replace(finding.source, path=path), message=message)


def _finding(source: Source, message: str) -> Finding:
    return Finding(id="helm.job", severity=Severity.ERROR, source=source, message=message, remedy=None)
