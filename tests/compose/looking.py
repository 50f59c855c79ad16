"""Containers of a project as values, for tests of what only looks at them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from boathook.clock import VIRTUAL_EPOCH
from boathook.compose.model import HASH_LABEL, PROJECT_LABEL, SERVICE_LABEL
from boathook.compose.place import Member, Status
from boathook.runtimes.base import ContainerId, Exit

NOW = VIRTUAL_EPOCH + timedelta(minutes=10)


def a_member(of: str = "shop-app-1", **changes: Any) -> Member:
    """A container that was made two minutes ago and runs since one."""
    service = of.split("-")[1] if of.count("-") == 2 else of
    labels = {PROJECT_LABEL: "shop", SERVICE_LABEL: service, HASH_LABEL: "x"}
    given: dict[str, Any] = {
        "id": ContainerId(f"{of}{'0' * 64}"[:64]),
        "name": of,
        "service": service,
        "number": 1,
        "oneoff": False,
        "labels": labels,
        "status": Status.RUNNING,
        "health": None,
        "exit": None,
        "image": "busybox:1",
        "image_id": "sha256:abc",
        "command": ("sleep", "1000"),
        "stop_signal": "SIGTERM",
        "user": "",
        "created": NOW - timedelta(minutes=2),
        "started": NOW - timedelta(minutes=1),
        "finished": None,
        "ports": (),
        "networks": ("shop_default",),
        "mounts": (),
        "owner_alive": True,
    }
    return Member(**(given | changes))


def an_ended_member(of: str = "shop-app-1", code: int = 0, **changes: Any) -> Member:
    return a_member(
        of,
        **(
            {
                "status": Status.EXITED,
                "exit": Exit(code=code, signal=None),
                "finished": NOW - timedelta(seconds=30),
            }
            | changes
        ),
    )
