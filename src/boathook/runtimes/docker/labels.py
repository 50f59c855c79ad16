"""What is written down of containers, sandboxes and volumes: labels in the engine, where every process finds them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from boathook.codec import CodecError, from_json, to_json
from boathook.home import Home
from boathook.runtimes.base import ContainerSpec, SandboxSpec
from boathook.runtimes.processes import ProcessId

T = TypeVar("T")

PLACE = "boathook.io/place"
"""The state directory that it belongs to, by a token that is kept there: engines are shared, and so are paths."""
OWNER = "boathook.io/owner"
"""The process that it lives and dies with, PID-START-BOOT. Nobody's where it stays."""
INSTANCE = "boathook.io/instance"
"""The opened runtime of that process."""
SPEC = "boathook.io/spec"
SANDBOX = "boathook.io/sandbox"
"""On a sandbox: its specification."""
DIRECTORY = "boathook.io/directory"
"""The name of the sandbox's directory on its owner's machine, and of what else is its own."""
USER = "boathook.io/user"
MESSAGE = "boathook.io/termination-message"
"""The file in the sandbox's directory that holds the termination message."""

_OURS = (PLACE, OWNER, INSTANCE, SPEC, SANDBOX, DIRECTORY, USER, MESSAGE)


@dataclass(frozen=True, slots=True)
class Ownership:
    """The labels of everything that one opened runtime makes."""

    place: str
    owner: ProcessId | None
    instance: str

    def labels(self) -> dict[str, str]:
        labels = {PLACE: self.place, INSTANCE: self.instance}
        return labels | ({OWNER: owner_text(self.owner)} if self.owner else {})


def place_token(home: Home) -> str:
    """Made once for each state directory."""
    path = home.path / "place"
    if not path.exists():
        fresh = path.with_name(f"place.{secrets.token_hex(6)}")
        fresh.write_text(secrets.token_hex(8), encoding="ascii")
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass  # Another process was quicker.
        finally:
            fresh.unlink()
    return path.read_text(encoding="ascii")


def owner_text(owner: ProcessId) -> str:
    return f"{owner.pid}-{owner.start}-{owner.boot}"


def owner_of(labels: Mapping[str, str]) -> ProcessId | None:
    """None where it belongs to no process."""
    pid, _, rest = labels.get(OWNER, "").partition("-")
    start, _, boot = rest.partition("-")
    if not (pid.isdigit() and start.isdigit()):
        return None
    return ProcessId(pid=int(pid), start=int(start), boot=boot)


def is_orphan(labels: Mapping[str, str]) -> bool:
    owner = owner_of(labels)
    return owner is not None and not owner.alive


def written(value: ContainerSpec | SandboxSpec) -> str:
    return json.dumps(to_json(value), separators=(",", ":"))


def container_spec(labels: Mapping[str, str]) -> ContainerSpec | None:
    return _read(ContainerSpec, labels.get(SPEC))


def sandbox_spec(labels: Mapping[str, str]) -> SandboxSpec | None:
    return _read(SandboxSpec, labels.get(SANDBOX))


def theirs(labels: Mapping[str, str]) -> dict[str, str]:
    """Without those that stand for Boathook's own bookkeeping."""
    return {name: value for name, value in labels.items() if name not in _OURS}


def filters(wanted: Mapping[str, str], *names: str) -> dict[str, Any]:
    """For the engine's lists: what has all these labels with these values, and those names with any."""
    return {"filters": {"label": [*(f"{name}={value}" for name, value in wanted.items()), *names]}}


def _read(kind: type[T], text: str | None) -> T | None:
    """None for what another version wrote."""
    if text is None:
        return None
    try:
        return from_json(kind, json.loads(text))
    except (ValueError, CodecError):
        return None
