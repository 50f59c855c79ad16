"""Environment and security of a container, from what the file says to what it means."""

from __future__ import annotations

from boathook.documents import Document
from boathook.pods import schema
from boathook.pods.model import EnvFrom, EnvSource, EnvVar, FieldRef, KeyRef, Security
from boathook.pods.parse_volumes import resource_ref
from boathook.pods.problems import FieldPath


def environment(container: schema.Container, at: FieldPath, document: Document) -> tuple[EnvVar, ...]:
    return tuple(
        EnvVar(name=one.name or "", value=_value(one), source=document.source((*at, "env", index)))
        for index, one in enumerate(container.env or [])
    )


def _value(variable: schema.EnvVar) -> EnvSource:
    origin = variable.value_from
    if origin is not None and origin.field_ref is not None:
        return FieldRef(path=origin.field_ref.field_path or "")
    if origin is not None and origin.resource_field_ref is not None:
        return resource_ref(origin.resource_field_ref)
    if origin is not None and (selector := origin.config_map_key_ref or origin.secret_key_ref) is not None:
        kind = "ConfigMap" if origin.config_map_key_ref is not None else "Secret"
        name, key = selector.name or "", selector.key or ""
        return KeyRef(kind=kind, name=name, key=key, optional=bool(selector.optional))
    return variable.value or ""


def environment_from(container: schema.Container, at: FieldPath, document: Document) -> tuple[EnvFrom, ...]:
    result = []
    for index, one in enumerate(container.env_from or []):
        ref = one.config_map_ref or one.secret_ref
        if ref is not None:
            result.append(
                EnvFrom(
                    kind="ConfigMap" if one.config_map_ref is not None else "Secret",
                    name=ref.name or "",
                    prefix=one.prefix or "",
                    optional=bool(ref.optional),
                    source=document.source((*at, "envFrom", index)),
                )
            )
    return tuple(result)


def security(container: schema.Container, spec: schema.PodSpec) -> Security:
    """The container's context over the pod's, as ``DetermineEffectiveSecurityContext`` merges them."""
    own = container.security_context or schema.SecurityContext()
    pod = spec.security_context or schema.PodSecurityContext()
    capabilities = own.capabilities or schema.Capabilities()
    privileged = bool(own.privileged)
    escalation = True if own.allow_privilege_escalation is None else own.allow_privilege_escalation
    return Security(
        user=_first(own.run_as_user, pod.run_as_user),
        group=_first(own.run_as_group, pod.run_as_group),
        supplemental_groups=tuple(pod.supplemental_groups or ()),
        fs_group=pod.fs_group,
        run_as_non_root=bool(pod.run_as_non_root if own.run_as_non_root is None else own.run_as_non_root),
        privileged=privileged,
        allow_privilege_escalation=escalation or privileged,
        read_only_root=bool(own.read_only_root_filesystem),
        capabilities_add=tuple(_capability(one) for one in capabilities.add or ()),
        capabilities_drop=tuple(_capability(one) for one in capabilities.drop or ()),
    )


def _first(own: int | None, pod: int | None) -> int | None:
    return pod if own is None else own


def _capability(name: str) -> str:
    """Without the prefix that the kernel's own lists have."""
    return name.upper().removeprefix("CAP_")
