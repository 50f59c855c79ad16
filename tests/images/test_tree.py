from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from boathook.images.tree import OutsideRoot, directories, find, find_file, names_in, within


def layers(tmp_path: Path, *contents: dict[str, str | None]) -> tuple[Path, ...]:
    """A text is a file, ``-> x`` a link, an empty text a directory, None a whiteout."""
    made = []
    for number, content in enumerate(contents):
        root = tmp_path / str(number)
        root.mkdir()
        for name, what in content.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if what is None:
                os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))
            elif what.startswith("-> "):
                path.symlink_to(what[3:])
            elif what:
                path.write_text(what)
            else:
                path.mkdir()
        made.append(root)
    return tuple(made)


def test_the_uppermost_layer_that_has_a_name_counts(tmp_path: Path) -> None:
    below, above = made = layers(tmp_path, {"d/a": "1", "d/b": "1"}, {"d/a": "2"})

    assert find(made, "d/a") == above / "d/a"
    assert find(made, "d/b") == below / "d/b"
    assert find(made, "d/c") is None
    assert names_in(made, "d") == {"a", "b"}
    assert directories(made, "d") == (below / "d", above / "d")


def test_a_whiteout_hides_what_lies_below_and_not_what_comes_above(tmp_path: Path) -> None:
    made = layers(tmp_path, {"d/a": "1", "e/f/x": "1"}, {"d/a": None, "e": None}, {"d/b": "3", "e/f/y": "3"})

    assert [find(made[:2], name) for name in ("d/a", "e", "e/f/x")] == [None, None, None]
    assert (find(made, "d/a"), find(made, "e/f/x")) == (None, None)
    assert names_in(made, "d") == {"b"}
    assert names_in(made, "e/f") == {"y"}


def test_a_file_hides_a_directory_and_a_directory_a_file(tmp_path: Path) -> None:
    made = layers(tmp_path, {"a/x": "1", "b": "1"}, {"a": "2", "b/y": "2"}, {"a/z": "3"})

    assert find(made, "a/x") is None
    assert names_in(made, "a") == {"z"}
    assert find(made, "b/y") == made[1] / "b/y"


def test_a_link_that_a_directory_hides_is_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "passwd").write_text("secret")
    made = layers(tmp_path, {"etc": f"-> {outside}"}, {"etc/other": "2"})

    assert find_file(made, "/etc/passwd") is None
    assert names_in(made, "etc") == {"other"}
    assert directories(made, "etc") == (made[1] / "etc",)


def test_links_are_followed_over_layers_and_end_at_the_root(tmp_path: Path) -> None:
    made = layers(tmp_path, {"bin": "-> usr/bin", "usr/bin/sh": "1"}, {"up": "-> ../../../usr", "usr/lib": "-> /bin/."})

    assert within(made, "/bin/sh") == "usr/bin/sh"
    assert within(made, "up/lib/new") == "usr/bin/new"
    assert within(made, "a/../../b") == "b"
    assert find_file(made, "up/lib/sh") == made[0] / "usr/bin/sh"


def test_a_circle_of_links_is_told(tmp_path: Path) -> None:
    made = layers(tmp_path, {"a": "-> b"}, {"b": "-> a"})

    with pytest.raises(OutsideRoot, match="too many levels"):
        within(made, "a/x")
    assert find_file(made, "a/x") is None
