"""Volumes of a pod and mounts of a container, from what the file says to what it means."""

from __future__ import annotations

from boathook.documents import Document
from boathook.pods import api_fields, schema, volume_schema
from boathook.pods.model import (
    Claim,
    DownwardFile,
    DownwardFiles,
    EmptyDir,
    FieldRef,
    HostPath,
    KeyToPath,
    ObjectFiles,
    PodVolume,
    Projected,
    ResourceRef,
    TokenFile,
    VolumeMount,
    VolumeSource,
)
from boathook.pods.problems import FieldPath
from boathook.pods.quantities import whole

DEFAULT_FILE_MODE = 0o644
"""Of the files that a ConfigMap or Secret becomes."""


def mounts(container: schema.Container, at: FieldPath, document: Document) -> tuple[VolumeMount, ...]:
    return tuple(
        VolumeMount(
            volume=one.name or "",
            path=one.mount_path or "",
            sub_path=one.sub_path_expr or one.sub_path or "",
            sub_path_expr=bool(one.sub_path_expr),
            read_only=bool(one.read_only),
            source=document.source((*at, "volumeMounts", index)),
        )
        for index, one in enumerate(container.volume_mounts or [])
    )


def volume(one: volume_schema.Volume, index: int, document: Document) -> PodVolume:
    return PodVolume(name=one.name or "", volume=_source(one), source=document.source(("spec", "volumes", index)))


def _source(one: volume_schema.Volume) -> VolumeSource:
    if one.host_path is not None:
        return HostPath(path=one.host_path.path or "", type=one.host_path.type or "")
    if one.persistent_volume_claim is not None:
        claim = one.persistent_volume_claim
        return Claim(name=claim.claim_name or "", read_only=bool(claim.read_only))
    if one.config_map is not None:
        return _object_files("ConfigMap", one.config_map.name, one.config_map, one.config_map.default_mode)
    if one.secret is not None:
        return _object_files("Secret", one.secret.secret_name, one.secret, one.secret.default_mode)
    if one.downward_api is not None:
        return _downward_files(one.downward_api, one.downward_api.default_mode)
    if one.projected is not None:
        return _projected(one.projected)
    # A volume that says nothing of its kind is an emptyDir (``SetDefaults_Volume``).
    return _empty_dir(one.empty_dir or volume_schema.EmptyDirSource())


def _empty_dir(source: volume_schema.EmptyDirSource) -> EmptyDir:
    size = None if source.size_limit is None else whole(source.size_limit)
    return EmptyDir(memory=source.medium == "Memory", size_bytes=size)


def _projected(source: volume_schema.ProjectedSource) -> Projected:
    mode = _mode(source.default_mode)
    sources: list[ObjectFiles | DownwardFiles | TokenFile] = []
    for one in source.sources or []:
        if one.config_map is not None:
            sources.append(_object_files("ConfigMap", one.config_map.name, one.config_map, mode))
        elif one.secret is not None:
            sources.append(_object_files("Secret", one.secret.name, one.secret, mode))
        elif one.downward_api is not None:
            sources.append(_downward_files(one.downward_api, mode))
        elif (token := one.service_account_token) is not None:
            sources.append(TokenFile(path=token.path or "", audience=token.audience or ""))
    return Projected(sources=tuple(sources), mode=mode)


def _object_files(
    kind: str,
    name: str | None,
    source: volume_schema.ConfigMapSource | volume_schema.SecretSource | volume_schema.NamedSource,
    mode: int | None,
) -> ObjectFiles:
    items = None
    # An empty list means all keys too.
    if source.items:
        items = tuple(KeyToPath(key=one.key or "", path=one.path or "", mode=one.mode) for one in source.items)
    return ObjectFiles(kind=kind, name=name or "", items=items, mode=_mode(mode), optional=bool(source.optional))


def _downward_files(
    source: volume_schema.DownwardSource | volume_schema.DownwardProjection, mode: int | None
) -> DownwardFiles:
    files = tuple(
        DownwardFile(path=one.path or "", value=_downward_value(one), mode=one.mode) for one in source.items or []
    )
    return DownwardFiles(files=files, mode=_mode(mode))


def _downward_value(one: volume_schema.DownwardFile) -> FieldRef | ResourceRef:
    if one.resource_field_ref is not None:
        return resource_ref(one.resource_field_ref)
    return FieldRef(path=(one.field_ref.field_path if one.field_ref else None) or "")


def resource_ref(selector: api_fields.ResourceFieldSelector) -> ResourceRef:
    divisor = str(selector.divisor if selector.divisor is not None else "")
    return ResourceRef(container=selector.container_name or "", resource=selector.resource or "", divisor=divisor)


def _mode(given: int | None) -> int:
    return DEFAULT_FILE_MODE if given is None else given
