"""Every test here has a supervisor of its own, if any, which is ended afterwards and must have had nothing to say."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from boathook.home import Home
from boathook.supervisor.client import SOCKET
from tests.supervisor.build import boathook, end, log_of


@pytest.fixture
def supervised(home: Home) -> Iterator[Home]:
    yield home
    end(home)
    if home.socket(SOCKET).parent.exists():
        end(home, number=signal.SIGKILL)
        boathook("recover")
    assert log_of(home) == ""
    assert not home.socket(SOCKET).parent.exists()
