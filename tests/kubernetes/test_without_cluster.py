"""The adapter against servers that are older, broken or not there at all."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from boathook.cluster.base import ObjectKey
from boathook.cluster.kubernetes import KubernetesCluster, open_cluster
from boathook.errors import (
    BoathookError,
    Conflict,
    CouldNotStart,
    MissingExtra,
    NotRunning,
    PlaceError,
    UnsupportedHere,
)
from boathook.model import JsonObject, Stream
from boathook.objects import text
from boathook.runtimes.base import ExecSpec, Exit
from tests.kubernetes.fake_api import PODS, Answer, FakeApi, fake_api

pytestmark = pytest.mark.anyio

POD = ObjectKey(kind="Pod", namespace="default", name="boat")
EXEC = f"{PODS}/boat/exec"
SUCCESS = b'{"metadata":{},"status":"Success"}'


@pytest.fixture
async def fake() -> AsyncIterator[FakeApi]:
    async with fake_api() as server:
        yield server


@pytest.fixture
async def cluster(fake: FakeApi, tmp_path: Path) -> AsyncIterator[KubernetesCluster]:
    async with open_cluster(fake.kubeconfig(tmp_path)) as opened:
        yield opened


def failed_with(code: int) -> bytes:
    cause = {"reason": "ExitCode", "message": str(code)}
    return json.dumps({"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}).encode()


def broken(message: str, code: int = 500) -> bytes:
    return json.dumps({"status": "Failure", "reason": "InternalError", "message": message, "code": code}).encode()


async def run(cluster: KubernetesCluster, *command: str) -> tuple[Exit, bytes]:
    written = b""

    def hear(_stream: Stream, data: bytes) -> None:
        nonlocal written
        written += data

    with anyio.fail_after(10):
        execution = await cluster.exec(POD, "app", ExecSpec(command=command), hear)
        return await execution.wait(), written


@pytest.mark.behaviour("deps:13")
async def test_a_command_is_asked_for_without_input_over_the_newest_protocol_that_both_know(
    cluster: KubernetesCluster, fake: FakeApi
) -> None:
    fake.frames = [(1, b""), (1, b"out"), (3, SUCCESS)]

    assert await run(cluster, "cat", "a b") == (Exit(code=0, signal=None), b"out")

    asked = fake.asked[-1]
    assert asked.query == (
        ("container", "app"),
        ("stdout", "true"),
        ("stderr", "true"),
        ("command", "cat"),
        ("command", "a b"),
    )
    assert asked.headers["sec-websocket-protocol"] == "v5.channel.k8s.io, v4.channel.k8s.io"
    assert asked.headers["authorization"] == "Bearer secret"


@pytest.mark.behaviour("deps:13")
async def test_a_server_that_knows_only_the_fourth_protocol_runs_commands_too(
    cluster: KubernetesCluster, fake: FakeApi
) -> None:
    fake.protocol = "v4.channel.k8s.io"
    fake.frames = [(1, b"out"), (2, b"err"), (3, failed_with(7))]

    assert await run(cluster, "false") == (Exit(code=7, signal=None), b"outerr")


@pytest.mark.behaviour("deps:12")
async def test_a_connection_that_ends_without_a_status_leaves_the_end_unknown(
    cluster: KubernetesCluster, fake: FakeApi
) -> None:
    fake.frames = [(1, b"half")]

    assert await run(cluster, "true") == (Exit(code=None, signal=None), b"half")


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        ([(1, b"OCI runtime exec failed: exec: not found"), (3, failed_with(126))], CouldNotStart),
        ([(3, broken('failed to exec in container: OCI runtime exec failed: exec: "x"'))], CouldNotStart),
        ([(3, broken('container not found ("app")'))], NotRunning),
        ([(3, broken("dial tcp: connection refused"))], PlaceError),
    ],
)
async def test_what_kept_a_command_from_starting_is_told_apart(
    cluster: KubernetesCluster, fake: FakeApi, frames: list[tuple[int, bytes]], error: type[BoathookError]
) -> None:
    fake.frames = frames

    with pytest.raises(error):
        await run(cluster, "true")


async def test_a_program_that_ends_with_126_by_itself_has_failed(cluster: KubernetesCluster, fake: FakeApi) -> None:
    fake.frames = [(1, b"no OCI runtime exec failed"), (3, failed_with(126))]

    assert (await run(cluster, "true"))[0] == Exit(code=126, signal=None)


async def test_a_running_command_cannot_be_ended_from_outside(cluster: KubernetesCluster, fake: FakeApi) -> None:
    fake.frames = [(3, SUCCESS)]
    execution = await cluster.exec(POD, "app", ExecSpec(command=("true",)), lambda _stream, _data: None)

    with pytest.raises(UnsupportedHere, match="cannot be ended from outside"):
        await execution.kill()


def listed(version: str, *phases: str) -> Answer:
    items: list[JsonObject] = [{"metadata": {"name": "boat"}, "status": {"phase": phase}} for phase in phases]
    return Answer(body={"metadata": {"resourceVersion": version}, "items": list(items)})


def changes(*events: tuple[str, JsonObject]) -> Answer:
    return Answer(lines=tuple(json.dumps({"type": kind, "object": obj}).encode() + b"\n" for kind, obj in events))


async def test_a_wait_lists_again_when_its_watch_ends_or_has_expired(cluster: KubernetesCluster, fake: FakeApi) -> None:
    expired: JsonObject = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
    fake.answers[PODS] = [
        listed("1", "Pending"),
        changes(("MODIFIED", {"status": {"phase": "Waiting"}})),
        listed("5"),
        changes(("ERROR", expired)),
        listed("9", "Running"),
        changes(("DELETED", {"status": {"phase": "Running"}})),
    ]
    seen: list[str] = []

    def gone_after_running(pod: JsonObject | None) -> bool | None:
        seen.append("gone" if pod is None else text(pod, "status", "phase"))
        return True if seen[-2:] == ["Running", "gone"] else None

    with anyio.fail_after(10):
        assert await cluster.wait_until(POD, gone_after_running)

    assert seen == ["Pending", "Waiting", "gone", "Running", "gone"]
    assert [query.get("resourceVersion") for query in fake.queries(PODS)] == [None, "1", None, "5", None, "9"]


async def test_a_line_of_a_log_ends_only_at_a_line_feed(cluster: KubernetesCluster, fake: FakeApi) -> None:
    stamp = b"2026-01-02T03:04:05.123456789Z "
    fake.answers[f"{PODS}/boat/log"] = [Answer(lines=(stamp + b"a\x0cb\r\xc2\x85c\n", stamp + b"last"))]

    assert [line.text async for line in cluster.logs(POD, "app")] == ["a\x0cb\r\x85c", "last"]


@pytest.mark.parametrize(
    ("status", "reason", "error", "words"),
    [
        (401, "Unauthorized", PlaceError, "does not let us in"),
        (403, "Forbidden", PlaceError, "no"),
        (429, "TooManyRequests", Conflict, "no"),
        (503, "ServiceUnavailable", PlaceError, "the API server failed: no"),
    ],
)
async def test_what_the_server_refuses_is_one_of_our_errors(
    cluster: KubernetesCluster, fake: FakeApi, status: int, reason: str, error: type[BoathookError], words: str
) -> None:
    fake.answers[f"{PODS}/boat"] = [Answer(status=status, body={"kind": "Status", "reason": reason, "message": "no"})]

    with pytest.raises(error, match=words):
        await cluster.get(POD)


async def test_a_server_that_is_not_there_is_said_with_a_remedy(fake: FakeApi, tmp_path: Path) -> None:
    fake.url = "http://127.0.0.1:9"

    with pytest.raises(PlaceError, match=r'the API server "http://127\.0\.0\.1:9" cannot be reached') as refused:
        async with open_cluster(fake.kubeconfig(tmp_path)):
            pass
    assert refused.value.hint is not None
    assert "kubectl cluster-info" in refused.value.hint


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there is no such file"),
        ("clusters: []\ncontexts: []\n", "No current context"),
        ("contexts: []\n", "it has no 'clusters'"),
        ("clusters: [\n", "while parsing"),
        ("[]", "list"),
        (
            "clusters: []\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: gone}}]\n",
            "it has no 'gone'",
        ),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, content: str | None, why: str
) -> None:
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)

    with pytest.raises(PlaceError, match="cannot be used") as refused:
        async with open_cluster(file):
            pass
    assert why in str(refused.value)
    assert str(file) in str(refused.value)


async def test_the_kubeconfig_is_the_environments_where_none_is_given(
    fake: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(fake.kubeconfig(tmp_path)))
    async with open_cluster() as cluster:
        assert cluster.name == "kubernetes v1.20.2"

    monkeypatch.setenv("KUBECONFIG", "one:two")
    with pytest.raises(PlaceError, match="they are not merged here"):
        async with open_cluster():
            pass


async def test_without_its_library_the_extra_is_named(
    fake: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lightkube", None)
    monkeypatch.setitem(sys.modules, "lightkube.config.client_adapter", None)

    with pytest.raises(MissingExtra) as refused:
        async with open_cluster(fake.kubeconfig(tmp_path)):
            pass
    assert refused.value.hint == "install it: pip install 'boathook[kubernetes]'"


async def test_what_the_caller_raises_comes_out_as_it_is(fake: FakeApi, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with open_cluster(fake.kubeconfig(tmp_path)):
            raise KeyError("mine")
