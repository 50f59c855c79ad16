"""What the local cluster accepts. Errors are findings in the API server's words."""

from __future__ import annotations

from boathook.errors import ManifestError
from boathook.model import Finding, JsonObject, JsonValue, Severity, Source
from boathook.objects import mapping, text
from boathook.pods import pod_from_object
from boathook.pods.model import Pod
from boathook.pods.object_rules import data_findings
from boathook.pods.text_rules import subdomain_faults

_FREE_NAMES = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})
"""Kinds whose names are path segments, not DNS names (rbac.authorization.k8s.io)."""

NOT_YET = "not there yet"


def check(obj: JsonObject) -> Pod | None:
    """The pod that the object is, if it is one. Raises ``ManifestError`` with all that keeps it out of this cluster."""
    problems = _general(obj)
    problems = problems or data_findings(obj)
    if not problems and obj["kind"] == "Job":
        problems = _job(obj)
    if problems:
        raise ManifestError(tuple(problems))
    return pod_from_object(obj) if obj["kind"] == "Pod" else None


def _general(obj: JsonObject) -> list[Finding]:
    problems = [
        _problem(obj, field, "required", "Required value")
        for field in ("apiVersion", "kind")
        if not isinstance(obj.get(field), str) or not obj.get(field)
    ]
    name = mapping(obj, "metadata").get("name")
    if not isinstance(name, str) or not name:
        problems.append(_problem(obj, "metadata.name", "required", "Required value: name or generateName is required"))
    elif obj.get("kind") not in _FREE_NAMES:
        for detail in subdomain_faults(name):
            problems.append(_problem(obj, "metadata.name", "name", f'Invalid value: "{name}": {detail}'))
    for field in ("labels", "annotations"):
        values = mapping(obj, "metadata").get(field) or {}
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            message = "Invalid value: every key and value must be text"
            problems.append(_problem(obj, f"metadata.{field}", "type", message))
    return problems


def _job(obj: JsonObject) -> list[Finding]:
    problems = []
    spec = mapping(obj, "spec")
    for field in ("completions", "parallelism"):
        if spec.get(field) not in (None, 1):
            message = f"Unsupported value: {spec[field]}: {field} other than 1 is {NOT_YET}"
            problems.append(_problem(obj, f"spec.{field}", "not-yet", message))
    if spec.get("suspend"):
        problems.append(_problem(obj, "spec.suspend", "not-yet", f"Unsupported value: suspended Jobs are {NOT_YET}"))
    policy = text(obj, "spec", "template", "spec", "restartPolicy")
    if policy not in ("Never", "OnFailure"):
        message = f'Unsupported value: "{policy}": supported values: "OnFailure", "Never"'
        problems.append(_problem(obj, "spec.template.spec.restartPolicy", "value", message))
    if problems:
        return problems
    try:
        pod_from_object(pod_of_job(obj, "x"))
    except ManifestError as error:
        return [_under_template(obj, problem) for problem in error.problems]
    return []


def pod_of_job(job: JsonObject, name: str) -> JsonObject:
    """The pod that a Job makes, under the given name."""
    template = mapping(job, "spec", "template")
    job_name, uid = text(job, "metadata", "name"), text(job, "metadata", "uid")
    labels: JsonObject = {
        **mapping(template, "metadata", "labels"),
        "job-name": job_name,
        "batch.kubernetes.io/job-name": job_name,
        "controller-uid": uid,
        "batch.kubernetes.io/controller-uid": uid,
    }
    owner: JsonValue = [{"apiVersion": "batch/v1", "kind": "Job", "name": job_name, "uid": uid, "controller": True}]
    metadata: JsonObject = {
        "name": name,
        "namespace": text(job, "metadata", "namespace") or "default",
        "labels": labels,
        "annotations": mapping(template, "metadata", "annotations"),
        "ownerReferences": owner,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": mapping(template, "spec")}


def _under_template(job: JsonObject, problem: Finding) -> Finding:
    return _problem(job, f"spec.template.{problem.source.path}", problem.id.rpartition(".")[2], problem.message)


def _problem(obj: JsonObject, path: str, kind: str, message: str) -> Finding:
    """Objects have no file here: the finding names the object in its message."""
    named = f'{obj.get("kind") or "object"} "{text(obj, "metadata", "name")}" is invalid: {path}: {message}'
    source = Source(file="", line=None, column=None, path="")
    return Finding(id=f"cluster.{kind}", severity=Severity.ERROR, source=source, message=named, remedy=None)
