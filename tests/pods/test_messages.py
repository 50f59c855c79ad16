"""The exact sentences about hooks and restarts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from boathook.clock import VIRTUAL_EPOCH
from boathook.model import Handler, HookResult, HttpGet, Outcome, SeenBy, Target, TcpSocket
from boathook.pods.messages import field_path, go_duration, post_start_error
from boathook.report.words import go_quoted
from tests.pods.build import a_pod, one, plain, sidecar


@pytest.mark.behaviour("pods:26")
@pytest.mark.parametrize(
    ("text", "expected"),
    [("out\n", '"out\\n"'), ('say "hi"', '"say \\"hi\\""'), ("é\x00\x1b", '"é\\x00\\x1b"'), ("\u2028", '"\\u2028"')],
)
def test_output_is_quoted_as_go_does(text: str, expected: str) -> None:
    assert go_quoted(text) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(10, "10s"), (80, "1m20s"), (300, "5m0s"), (3600, "1h0m0s")])
def test_a_back_off_is_written_as_go_writes_a_duration(seconds: int, expected: str) -> None:
    assert go_duration(timedelta(seconds=seconds)) == expected


@pytest.mark.behaviour("pods:5", "pods:22", "pods:24")
@pytest.mark.parametrize(
    ("handler", "reason", "expected"),
    [
        (
            HttpGet(scheme="HTTP", host="", port=1, path="/up?a=b", headers=()),
            "dial tcp 127.0.0.1:1: connect: connection refused",
            'HTTP lifecycle hook (/up?a=b) for Container "app" in Pod "pod_default(uid-1)" failed - '
            "error: dial tcp 127.0.0.1:1: connect: connection refused",
        ),
        (TcpSocket(host="", port=80), "Cannot run handler: invalid handler", "Cannot run handler: invalid handler"),
    ],
)
def test_a_failed_post_start_hook_is_told_by_its_kind(handler: Handler, reason: str, expected: str) -> None:
    hook = one(post_start="up").post_start
    assert hook is not None
    result = HookResult(
        hook=replace(hook, handler=handler),
        target=Target(kind="container", scope="default/pod", name="app", instance="1"),
        outcome=Outcome.FAILED,
        exit_code=None,
        signal=None,
        stdout=None,
        stderr=None,
        started=VIRTUAL_EPOCH,
        duration=timedelta(0),
        budget_left=None,
        reason=reason,
        seen_by=SeenBy.RUN,
    )

    assert post_start_error(result, "app", a_pod(), "uid-1") == expected


def test_events_point_at_the_container_in_its_part_of_the_specification() -> None:
    assert field_path(one("app")) == "spec.containers{app}"
    assert field_path(plain("init")) == "spec.initContainers{init}"
    assert field_path(sidecar("side")) == "spec.initContainers{side}"
