"""The example of the PreStop reference page in the embedded runtime with the image that the cluster runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from boathook.home import Home
from tests.kubernetes.testbed import LONGEST_SECONDS, Testbed

pytestmark = [pytest.mark.kubernetes, pytest.mark.runtime, pytest.mark.timeout(LONGEST_SECONDS)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "pods" / "prestop" / "pod.yaml"


def boathook(*words: str) -> str:
    command = [sys.executable, "-m", "boathook", *words]
    environment = {**os.environ, "BOATHOOK_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_runs_the_same_with_the_clusters_own_agnhost(home: Home, testbed: Testbed, tmp_path: Path) -> None:
    assert home.path.is_dir()
    archive = testbed.archive("agnhost", tmp_path / "agnhost.tar")
    boathook("image", "import", str(archive))

    shown = boathook("pod", "run", str(EXAMPLE), "--for", "1s")

    assert "stand-in" not in shown
    assert "preStop             exit 0 after 10." in shown
    assert "exited 2 (pause answers SIGTERM with 2)" in shown
    assert "PreStop hook executed successfully" in shown
