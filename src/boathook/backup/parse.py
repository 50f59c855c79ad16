"""Annotations, pods, Backup documents and selectors -> the model. Every default of the dialect is applied here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta

from boathook.backup import schema
from boathook.backup.model import (
    COMMAND,
    CONTAINER,
    DOMAINS,
    FIELDS,
    FORMS,
    FROM_ANNOTATION,
    GROUPS,
    HOOK_INFIX,
    ON_ERROR,
    PHASE_NAMES,
    POST,
    PRE,
    TIMEOUT,
    UNPREFIXED,
    VOLUME_EXCLUDES,
    BackupPod,
    BackupSpec,
    BackupVolume,
    OnError,
    Operator,
    PodHook,
    PodHooks,
    Requirement,
    VolumeKind,
)
from boathook.backup.selector import parse_selector
from boathook.documents import Document, findings_of, load, path_text, validate
from boathook.durations import parse_go_duration
from boathook.errors import ManifestError, UsageError
from boathook.model import Exec, Finding, Hook, HookPoint, JsonObject, JsonValue, Severity, Source
from boathook.objects import mapping, mappings

PREFIX = "backup"

DEFAULT_TIMEOUT = timedelta(seconds=30)
DEFAULT_TTL = timedelta(hours=720)
ALL = ("*",)

_KNOWN_KEYS = frozenset(
    f"{form}{HOOK_INFIX}{domain}/{field}" for form in (PRE, POST, UNPREFIXED) for domain in DOMAINS for field in FIELDS
)
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


# Annotations.


def parse_command(text: str) -> tuple[str, ...]:
    """A JSON array of strings where the very first character opens one; anything else is one word, blanks and all."""
    if text.startswith("["):
        try:
            words = json.loads(text)
        except ValueError:
            return (text,)
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return tuple(words)
    return (text,)


def pod_hooks(annotations: Mapping[str, str], *, default_container: str, source: Source) -> PodHooks:
    """The hooks that a pod's annotations give, and what is odd about them. ``source``: where the pod was written."""
    reading = _Annotations(annotations, default_container, source)
    pre, post = reading.hook(HookPoint.PRE_BACKUP), reading.hook(HookPoint.POST_BACKUP)
    reading.check_keys()
    if pre is not None and freezes(pre.hook) and post is None:
        message = "the pre hook freezes a file system and no post hook thaws it"
        reading.add("freeze-without-thaw", "", message, f"add {POST}{HOOK_INFIX}{DOMAINS[0]}/{COMMAND}")
    return PodHooks(pre=pre, post=post, findings=tuple(reading.found))


def freezes(hook: Hook) -> bool:
    """True when the command looks like one that freezes a file system."""
    command = hook.handler.command if isinstance(hook.handler, Exec) else ()
    # One word is a program without arguments, whatever blanks are in it.
    words = " ".join(command) if len(command) > 1 else ""
    if "xfs_freeze" in words:
        return re.search(r"xfs_freeze\s+(\S+\s+)*-\w*f", words) is not None
    return "fsfreeze" in words and re.search(r"(?<![\w-])(--freeze|-f)(?![\w-])", words) is not None


