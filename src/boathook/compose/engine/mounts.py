"""What a container sees of volumes, of the machine's files and of memory, in the engine's words. Pure.

The peer gives what it can as ``Binds`` and the rest as ``Mounts`` (pkg/compose/create.go: buildContainerVolumes), and
so do we, so that what either made looks equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from boathook.compose.engine.form import flag, records, text, texts, whole
from boathook.compose.model import Project, Service
from boathook.compose.options import OneOff
from boathook.compose.reading.shortforms import volume as volume_form
from boathook.model import JsonObject
from boathook.objects import mapping

Mount = dict[str, Any]

_RECURSIVE = {
    "disabled": "NonRecursive",
    "writable": "ReadOnlyNonRecursive",
    "readonly": "ReadOnlyForceRecursive",
}


@dataclass(slots=True)
class Mounted:
    binds: list[str] = field(default_factory=list)
    mounts: list[Mount] = field(default_factory=list)
    tmpfs: dict[str, str] = field(default_factory=dict)


def container_mounts(
    project: Project, service: Service, oneoff: OneOff | None, inherited: Sequence[JsonObject]
) -> Mounted:
    """``inherited``: volumes without a name (``name``, ``target``, ``read_only``) that go over to this container."""
    result = Mounted()
    over = {text(one, "target") for one in inherited}
    for one in written_volumes(service, oneoff):
        if not (text(one, "type") == "volume" and not text(one, "source") and text(one, "target") in over):
            _add(result, project, one)
    for one in inherited:
        result.mounts.append(_mount("volume", text(one, "name"), one))
    for file in service.files:
        if file.path is not None:
            result.mounts.append(
                {
                    "Type": "bind",
                    "Source": file.path,
                    "Target": file.target,
                    "ReadOnly": True,
                    "BindOptions": {},
                }
            )
    for written in texts(service.form, "tmpfs"):
        target, _, options = written.partition(":")
        result.tmpfs[target] = options
    return result


def written_volumes(service: Service, oneoff: OneOff | None) -> list[JsonObject]:
    """Of the service and of ``run``; of one target the last counts."""
    written = records(service.form, "volumes") + [volume_form(one) for one in (oneoff.volumes if oneoff else ())]
    return list({text(one, "target"): one for one in written}.values())


def _add(result: Mounted, project: Project, volume: JsonObject) -> None:
    kind, source = text(volume, "type"), text(volume, "source")
    if kind == "volume" and source:
        source = next((one.name for one in project.volumes if one.key == source), source)
    if source and _can_be_bind(kind, volume):
        result.binds.append(f"{source}:{text(volume, 'target')}:{','.join(_modes(volume))}")
    else:
        result.mounts.append(_mount(kind, source, volume))


def _can_be_bind(kind: str, volume: JsonObject) -> bool:
    if kind == "bind":
        bind = mapping(volume, "bind")
        missing_is_made = bind.get("create_host_path") is True or "bind" not in volume
        return missing_is_made and not text(bind, "propagation") and not text(bind, "recursive")
    if kind == "volume":
        options = mapping(volume, "volume")
        return not (mapping(options, "labels") or text(options, "subpath") or flag(options, "nocopy"))
    return False


def _modes(volume: JsonObject) -> list[str]:
    modes = ["ro" if flag(volume, "read_only") else "rw"]
    if selinux := text(mapping(volume, "bind"), "selinux"):
        modes.append(selinux)
    return modes


def _mount(kind: str, source: str, volume: JsonObject) -> Mount:
    mount: Mount = {"Type": kind, "Target": text(volume, "target"), "ReadOnly": flag(volume, "read_only")}
    if source:
        mount["Source"] = source
    if consistency := text(volume, "consistency"):
        mount["Consistency"] = consistency
    mount |= _options(kind, volume)
    return mount


def _options(kind: str, volume: JsonObject) -> Mount:
    match kind:
        case "bind":
            return {"BindOptions": _bind_options(mapping(volume, "bind"))}
        case "volume":
            options = mapping(volume, "volume")
            made: Mount = {}
            if flag(options, "nocopy"):
                made["NoCopy"] = True
            if labels := mapping(options, "labels"):
                made["Labels"] = {name: str(value) for name, value in labels.items()}
            if subpath := text(options, "subpath"):
                made["Subpath"] = subpath
            return {"VolumeOptions": made}
        case "tmpfs":
            options = mapping(volume, "tmpfs")
            memory = {"SizeBytes": whole(options, "size"), "Mode": whole(options, "mode")}
            return {"TmpfsOptions": {key: value for key, value in memory.items() if value}}
        case "image":
            path = text(mapping(volume, "image"), "subpath")
            return {"ImageOptions": {"Subpath": path}} if path else {}
        case _:
            return {}


def _bind_options(bind: JsonObject) -> Mount:
    made: Mount = {}
    if propagation := text(bind, "propagation"):
        made["Propagation"] = propagation
    if flag(bind, "create_host_path"):
        made["CreateMountpoint"] = True
    if (recursive := _RECURSIVE.get(text(bind, "recursive"))) is not None:
        made[recursive] = True
    return made
