"""A real file system is frozen from inside a privileged container, as a backup hook does it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from boathook.home import Home
from boathook.runtimes.base import ExecSpec, Mount
from tests.runtimes.build import a_place, ignored

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, pytest.mark.root]


@pytest.fixture
def file_system(tmp_path: Path) -> Iterator[Path]:
    """An ext4 mounted from a loop file; thawed before it is unmounted, whatever the test did."""
    image, mounted = tmp_path / "disk.img", tmp_path / "mounted"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    for command in (["mkfs.ext4", "-q", str(image)], ["mount", "-o", "loop", str(image), str(mounted)]):
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=30)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no loop-mounted ext4 here: {error}")
    yield mounted
    subprocess.run(["fsfreeze", "--unfreeze", str(mounted)], check=False, capture_output=True, timeout=30)
    subprocess.run(["umount", str(mounted)], check=True, timeout=30)


async def test_a_privileged_container_freezes_its_volume_and_an_ordinary_one_may_not(
    home: Home, file_system: Path
) -> None:
    mounts = (Mount(source=str(file_system), target="/data"),)
    async with a_place(home) as place:
        ordinary = await place.ready(mounts=mounts)
        privileged = await place.ready(mounts=mounts, privileged=True)

        refused, _, why = await place.run(ordinary, "fsfreeze", "--freeze", "/data")
        frozen, _, _ = await place.run(privileged, "fsfreeze", "--freeze", "/data")
        twice, _, _ = await place.run(privileged, "fsfreeze", "--freeze", "/data")
        thawed, _, _ = await place.run(privileged, "fsfreeze", "--unfreeze", "/data")

        assert not refused.ok
        assert "Operation not permitted" in why
        assert (frozen.ok, twice.ok, thawed.ok) == (True, False, True)
        assert (await place.run(ordinary, "touch", "/data/file"))[0].ok


async def test_nobody_hangs_on_a_killed_exec_that_writes_to_a_frozen_file_system(home: Home, file_system: Path) -> None:
    async with a_place(home) as place:
        container = await place.ready(mounts=(Mount(source=str(file_system), target="/data"),), privileged=True)
        assert (await place.run(container, "fsfreeze", "--freeze", "/data"))[0].ok
        stuck = await place.runtime.exec(container, ExecSpec(command=("touch", "/data/stuck")), ignored)

        await stuck.kill()
        ended = await stuck.wait()

        assert ended.code is None
        assert (await place.run(container, "fsfreeze", "--unfreeze", "/data"))[0].ok


@pytest.mark.skipif("loop-control" not in os.listdir("/dev"), reason="no loop devices here")
async def test_a_privileged_container_sees_the_machine_s_devices(home: Home) -> None:
    async with a_place(home) as place:
        privileged, ordinary = await place.ready(privileged=True), await place.ready()

        devices = [(await place.run(each, "ls", "/dev"))[1].split() for each in (privileged, ordinary)]

        assert "loop-control" in devices[0]
        assert "loop-control" not in devices[1]
