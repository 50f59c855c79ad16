"""What tests of projects share: places in which they really live."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from boathook.home import Home
from tests.compose.places import Begin, Real, embedded, in_engine, set_up


@pytest.fixture(params=["local", "docker"])
def real(request: pytest.FixtureRequest, home: Home, tmp_path: Path) -> Begin:
    """Gives a place to the project that a text describes; its directory is the test's own."""
    if request.param == "docker":
        set_up(request.getfixturevalue("docker_engine"))

    def begin(text: str) -> AbstractAsyncContextManager[Real]:
        return (in_engine if request.param == "docker" else embedded)(home, text, tmp_path)

    return begin
