from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from boathook.errors import UsageError
from boathook.images.copying import copy_directory, merge
from boathook.images.unpack import unpack_layer
from tests.images.build import entry, layer, tree


def unpacked(root: Path, *layers: bytes) -> dict[str, str]:
    """Each layer in a directory of its own, and what they are together in ``root``."""
    lowers: list[Path] = []
    hidden: tuple[str, ...] = ()
    for number, content in enumerate(layers):
        top = root.with_name(f"{root.name}-{number}") if number < len(layers) - 1 else root
        top.mkdir(exist_ok=True)
        hidden = unpack_layer(io.BytesIO(content), top, "app:1", tuple(lowers)).hidden
        if number == 0:
            lowers = [top]
            continue
        merged = root.with_name(f"{root.name}-merged-{number}")
        merged.mkdir()
        merge(lowers, hidden, top, merged)
        lowers = [merged]
    return tree(lowers[-1])


def test_layers_lie_over_each_other(tmp_path: Path) -> None:
    lower = layer(entry("./"), entry("./etc/"), entry("./etc/a", "1"), entry("./etc/b", "1"))
    upper = layer(entry("etc/a", "2"), entry("new/deep/c", "3"), entry("l", link="etc/a"), compressed=True)

    assert unpacked(tmp_path / "root", lower, upper) == {
        "etc": "/", "etc/a": "2", "etc/b": "1", "l": "-> etc/a", "new": "/", "new/deep": "/", "new/deep/c": "3",
    }  # fmt: skip


def test_a_whiteout_takes_away_what_lay_below(tmp_path: Path) -> None:
    lower = layer(entry("d"), entry("d/a", "1"), entry("d/b", "1"), entry("e"), entry("e/x", "1"))
    upper = layer(entry("d/.wh.a", ""), entry(".wh.e", ""))

    assert unpacked(tmp_path / "root", lower, upper) == {"d": "/", "d/b": "1"}


def test_an_opaque_directory_keeps_only_what_its_own_layer_brought(tmp_path: Path) -> None:
    lower = layer(entry("d"), entry("d/a", "1"), entry("d/sub"), entry("d/sub/x", "1"))
    upper = layer(entry("d"), entry("d/new", "2"), entry("d/sub/y", "2"), entry("d/.wh..wh..opq", ""))

    assert unpacked(tmp_path / "root", lower, upper) == {"d": "/", "d/new": "2", "d/sub": "/", "d/sub/y": "2"}


def test_a_whiteout_does_not_touch_what_its_own_layer_brought(tmp_path: Path) -> None:
    lower = layer(entry("a", "old"), entry("d"), entry("d/old", "1"))
    upper = layer(entry("a", "new"), entry(".wh.a", ""), entry("d"), entry("d/new", "2"), entry(".wh.d", ""))

    assert unpacked(tmp_path / "root", lower, upper) == {"a": "new", "d": "/", "d/new": "2"}


def test_a_directory_replaces_a_file_and_a_file_a_directory(tmp_path: Path) -> None:
    lower = layer(entry("a", "1"), entry("b"), entry("b/x", "1"))
    upper = layer(entry("a"), entry("a/y", "2"), entry("b", "2"))

    assert unpacked(tmp_path / "root", lower, upper) == {"a": "/", "a/y": "2", "b": "2"}


def test_an_entry_behind_a_link_lands_where_the_link_leads_inside_the_root(tmp_path: Path) -> None:
    lower = layer(entry("usr/bin"), entry("bin", link="/usr/bin"))

    found = unpacked(tmp_path / "root", lower, layer(entry("bin/tool", "x")))

    assert found["usr/bin/tool"] == "x"
    assert found["bin"] == "-> /usr/bin"


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "./../evil"])
def test_an_entry_that_leads_out_of_the_root_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="leads out of the root"):
        unpacked(tmp_path / "root", layer(entry(name, "x")))

    assert os.listdir(tmp_path) == ["root"]


def test_links_cannot_be_used_to_write_outside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    evil = layer(
        entry("up", link=f"../../../../../..{outside}"),
        entry("abs", link=str(outside)),
        entry("up/a", "x"),
        entry("abs/b", "x"),
        entry("/etc/c", "x"),
    )

    found = unpacked(tmp_path / "root", evil)

    assert os.listdir(outside) == []
    assert found["etc/c"] == "x"


def test_a_file_never_replaces_what_a_link_of_the_same_name_leads_to(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("safe")

    found = unpacked(tmp_path / "root", layer(entry("x", link=str(victim)), entry("x", "evil")))

    assert victim.read_text() == "safe"
    assert found == {"x": "evil"}


@pytest.mark.parametrize("target", ["/etc/passwd", "../victim", "missing"])
def test_a_hard_link_to_something_outside_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "victim").write_text("x")

    with pytest.raises(UsageError, match="is refused"):
        unpacked(tmp_path / "root", layer(entry("x", hard=target)))


def test_hard_links_are_one_file(tmp_path: Path) -> None:
    unpacked(tmp_path / "root", layer(entry("d/a", "1"), entry("b", hard="d/a")))

    assert (tmp_path / "root/b").stat().st_ino == (tmp_path / "root/d/a").stat().st_ino


def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too many levels of symbolic links"):
        unpacked(tmp_path / "root", layer(entry("a", link="b"), entry("b", link="a"), entry("a/x", "1")))


