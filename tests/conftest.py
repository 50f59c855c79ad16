"""Fixtures that every test may use: the asyncio backend, and a state directory of its own for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from boathook.home import Home
from tests.peers.docker import TestEngine, a_docker_engine
from tests.peers.podman import a_podman_engine


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A fresh $BOATHOOK_HOME, also for child processes."""
    path = tmp_path / "home"
    monkeypatch.setenv("BOATHOOK_HOME", str(path))
    return Home(path).ensure()


@pytest.fixture(scope="session")
def started_engine() -> Iterator[TestEngine]:
    """One Docker Engine for all tests of a session; it is started when the first asks for it."""
    with a_docker_engine() as engine:
        yield engine


@pytest.fixture
def docker_engine(started_engine: TestEngine, monkeypatch: pytest.MonkeyPatch) -> TestEngine:
    """The engine that DOCKER_HOST names, also for child processes."""
    monkeypatch.setenv("DOCKER_HOST", started_engine.address)
    return started_engine


@pytest.fixture(scope="session")
def started_podman() -> Iterator[TestEngine]:
    """One service of Podman's for all tests of a session."""
    with a_podman_engine() as engine:
        yield engine


@pytest.fixture
def podman_engine(started_podman: TestEngine, monkeypatch: pytest.MonkeyPatch) -> TestEngine:
    """Podman as the engine that DOCKER_HOST names."""
    monkeypatch.setenv("DOCKER_HOST", started_podman.address)
    return started_podman


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs to be root")
