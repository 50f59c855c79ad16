"""A place on one of the tests' own engines, and a project's directory for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from boathook.compose.engine import EnginePlace
from boathook.home import Home
from tests.compose.engine.build import OnEngine, a_place, on_engine


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OnEngine]:
    """On Docker, where a test is not marked with ``build.EVERY_ENGINE``."""
    engine = request.getfixturevalue(getattr(request, "param", "docker_engine"))
    directory = tmp_path / "project"
    directory.mkdir()
    with on_engine(directory, engine) as site:
        yield site


@pytest.fixture
async def place(home: Home, site: OnEngine) -> AsyncIterator[EnginePlace]:
    async with a_place(home) as place:
        yield place