def test_permissions_times_and_special_files(tmp_path: Path) -> None:
    unpacked(
        tmp_path / "root",
        layer(
            entry("t", mode=0o1777),
            entry("t/run", "x", mode=0o4755),
            entry("fifo", "", kind=tarfile.FIFOTYPE),
            entry("null", "", kind=tarfile.CHRTYPE),
        ),
    )

    assert (tmp_path / "root/t").stat().st_mode & 0o7777 == 0o1777
    assert (tmp_path / "root/t").stat().st_mtime == 1000
    assert (tmp_path / "root/t/run").stat().st_mode & 0o7777 == 0o4755
    assert (tmp_path / "root/fifo").is_fifo()
    assert not (tmp_path / "root/null").exists()


@pytest.mark.root
def test_root_keeps_the_owners_of_a_layer(tmp_path: Path) -> None:
    unpacked(tmp_path / "root", layer(entry("f", "x", uid=1234)))

    assert (tmp_path / "root/f").stat().st_uid == 1234


@pytest.mark.parametrize("content", [b"no tar at all" * 100, layer(entry("a", "x" * 5000))[:1500]])
def test_a_damaged_layer_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError, match='"app:1" cannot be unpacked'):
        unpacked(tmp_path / "root", content)


def test_a_directory_is_copied_with_its_links_as_links(tmp_path: Path) -> None:
    source, root = tmp_path / "source", tmp_path / "root"
    (source / "d").mkdir(parents=True)
    (source / "d/f").write_text("x")
    (source / "d/f").chmod(0o751)
    (source / "away").symlink_to("/etc")
    root.mkdir()

    copy_directory(source, root)

    assert tree(root) == {"away": "-> /etc", "d": "/", "d/f": "x"}
    assert (root / "d/f").stat().st_mode & 0o777 == 0o751


def test_what_a_layer_hides_is_told_and_its_parents_look_as_below(tmp_path: Path) -> None:
    lower = layer(entry("d", mode=0o711), entry("d/a", "1"), entry("d/b", "1"))
    (tmp_path / "0").mkdir()
    (tmp_path / "1").mkdir()
    unpack_layer(io.BytesIO(lower), tmp_path / "0", "app:1")

    unpacked = unpack_layer(io.BytesIO(layer(entry("d/.wh.a", ""))), tmp_path / "1", "app:1", (tmp_path / "0",))

    assert unpacked.hidden == ("d/a",)
    assert (tmp_path / "1/d").stat().st_mode & 0o777 == 0o711
    assert (tmp_path / "1/d").stat().st_mtime == 1000


def test_a_whiteout_of_nothing_and_notes_of_old_storage_drivers_hide_nothing(tmp_path: Path) -> None:
    lower = layer(entry("a", "1"))
    upper = layer(entry(".wh.other", ""), entry(".wh..wh.plnk", ""), entry("none/.wh.x", ""))

    assert unpacked(tmp_path / "root", lower, upper) == {"a": "1"}


@pytest.mark.parametrize("name", [".wh.", "d/.wh..", "d/.wh..."])
def test_a_whiteout_that_names_nothing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="takes away no name"):
        unpacked(tmp_path / "root", layer(entry("d"), entry("d/x", "1")), layer(entry(name, "")))


def test_a_hard_link_may_lead_to_a_lower_layer(tmp_path: Path) -> None:
    lower = layer(entry("d", mode=0o711), entry("d/a", "1"))

    assert unpacked(tmp_path / "root", lower, layer(entry("b", hard="d/a"))) == {"d": "/", "d/a": "1", "b": "1"}


def test_a_removed_directory_that_comes_again_has_nothing_of_before(tmp_path: Path) -> None:
    lower = layer(entry("d"), entry("d/sub"), entry("d/sub/old", "1"), entry("d/keep", "1"))
    gone, again = layer(entry(".wh.d", "")), layer(entry("d"), entry("d/new", "3"))

    assert unpacked(tmp_path / "root", lower, gone, again) == {"d": "/", "d/new": "3"}


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_layers_may_be_compressed_and_of_several_streams(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    whole = layer(entry("a", "1"))
    (tmp_path / "0").mkdir()

    told = unpack_layer(io.BytesIO(compress(whole[:700]) + compress(whole[700:])), tmp_path / "0", "app:1")

    assert tree(tmp_path / "0") == {"a": "1"}
    assert told.diff_id == f"sha256:{hashlib.sha256(whole).hexdigest()}"


def test_a_compression_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="compressed with zstd"):
        unpacked(tmp_path / "root", b"\x28\xb5\x2f\xfd" + b"x" * 100)


def test_a_link_that_replaces_a_directory_leads_no_later_change_outside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "b").mkdir(parents=True)
    (outside / "b").chmod(0o700)
    (outside / "b/x").write_text("safe")
    lower = layer(entry("a"), entry("a/b"), entry("a/b/x", "1"))
    evil = layer(entry("a"), entry("a/b", mode=0o777), entry("a/b/.wh.x", ""), entry("a", link=str(outside)))

    found = unpacked(tmp_path / "root", lower, evil)

    assert found == {"a": f"-> {outside}"}
    assert (outside / "b").stat().st_mode & 0o777 == 0o700
    assert (outside / "b/x").read_text() == "safe"
