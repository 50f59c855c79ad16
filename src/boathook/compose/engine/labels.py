"""The labels of what an engine keeps of a project besides its containers, and how ours are told from the peer's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from boathook.compose import model
from boathook.compose.labels import MAKER, MAKER_LABEL
from boathook.compose.model import NamedVolume, Network, Project
from boathook.model import JsonObject
from boathook.objects import mapping


def is_ours(labels: Mapping[str, str]) -> bool:
    return labels.get(MAKER_LABEL) == MAKER


def network_labels(project: Project, network: Network) -> dict[str, str]:
    return _labels(project, network.form) | {model.NETWORK_LABEL: network.key}


def volume_labels(project: Project, volume: NamedVolume) -> dict[str, str]:
    return _labels(project, volume.form, dict(volume.labels)) | {model.VOLUME_LABEL: volume.key}


def own_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The file's: without the peer's and ours."""
    return {name: value for name, value in labels.items() if not name.startswith(model.LABEL) and name != MAKER_LABEL}


def helper_labels(project: str, service: str) -> dict[str, str]:
    """Of a ``pre_start`` container: no config hash and no ``oneoff``, so that it is nobody's member (spec 9)."""
    return {
        model.PROJECT_LABEL: project,
        model.SERVICE_LABEL: service,
        model.VERSION_LABEL: model.PEER_VERSION,
        model.HOOK_LABEL: "pre_start",
        MAKER_LABEL: MAKER,
    }


def filters(*wanted: str, **more: list[str]) -> dict[str, Any]:
    """For the engine's lists: what has all these labels, ``NAME`` or ``NAME=VALUE``."""
    return {"filters": {"label": list(wanted), **more}}


def of_project(project: str) -> str:
    return f"{model.PROJECT_LABEL}={project}"


def _labels(project: Project, form: JsonObject, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The file's, with the peer's laid over them (spec 12.2)."""
    written = {name: "" if value is None else str(value) for name, value in mapping(form, "labels").items()}
    return (
        written
        | dict(own or {})
        | {
            model.PROJECT_LABEL: project.name,
            model.HASH_LABEL: form_hash(form),
            model.VERSION_LABEL: model.PEER_VERSION,
            MAKER_LABEL: MAKER,
        }
    )


def form_hash(form: JsonObject) -> str:
    return hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()
