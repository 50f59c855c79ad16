"""Files are replaced together, or all have what they had."""

from __future__ import annotations

from pathlib import Path

import pytest

from boathook.conformance.documents.replacing import replace_files
from boathook.errors import PlaceError


def test_all_get_their_new_content(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")

    replace_files({one: b"new 1", two: b"new 2"})

    assert (one.read_bytes(), two.read_bytes()) == (b"new 1", b"new 2")
    assert sorted(tmp_path.iterdir()) == [one, two]


def test_a_file_that_cannot_be_made_keeps_the_others_as_they_were(tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.write_bytes(b"1")

    with pytest.raises(PlaceError, match="No such file"):
        replace_files({one: b"new", tmp_path / "gone" / "two": b"new"})

    assert one.read_bytes() == b"1"
    assert list(tmp_path.iterdir()) == [one]


def test_what_was_replaced_before_a_failure_gets_back_what_it_had(tmp_path: Path) -> None:
    one, new, directory = tmp_path / "one", tmp_path / "new", tmp_path / "two"
    one.write_bytes(b"1")
    # A directory cannot be replaced by a file: the second step fails when the first is done.
    directory.mkdir()

    with pytest.raises(PlaceError):
        replace_files({one: b"new", new: b"new", directory: b"new"})

    assert one.read_bytes() == b"1"
    assert sorted(tmp_path.iterdir()) == [one, directory]
