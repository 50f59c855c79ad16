"""Fixtures that every test may use: the asyncio backend, and a state directory of its own for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boathook.home import Home


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A fresh $BOATHOOK_HOME, also for child processes."""
    path = tmp_path / "home"
    monkeypatch.setenv("BOATHOOK_HOME", str(path))
    return Home(path).ensure()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs to be root")
