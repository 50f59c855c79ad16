"""All tests of the embedded runtime once more, as an ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY_SPECIAL = 1000

pytestmark = [pytest.mark.runtime, pytest.mark.root, pytest.mark.slow]


def as_ordinary_user(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["setpriv", f"--reuid={NOBODY_SPECIAL}", f"--regid={NOBODY_SPECIAL}", "--clear-groups", *command],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def interpreter() -> str:
    """A Python that an ordinary user may run; ours may lie in a home directory that nobody else may enter."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        again = "[sys.executable, '-c', 'import sys; sys.exit(sys.version_info < (3, 11))']"
        script = f"import os, sys; os.execv(sys.executable, {again})"
        if shutil.which(candidate) and as_ordinary_user(candidate, "-c", script).returncode == 0:
            return candidate
    pytest.skip("no Python 3.11 or newer that an ordinary user may run")


@pytest.fixture
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp())
    os.chown(path, NOBODY_SPECIAL, NOBODY_SPECIAL)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.mark.timeout(300)
def test_an_ordinary_user_s_containers_behave_alike(interpreter: str, directory: Path) -> None:
    shown = Path(__file__).parent.parent.parent
    libraries = Path(pytest.__file__).parent.parent
    names = (
        "runtimes/test_bubblewrap",
        "runtimes/test_owners",
        "runtimes/test_contract",
        "runtimes/test_network",
        "images/test_containers",
    )
    files = [str(shown / "tests" / f"{name}.py") for name in names]
    if as_ordinary_user("test", "-r", files[0], "-a", "-r", str(libraries / "pytest")).returncode != 0:
        pytest.skip("an ordinary user may not read the project or its libraries")

    done = as_ordinary_user(
        *(interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(shown / "pyproject.toml")),
        *("--rootdir", str(shown), f"--basetemp={directory}/tests", *files),
        PYTHONPATH=os.pathsep.join([str(shown / "src"), str(shown), str(libraries)]),
        HOME=str(directory),
    )

    assert done.returncode == 0, done.stdout + done.stderr
