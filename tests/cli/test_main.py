"""``boathook --help`` imports next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("yaml", "sqlite3", "anyio", "asyncio", "httpx2", "helm_python", "dotenv", "durationpy")


@pytest.mark.behaviour("deps:1")
def test_help_imports_no_heavy_library() -> None:
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "boathook", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in shown.stderr.splitlines()}
    assert imported & set(HEAVY) == set()
    assert "compose" in shown.stdout
