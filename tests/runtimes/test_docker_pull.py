"""Images that an engine pulls from a real registry."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from boathook.errors import ImageUnavailable
from boathook.home import Home
from boathook.runtimes.base import Image, PullPolicy
from boathook.runtimes.docker.runtime import DockerRuntime
from tests.images.registries import PROGRAM, RunningRegistry, running_registry
from tests.peers.docker import IMAGE, TestEngine

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

HTPASSWD = "me:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
AUTHORIZATION = "bWU6c2VjcmV0"
"""Of the user ``me`` with the password ``secret``."""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    if PROGRAM is None:
        pytest.skip("docker-registry is not installed: scripts/setup dev does that")
    with running_registry(tmp_path / "registry") as running:
        yield running


def pushed(engine: TestEngine, registry: RunningRegistry) -> str:
    """The name of an image that the registry has, and the engine does not."""
    name = f"{registry.name}/tests/busybox:1"
    engine.docker("tag", IMAGE, name)
    engine.docker("push", "--quiet", name)
    engine.docker("rmi", name)
    return name


async def resolved(home: Home, name: str, policy: PullPolicy, told: list[str] | None = None) -> Image:
    def tell(reference: str, said: Mapping[str, Any]) -> None:
        if told is not None:
            told.append(f"{reference} {said.get('status')}")

    async with DockerRuntime(home, progress=tell) as runtime:
        return await runtime.resolve_image(name, policy)


async def test_an_image_is_pulled_once_and_its_progress_told(
    home: Home, docker_engine: TestEngine, registry: RunningRegistry
) -> None:
    name = pushed(docker_engine, registry)
    told: list[str] = []

    first = await resolved(home, name, PullPolicy.IF_NOT_PRESENT, told)
    second = await resolved(home, name, PullPolicy.IF_NOT_PRESENT)

    assert (first.origin, second.origin) == ("pulled", "engine")
    assert any(line.startswith(f"{name} Status: ") for line in told)
    docker_engine.docker("rmi", name)


async def test_always_asks_the_registry_and_fails_where_that_does_not_answer(
    home: Home, docker_engine: TestEngine, tmp_path: Path
) -> None:
    if PROGRAM is None:
        pytest.skip("docker-registry is not installed: scripts/setup dev does that")
    with running_registry(tmp_path / "registry") as registry:
        name = pushed(docker_engine, registry)
        assert (await resolved(home, name, PullPolicy.ALWAYS)).origin == "pulled"

    with pytest.raises(ImageUnavailable, match="could not be pulled"):
        await resolved(home, name, PullPolicy.ALWAYS)
    docker_engine.docker("rmi", name)


async def test_an_image_that_was_imported_is_used_where_no_registry_gives_another(
    home: Home, docker_engine: TestEngine
) -> None:
    docker_engine.docker("tag", IMAGE, "127.0.0.1:9/own:1")

    image = await resolved(home, "127.0.0.1:9/own:1", PullPolicy.ALWAYS)

    assert image.origin == "engine"
    assert "127.0.0.1:9" in image.note
    docker_engine.docker("rmi", "127.0.0.1:9/own:1")


async def test_what_a_registry_does_not_have_is_told(
    home: Home, docker_engine: TestEngine, registry: RunningRegistry
) -> None:
    with pytest.raises(ImageUnavailable) as caught:
        await resolved(home, f"{registry.name}/tests/none:1", PullPolicy.IF_NOT_PRESENT)

    assert caught.value.reason == "ErrImagePull"
    assert "none" in str(caught.value)


async def test_a_registry_that_asks_for_a_password_is_given_that_of_the_docker_cli(
    home: Home, docker_engine: TestEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if PROGRAM is None:
        pytest.skip("docker-registry is not installed: scripts/setup dev does that")
    configuration = tmp_path / "docker"
    configuration.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(configuration))
    guarded = running_registry(tmp_path / "registry", htpasswd=HTPASSWD, authorization=f"Basic {AUTHORIZATION}")
    with guarded as registry:
        known = {"auths": {registry.name: {"auth": AUTHORIZATION}}}
        (configuration / "config.json").write_text(json.dumps(known))
        name = pushed(docker_engine, registry)

        assert (await resolved(home, name, PullPolicy.IF_NOT_PRESENT)).origin == "pulled"

        docker_engine.docker("rmi", name)
        (configuration / "config.json").write_text("{}")
        with pytest.raises(ImageUnavailable, match=r"no basic auth credentials|unauthorized"):
            await resolved(home, name, PullPolicy.IF_NOT_PRESENT)