class _Annotations:
    """Reads the annotations of one pod and keeps what is odd."""

    def __init__(self, annotations: Mapping[str, str], default_container: str, source: Source) -> None:
        self._annotations = annotations
        self._default_container = default_container
        self._source = source
        self.found: list[Finding] = []

    def add(self, kind: str, key: str, message: str, remedy: str | None = None) -> None:
        path = path_text(("metadata", "annotations", key) if key else ("metadata", "annotations"))
        source = Source(file=self._source.file, line=self._source.line, column=self._source.column, path=path)
        self.found.append(
            Finding(id=f"{PREFIX}.{kind}", severity=Severity.WARNING, source=source, message=message, remedy=remedy)
        )

    def hook(self, point: HookPoint) -> PodHook | None:
        """The first form with a command wins, and its other fields come from that form and domain alone."""
        for form in FORMS[point]:
            for domain in DOMAINS:
                prefix = f"{form}{HOOK_INFIX}{domain}/"
                if self._annotations.get(prefix + COMMAND):
                    return self._hook(point, prefix)
        return None

    def _hook(self, point: HookPoint, prefix: str) -> PodHook:
        key = prefix + COMMAND
        command = parse_command(self._annotations[key])
        if len(command) == 1 and re.search(r"\s", command[0]):
            message = f'the command is one word, "{command[0]}": it is not split, and no shell reads it'
            self.add("one-word-command", key, message, 'write a JSON array such as ["/bin/sh", "-c", "..."]')
        on_error = self._on_error(prefix + ON_ERROR)
        path = path_text(("metadata", "annotations", key))
        hook = Hook(
            point=point,
            name=f"{PHASE_NAMES[point]} hook",
            # The executor runs it as the container's user in its environment (pkg/podexec); nothing can be added.
            handler=Exec(command=command, user=None, privileged=False, working_dir=None, environment=()),
            timeout=self._timeout(prefix + TIMEOUT),
            on_failure=on_error.on_failure,
            source=Source(file=self._source.file, line=self._source.line, column=self._source.column, path=path),
        )
        container = self._annotations.get(prefix + CONTAINER) or self._default_container
        return PodHook(hook=hook, label=FROM_ANNOTATION, container=container, on_error=on_error)

    def _on_error(self, key: str) -> OnError:
        written = self._annotations.get(key, "")
        if written in ("", *OnError):
            return OnError(written or OnError.FAIL)
        self.add("on-error", key, f'found "{written}", expected Fail or Continue: Fail is taken')
        return OnError.FAIL

    def _timeout(self, key: str) -> timedelta:
        written = self._annotations.get(key, "")
        if not written:
            return DEFAULT_TIMEOUT
        try:
            timeout = parse_go_duration(written)
        except ValueError as error:
            self.add("timeout", key, f"Unable to parse provided timeout {written}, using default: {error}", "write 30s")
            return DEFAULT_TIMEOUT
        if timeout < timedelta(0):
            self.add("timeout", key, f"a timeout cannot be negative: found {written}, 30s is taken")
        return timeout if timeout > timedelta(0) else DEFAULT_TIMEOUT

    def check_keys(self) -> None:
        for key in self._annotations:
            if HOOK_INFIX in key and key not in _KNOWN_KEYS:
                self.add("unknown-key", key, f'"{key}" is no hook annotation, and is ignored')


# Pods.


def backup_pod(manifest: JsonObject) -> BackupPod:
    """A pod object of a cluster. Its annotations are read as they stand now."""
    metadata, spec = mapping(manifest.get("metadata")), mapping(manifest.get("spec"))
    containers = tuple(str(one.get("name")) for one in mappings(spec.get("containers")))
    sidecars = (one for one in mappings(spec.get("initContainers")) if one.get("restartPolicy") == "Always")
    annotations = {str(key): str(value) for key, value in mapping(metadata.get("annotations")).items()}
    namespace, name = str(metadata.get("namespace") or "default"), str(metadata.get("name"))
    source = Source(file=f"{namespace}/{name}", line=None, column=None, path="")
    excluded = {volume for key in VOLUME_EXCLUDES for volume in annotations.get(key, "").split(",")}
    volumes = (_volume(one) for one in mappings(spec.get("volumes")))
    return BackupPod(
        namespace=namespace,
        name=name,
        uid=str(metadata.get("uid") or ""),
        phase=str(mapping(manifest.get("status")).get("phase") or "Pending"),
        containers=(*containers, *(str(one.get("name")) for one in sidecars)),
        volumes=tuple(one for one in volumes if one.kind is not VolumeKind.OTHER and one.name not in excluded),
        hooks=pod_hooks(annotations, default_container=containers[0] if containers else "", source=source),
        manifest=manifest,
    )


def _volume(volume: JsonObject) -> BackupVolume:
    name = str(volume.get("name"))
    if isinstance(volume.get("persistentVolumeClaim"), dict):
        claim = str(mapping(volume.get("persistentVolumeClaim")).get("claimName"))
        return BackupVolume(name=name, kind=VolumeKind.CLAIM, claim=claim)
    # A volume without a source is an emptyDir (pkg/apis/core/v1, SetDefaults_Volume).
    if "emptyDir" in volume or len(volume) == 1:
        return BackupVolume(name=name, kind=VolumeKind.EMPTY_DIR, claim="")
    return BackupVolume(name=name, kind=VolumeKind.OTHER, claim="")


