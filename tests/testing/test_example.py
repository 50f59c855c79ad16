"""The project that users copy passes where it is put."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from boathook.home import Home

EXAMPLE = Path(__file__).parents[2] / "examples" / "testing"


@pytest.mark.runtime
def test_the_example_project_passes_in_a_place_of_its_own(tmp_path: Path, home: Home) -> None:
    project = Path(shutil.copytree(EXAMPLE, tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__")))

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.returncode == 0, done.stdout
    assert "21 passed" in done.stdout
    assert not home.containers.exists()
