"""The README's commands work as they are written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from boathook.home import Home
from tests.supervisor.build import end

ROOT = Path(__file__).parents[1]
SECONDS = 90


def commands(section: str) -> list[str]:
    """Those of a section's first console, without what is said beside them."""
    text = (ROOT / "README.md").read_text()
    console = text[text.index(f"## {section}\n") :].partition("```console\n")[2].partition("```")[0]
    return [line[2:].partition(" # ")[0].strip() for line in console.splitlines() if line.startswith("$ ")]


@pytest.mark.runtime
@pytest.mark.slow
def test_the_commands_of_the_compose_section_bring_its_example_up_and_down(home: Home, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    example = re.search(r"`(examples/compose/[a-z-]+)` after its `(\./set-up)`", (ROOT / "README.md").read_text())
    assert example is not None
    written = [example[2], *commands("Compose")]
    assert len(written) > 5
    program = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": f"{program}:{os.environ['PATH']}", "BOATHOOK_OFFLINE": "1"}

    try:
        for command in written:
            ended = subprocess.run(
                command,
                shell=True,
                cwd=tmp_path / example[1],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=SECONDS,
            )
            assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
    finally:
        end(home)

    assert list(home.containers.iterdir()) == []
