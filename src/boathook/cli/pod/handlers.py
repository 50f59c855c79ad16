"""Handlers, probes and volumes of a manifest in words, as ``kubectl describe`` writes them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping, mappings, text
from boathook.report import words

VOLUME_TYPES = {
    "emptyDir": "EmptyDir (a temporary directory that shares a pod's lifetime)",
    "hostPath": "HostPath (bare host directory volume)",
    "configMap": "ConfigMap (a volume populated by a ConfigMap)",
    "secret": "Secret (a volume populated by a Secret)",
    "persistentVolumeClaim": "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
    "downwardAPI": "DownwardAPI (a volume populated by information about the pod)",
    "projected": "Projected (a volume that contains injected data from multiple sources)",
}


def handler_text(handler: JsonObject) -> str:
    """What a hook or probe does: ``exec [sh -c true]``, ``http-get http://:8080/healthz``."""
    if "exec" in handler:
        command = mapping(handler, "exec").get("command")
        argv = tuple(str(word) for word in command) if isinstance(command, list) else ()
        return f"exec [{words.command(argv)}]"
    if "httpGet" in handler:
        get = mapping(handler, "httpGet")
        scheme = (text(get, "scheme") or "HTTP").lower()
        path = text(get, "path")
        return f"http-get {scheme}://{text(get, 'host')}:{text(get, 'port')}{path if path[:1] == '/' else f'/{path}'}"
    if "tcpSocket" in handler:
        socket = mapping(handler, "tcpSocket")
        return f"tcp-socket {text(socket, 'host')}:{text(socket, 'port')}"
    if "grpc" in handler:
        return f"grpc <pod>:{text(handler, 'grpc', 'port')} {text(handler, 'grpc', 'service')}".rstrip()
    if "sleep" in handler:
        return f"sleep {text(handler, 'sleep', 'seconds')}s"
    return "unknown"


def probe_text(probe: JsonObject) -> str:
    """A probe with its times, those that nobody has set as their defaults."""

    def number(name: str, otherwise: int) -> JsonValue:
        return probe.get(name) or otherwise

    return (
        f"{handler_text(probe)} delay={number('initialDelaySeconds', 0)}s timeout={number('timeoutSeconds', 1)}s"
        f" period={number('periodSeconds', 10)}s #success={number('successThreshold', 1)}"
        f" #failure={number('failureThreshold', 3)}"
    )


def volume_lines(volume: JsonObject) -> Iterator[tuple[str, str]]:
    """The fields of a volume, its type first."""
    kind = next((name for name in VOLUME_TYPES if name in volume), "")
    source = mapping(volume, kind)
    yield "Type", VOLUME_TYPES.get(kind, "<unknown>")
    match kind:
        case "emptyDir":
            yield "Medium", text(source, "medium")
            yield "SizeLimit", text(source, "sizeLimit") or "<unset>"
        case "hostPath":
            yield "Path", text(source, "path")
            yield "HostPathType", text(source, "type")
        case "configMap":
            yield "Name", text(source, "name")
            yield "Optional", str(bool(source.get("optional"))).lower()
        case "secret":
            yield "SecretName", text(source, "secretName")
            yield "Optional", str(bool(source.get("optional"))).lower()
        case "persistentVolumeClaim":
            yield "ClaimName", text(source, "claimName")
            yield "ReadOnly", str(bool(source.get("readOnly"))).lower()
        case "projected":
            names = [next(iter(one), "") for one in mappings(source.get("sources"))]
            yield "Sources", ", ".join(names)
        case _:
            return