# Backup documents and selectors.


def check_name(name: str) -> None:
    """Raises ``UsageError`` for what cannot be an object's name (and a directory's)."""
    if not _NAME.fullmatch(name) or len(name) > 253:
        raise UsageError(
            f'invalid backup name "{name}"', hint="use lower-case letters, digits, '-' and '.', as in nightly-1"
        )


def parse_backup(text: str, file: str, *, name: str | None = None) -> BackupSpec:
    """The one Backup document of a file. Raises ``ManifestError`` with every problem."""
    documents = load(text, file)
    if len(documents) != 1:
        source = Source(file=file, line=None, column=None, path="")
        raise ManifestError((_error("one-backup", source, f"found {len(documents)} documents, expected one Backup"),))
    return backup_of_document(documents[0], name=name)


def backup_of_document(document: Document, *, name: str | None = None) -> BackupSpec:
    """What a Backup document says. Raises ``ManifestError`` with every problem."""
    problems = [*findings_of(schema.Backup, document, prefix=PREFIX), *_rules(document)]
    problems += [] if name else _name_problems(document)
    if problems:
        raise ManifestError(tuple(sorted(problems, key=lambda one: (one.source.line or 0, one.source.column or 0))))
    backup = validate(schema.Backup, document, prefix=PREFIX)
    named = name or backup.metadata.name
    if named is None:
        raise UsageError("a backup name is required, unless you are creating based on a schedule")
    check_name(named)
    spec = backup.spec
    selector = spec.label_selector or schema.LabelSelector()
    return BackupSpec(
        name=named,
        included_namespaces=tuple(spec.included_namespaces or ALL),
        excluded_namespaces=tuple(spec.excluded_namespaces or ()),
        selector=_requirements(selector),
        labels=backup.metadata.labels or {},
        annotations=backup.metadata.annotations or {},
        ttl=parse_go_duration(spec.ttl) if spec.ttl else DEFAULT_TTL,
    )


def _name_problems(document: Document) -> list[Finding]:
    written = mapping(mapping(document.value).get("metadata")).get("name")
    if not isinstance(written, str):
        return []
    try:
        check_name(written)
    except UsageError as error:
        return [_error("name", document.source(("metadata", "name")), str(error), remedy=error.hint)]
    return []


def spec_from_flags(
    name: str | None, *, included: tuple[str, ...], excluded: tuple[str, ...], selector: str, ttl: str, labels: str
) -> BackupSpec:
    """A backup as flags describe it. Raises ``UsageError``."""
    if not name:
        raise UsageError("a backup name is required, unless you are creating based on a schedule")
    check_name(name)
    if problems := list_problems(included, excluded):
        raise UsageError(f"Invalid included/excluded namespace lists: {'; '.join(problems)}")
    try:
        kept = parse_go_duration(ttl) if ttl else DEFAULT_TTL
    except ValueError as error:
        raise UsageError(f"invalid --ttl: {error}") from error
    pairs = [part.partition("=") for part in labels.split(",") if part]
    if any(not key or not equals for key, equals, _ in pairs):
        raise UsageError(f'invalid --labels: found "{labels}", expected a=b,c=d')
    return BackupSpec(
        name=name,
        included_namespaces=included or ALL,
        excluded_namespaces=excluded,
        selector=parse_selector(selector),
        labels={key: value for key, _, value in pairs},
        annotations={},
        ttl=kept,
    )


def _requirements(selector: schema.LabelSelector) -> tuple[Requirement, ...]:
    matches = ((key, value) for key, value in (selector.match_labels or {}).items())
    expressions = selector.match_expressions or []
    return (
        *(Requirement(key=key, operator=Operator.IN, values=(value,)) for key, value in matches),
        *(
            Requirement(key=one.key, operator=Operator(one.operator), values=tuple(one.values or ()))
            for one in expressions
        ),
    )


