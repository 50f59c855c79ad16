"""Registries for the tests of this package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.registries import PROGRAM, OwnRegistry, RunningRegistry, running_registry


@pytest.fixture(autouse=True)
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Not those of whoever runs the tests: a directory of the test's own, empty."""
    directory = tmp_path / "docker-config"
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    return directory


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """The distribution's own registry, for all tests of a process; each uses repositories of its own."""
    if PROGRAM is None:
        pytest.skip("docker-registry is not installed: scripts/setup dev does that")
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def own_registry() -> Iterator[OwnRegistry]:
    with OwnRegistry().serving() as serving:
        yield serving
