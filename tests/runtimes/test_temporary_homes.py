"""State directories that are only for a while leave nothing, also where their process was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from boathook.home import Home
from boathook.runtimes.sweep import sweep
from boathook.runtimes.temporary_homes import fresh_directory, temporary_home

KILLED = """
import os, sys
from pathlib import Path
from boathook.home import Home
from boathook.runtimes.temporary_homes import temporary_home
with temporary_home(Home(Path(sys.argv[1]))) as home:
    (home.path / "containers").mkdir()
    os.kill(os.getpid(), 9)
"""


def places(home: Home) -> list[Path]:
    return list(home.path.glob("place-*"))


def killed(home: Home) -> None:
    subprocess.run([sys.executable, "-c", KILLED, home.path], check=False, timeout=60)
    assert len(places(home)) == 1


def test_a_place_is_gone_with_its_block_and_has_its_owners_images(home: Home) -> None:
    with temporary_home(home) as place:
        assert place.images.resolve() == home.images.resolve()
        assert places(home) == [place.path]
    assert places(home) == []


def test_what_a_killed_process_left_is_removed_by_the_next_one(home: Home) -> None:
    killed(home)
    with temporary_home(home) as place:
        assert places(home) == [place.path]


def test_what_a_killed_process_left_is_swept(home: Home) -> None:
    killed(home)
    (sentence,) = sweep(home)

    assert sentence.startswith("removed a temporary state directory, which process ")
    assert (places(home), home.images.is_dir()) == ([], True)


def test_a_directory_that_somebody_else_has_called_so_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "boathook-cases-mine").mkdir()
    with fresh_directory(tmp_path, "boathook-cases-"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["boathook-cases-mine"]
