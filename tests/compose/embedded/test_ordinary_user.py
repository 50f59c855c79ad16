"""The tests of this place once more, as an ordinary user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.runtimes import test_ordinary_user as ordinary
from tests.runtimes.test_ordinary_user import as_ordinary_user

directory, interpreter = ordinary.directory, ordinary.interpreter

pytestmark = [pytest.mark.runtime, pytest.mark.root, pytest.mark.slow]

MODULES = ("test_place", "test_hook_container", "test_mounts", "test_inside")


@pytest.mark.timeout(300)
def test_an_ordinary_user_s_projects_behave_alike(interpreter: str, directory: Path) -> None:
    shown = Path(__file__).parents[3]
    libraries = Path(pytest.__file__).parent.parent
    files = [str(Path(__file__).with_name(f"{name}.py")) for name in MODULES]
    if as_ordinary_user("test", "-r", files[0], "-a", "-r", str(libraries / "pytest")).returncode != 0:
        pytest.skip("an ordinary user may not read the project or its libraries")

    done = as_ordinary_user(
        *(interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(shown / "pyproject.toml")),
        *("--rootdir", str(shown), f"--basetemp={directory}/tests", *files),
        PYTHONPATH=os.pathsep.join([str(shown / "src"), str(shown), str(libraries)]),
        HOME=str(directory),
    )

    assert done.returncode == 0, done.stdout + done.stderr