def _rules(document: Document) -> list[Finding]:
    """What types cannot say: kind, version, durations, selectors, and what this version does not do."""
    value = mapping(document.value)
    spec = mapping(value.get("spec"))
    found = []
    if value.get("kind") != "Backup":
        found.append(_error("kind", document.source(("kind",)), f'found "{value.get("kind")}", expected Backup'))
    if value.get("apiVersion") not in GROUPS:
        message = f'found "{value.get("apiVersion")}", expected {" or ".join(GROUPS)}'
        found.append(_error("api-version", document.source(("apiVersion",)), message))
    for key in spec:
        if key in NOT_YET or (key, spec[key]) in NOT_YET_VALUES:
            at = document.key_source(("spec", key))
            message = NOT_YET.get(key, f"only {key}: true is there yet")
            found.append(_error("not-yet", at, message, remedy="take it out"))
    if isinstance(ttl := spec.get("ttl"), str) and ttl:
        try:
            parse_go_duration(ttl)
        except ValueError as error:
            found.append(_error("ttl", document.source(("spec", "ttl")), str(error)))
    for index, one in enumerate(mappings(mapping(spec.get("labelSelector")).get("matchExpressions"))):
        found += _expression_problems(one, document, index)
    found += _list_problems(spec, document)
    return found


LATER = "not part of this version yet"
NOT_YET = {
    "hooks": f"hooks in the Backup spec are {LATER}: put them into the pods' annotations",
    "includedResources": LATER,
    "excludedResources": LATER,
    "includeClusterResources": LATER,
    "orLabelSelectors": LATER,
    "includedClusterScopedResources": LATER,
    "excludedClusterScopedResources": LATER,
    "includedNamespaceScopedResources": LATER,
    "excludedNamespaceScopedResources": LATER,
    "orderedResources": LATER,
    "snapshotVolumes": LATER,
    "storageLocation": LATER,
    "volumeSnapshotLocations": LATER,
    "csiSnapshotTimeout": LATER,
    "itemOperationTimeout": LATER,
    "resourcePolicy": LATER,
    "datamover": LATER,
    "snapshotMoveData": LATER,
    "uploaderConfig": LATER,
}
"""Valid in a Backup's spec, and refused by name rather than ignored."""

NOT_YET_VALUES = (("defaultVolumesToFsBackup", False), ("defaultVolumesToRestic", False))


def _expression_problems(one: JsonObject, document: Document, index: int) -> list[Finding]:
    at = ("spec", "labelSelector", "matchExpressions", index)
    operator, values = one.get("operator"), one.get("values") or []
    if operator not in tuple(Operator):
        message = f'"{operator}" is not a valid label selector operator'
        return [_error("selector", document.source((*at, "operator")), message)]
    if operator in (Operator.IN, Operator.NOT_IN) and not values:
        message = "for 'in', 'notin' operators, values set can't be empty"
        return [_error("selector", document.source((*at, "values")), message)]
    return []


def _list_problems(spec: JsonObject, document: Document) -> list[Finding]:
    included, excluded = spec.get("includedNamespaces"), spec.get("excludedNamespaces")
    problems = list_problems(_texts(included), _texts(excluded))
    return [
        _error("namespaces", document.source(("spec",)), f"Invalid included/excluded namespace lists: {problem}")
        for problem in problems
    ]


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def list_problems(included: tuple[str, ...], excluded: tuple[str, ...]) -> list[str]:
    """What is wrong with a pair of include and exclude lists, in Velero's words (util/collections)."""
    problems = []
    if len(included) > 1 and "*" in included:
        problems.append("includes list must either contain '*' only, or a non-empty list of items")
    if "*" in excluded:
        problems.append("excludes list cannot contain '*'")
    problems += [
        f"excludes list cannot contain an item in the includes list: {one}"
        for one in excluded
        if one in included and one != "*"
    ]
    return problems


def _error(kind: str, source: Source, message: str, *, remedy: str | None = None) -> Finding:
    return Finding(id=f"{PREFIX}.{kind}", severity=Severity.ERROR, source=source, message=message, remedy=remedy)
