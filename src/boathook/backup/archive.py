"""The item archive ``<name>.tar.gz``: where each object lies in it, and writing it as Velero does."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from boathook.cluster.base import key_of
from boathook.cluster.store import plural
from boathook.model import JsonObject

FORMAT_VERSION = "1.1.0"
VERSION_PATH = "metadata/version"
MODE = 0o755
COMPRESSION = 6


def compact(value: object) -> bytes:
    """Compact JSON with sorted keys, as Go writes an object that has no type of its own."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def resource_of(obj: JsonObject) -> str:
    """``pods``, ``deployments.apps``: the resource with its group, where it has one."""
    group, slash, _ = str(obj.get("apiVersion") or "v1").rpartition("/")
    name = plural(str(obj["kind"]))
    return f"{name}.{group}" if slash else name


def paths_of(obj: JsonObject) -> tuple[str, str]:
    """Where an object lies: the plain path, and the one that names its version."""
    version = str(obj.get("apiVersion") or "v1").rpartition("/")[2]
    key = key_of(obj, default_namespace="default")
    place = f"namespaces/{key.namespace}/{key.name}.json" if key.namespace else f"cluster/{key.name}.json"
    root = f"resources/{resource_of(obj)}"
    return f"{root}/{place}", f"{root}/{version}-preferredversion/{place}"


def write_archive(destination: Path, objects: Sequence[JsonObject], now: datetime) -> None:
    """Write the archive, synced. The version comes first, and every object twice (7.1)."""
    with destination.open("xb") as raw:
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=COMPRESSION, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w|") as tar,
        ):
            _add(tar, VERSION_PATH, f"{FORMAT_VERSION}\n".encode(), now)
            for obj in objects:
                content = compact(obj)
                for path in paths_of(obj):
                    _add(tar, path, content, now)
        raw.flush()
        os.fsync(raw.fileno())


def _add(tar: tarfile.TarFile, path: str, content: bytes, now: datetime) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode, entry.mtime = len(content), MODE, int(now.timestamp())
    tar.addfile(entry, io.BytesIO(content))
