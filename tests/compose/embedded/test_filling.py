"""How a new named volume is filled from an image."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from boathook.compose.embedded.volumes import copy_image_directory
from boathook.runtimes.base import Image, ImageConfig


def an_image(*layers: Path) -> Image:
    return Image(
        reference="backend",
        origin="local store",
        stand_in=False,
        layers=layers,
        host_system=False,
        config=ImageConfig(),
    )


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    data = tmp_path / "layer" / "var" / "data"
    (data / "inner").mkdir(parents=True)
    (data / "app.db").write_text("rows")
    (data / "inner" / "link").symlink_to("../app.db")
    (tmp_path / "layer" / "data").symlink_to("var/data")
    data.chmod(0o750)
    return tmp_path / "layer"


def test_a_new_volume_takes_over_what_the_image_has_there(layer: Path, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()

    copy_image_directory(an_image(layer), "/data", volume)

    assert (volume / "app.db").read_text() == "rows"
    assert os.readlink(volume / "inner" / "link") == "../app.db"
    assert stat.S_IMODE(volume.stat().st_mode) == 0o750


@pytest.mark.root
def test_owners_are_kept(layer: Path, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    for path in (layer / "var/data", layer / "var/data/app.db"):
        os.chown(path, 1001, 1002)

    copy_image_directory(an_image(layer), "/data", volume)

    assert [(one.stat().st_uid, one.stat().st_gid) for one in (volume, volume / "app.db")] == [(1001, 1002)] * 2


def test_upper_layers_win(layer: Path, tmp_path: Path) -> None:
    upper = tmp_path / "upper" / "var" / "data"
    upper.mkdir(parents=True)
    (upper / "app.db").write_text("newer")
    volume = tmp_path / "volume"
    volume.mkdir()

    copy_image_directory(an_image(layer, tmp_path / "upper"), "/data", volume)

    assert (volume / "app.db").read_text() == "newer"
    assert (volume / "inner").is_dir()


def test_a_volume_stays_empty_where_the_image_has_nothing(layer: Path, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()

    copy_image_directory(an_image(layer), "/nothing", volume)

    assert list(volume.iterdir()) == []
