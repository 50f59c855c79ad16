"""What an engine says of a container, as it is taken."""

from __future__ import annotations

from typing import Any

from boathook.images.model import Image, ImageConfig
from boathook.runtimes.base import ContainerSpec, SandboxId
from boathook.runtimes.docker.state import container_as_seen

SPEC = ContainerSpec(
    name="app",
    labels={},
    sandbox=SandboxId("s"),
    image=Image(
        reference="busybox", origin="engine", stand_in=False, layers=(), host_system=False, config=ImageConfig()
    ),
    command=("true",),
    environment=(),
    working_dir="/",
    user="",
)


def test_a_container_that_ended_at_once_did_not_end_before_it_was_started() -> None:
    """The engine notes the start only when the process runs already."""
    state = {
        "Status": "exited",
        "ExitCode": 3,
        "StartedAt": "2026-11-27T19:47:05.568591Z",
        "FinishedAt": "2026-11-27T19:47:05.567776Z",
    }
    found: dict[str, Any] = {"Id": "c", "Created": "2026-11-27T19:47:05Z", "State": state, "Config": {"Labels": {}}}

    seen = container_as_seen(found, SPEC, "")

    assert seen.started is not None
    assert seen.finished == seen.started
