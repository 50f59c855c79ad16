"""What a container of a service is given of volumes, files of the machine, memory, secrets and configs. Pure.

The form has been checked: nothing here refuses anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from boathook.compose.model import BindMount, GrantedFile, ServiceMount, TmpfsMount, VolumeMount
from boathook.compose.reading.shapes import size_bytes
from boathook.model import JsonObject
from boathook.objects import mapping, mappings, text, texts

GRANTED_MODE = "0444"
"""Of a secret's or config's file where the service says nothing."""


def mounts_of(form: JsonObject) -> Iterable[ServiceMount]:
    for one in mappings(form.get("volumes")):
        if (mount := _mount(one)) is not None:
            yield mount
    for written in texts(form.get("tmpfs")):
        target, _, options = written.partition(":")
        yield _tmpfs(target, dict(one.partition("=")[::2] for one in options.split(",")))


def _mount(written: JsonObject) -> ServiceMount | None:
    source, target, read_only = text(written, "source"), text(written, "target"), written.get("read_only") is True
    match written.get("type"):
        case "volume":
            options = mapping(written, "volume")
            return VolumeMount(
                volume=source,
                target=target,
                read_only=read_only,
                nocopy=options.get("nocopy") is True,
                subpath=text(options, "subpath"),
            )
        case "bind":
            create = mapping(written, "bind").get("create_host_path") is not False
            return BindMount(path=source, target=target, read_only=read_only, create=create)
        case "tmpfs":
            options = mapping(written, "tmpfs")
            size, mode = text(options, "size"), options.get("mode")
            return TmpfsMount(
                target=target,
                read_only=read_only,
                size=int(size) if size else None,
                mode=mode if isinstance(mode, int) else None,
            )
        case _:
            # An image, or a kind of another system: what only an engine can mount is read from the form.
            return None


def _tmpfs(target: str, options: Mapping[str, str]) -> TmpfsMount:
    size, mode = options.get("size", ""), options.get("mode", "")
    return TmpfsMount(
        target=target,
        read_only="ro" in options,
        size=size_bytes(size) if size else None,
        mode=int(mode, 8) if mode else None,
    )


def files_of(form: JsonObject, project: JsonObject, variables: Mapping[str, str]) -> Iterable[GrantedFile]:
    for kind, directory in (("secrets", "/run/secrets/"), ("configs", "/")):
        for one in mappings(form.get(kind)):
            source = text(one, "source")
            defined = mapping(project, kind, source)
            target = text(one, "target") or source
            yield GrantedFile(
                kind=kind,
                source=source,
                path=text(defined, "file") or None,
                content=granted_content(defined, variables),
                target=target if target.startswith("/") else f"{directory}{target}",
                uid=text(one, "uid") or "0",
                gid=text(one, "gid") or "0",
                mode=int(text(one, "mode") or GRANTED_MODE, 8),
            )


def granted_content(defined: JsonObject, variables: Mapping[str, str]) -> str | None:
    """What a secret or config says by itself or by a variable; None: neither, or the variable is not set."""
    content = defined.get("content")
    return content if isinstance(content, str) else variables.get(text(defined, "environment"))
