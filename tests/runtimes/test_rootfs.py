"""Paths inside an image, and roots that are copied where overlays cannot be had."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boathook.errors import CouldNotStart
from boathook.runtimes.rootfs import copy_layer, resolve
from boathook.runtimes.trees import delete_tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    (path / "usr/lib").mkdir(parents=True)
    (path / "run").mkdir()
    (path / "lib").symlink_to("usr/lib")
    (path / "var").mkdir()
    (path / "var/run").symlink_to("/run")
    (path / "up").symlink_to("../../..")
    (path / "loop").symlink_to("loop")
    return path


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/data", "/data"),
        ("data/", "/data"),
        ("/lib/x", "/usr/lib/x"),
        ("/var/run/secrets/x", "/run/secrets/x"),
        ("/up/etc", "/etc"),
        ("/../../etc", "/etc"),
    ],
)
def test_links_of_the_image_are_followed_inside_it(root: Path, path: str, inside: str) -> None:
    assert resolve((root,), path) == inside


def test_a_circle_of_links_is_refused(root: Path) -> None:
    with pytest.raises(CouldNotStart, match="too many levels of symbolic links"):
        resolve((root,), "/loop/x")


def test_what_an_upper_root_has_hides_a_link_below(root: Path, tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    (upper / "lib").mkdir(parents=True)

    assert resolve((root, upper), "/lib/x") == "/lib/x"


def test_layers_are_copied_over_each_other(tmp_path: Path) -> None:
    lower, upper, target = tmp_path / "lower", tmp_path / "upper", tmp_path / "target"
    for path in (lower / "a", lower / "gone", upper / "a", target):
        path.mkdir(parents=True)
    (lower / "a/file").write_text("below")
    (upper / "a/file").write_text("above")
    (lower / "a/program").write_text("x")
    (lower / "a/program").chmod(0o4755)
    (upper / "link").symlink_to("/nowhere")
    (upper / "a").chmod(0o1777)
    if os.geteuid() == 0:
        os.mknod(upper / "gone", 0o020000, os.makedev(0, 0))

    copy_layer(lower, target)
    copy_layer(upper, target)

    assert (target / "a/file").read_text() == "above"
    assert (target / "a/program").stat().st_mode & 0o7777 == 0o4755
    assert (target / "a").stat().st_mode & 0o7777 == 0o1777
    assert os.readlink(target / "link") == "/nowhere"
    if os.geteuid() == 0:
        assert not (target / "gone").exists()


def test_directories_without_permissions_are_deleted_and_links_are_not_followed(tmp_path: Path) -> None:
    kept, doomed = tmp_path / "kept", tmp_path / "doomed"
    (kept / "inside").mkdir(parents=True)
    (doomed / "work/work").mkdir(parents=True)
    (doomed / "link").symlink_to(kept)
    (doomed / "work/work").chmod(0o000)

    delete_tree(doomed)
    delete_tree(doomed)

    assert not doomed.exists()
    assert (kept / "inside").exists()
