"""Flags stand over environment, environment over boathook.toml, that over defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from boathook.errors import UsageError
from boathook.settings import Settings, find_settings, parse_image_map


def settings(directory: Path, *, environment: dict[str, str] | None = None, network: str | None = None) -> Settings:
    return find_settings(
        on=None,
        network=network,
        image_map=(),
        offline=None,
        environment=environment or {},
        directory=directory,
    )


def test_defaults_are_local_and_a_network_of_its_own(tmp_path: Path) -> None:
    found = settings(tmp_path)

    assert (found.on, found.network, found.offline) == ("local", "pod", False)


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "boathook.toml").write_text('network = "host"\n[images]\nbackend = "rootfs:/srv/b"\n')

    assert settings(tmp_path).network == "host"
    assert settings(tmp_path).image_map == {"backend": "rootfs:/srv/b"}
    assert settings(tmp_path, environment={"BOATHOOK_NETWORK": "pod"}).network == "pod"


def test_a_flag_wins_over_all(tmp_path: Path) -> None:
    assert settings(tmp_path, environment={"BOATHOOK_NETWORK": "pod"}, network="host").network == "host"


def test_an_unknown_value_is_refused_with_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='found "bridge", this version knows "pod", "host"'):
        settings(tmp_path, environment={"BOATHOOK_NETWORK": "bridge"})


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "boathook.toml").write_text("network = ")

    with pytest.raises(UsageError, match=r"cannot read .*boathook\.toml"):
        settings(tmp_path)


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "boathook.toml").write_text('netwrk = "host"\n')

    with pytest.raises(UsageError, match='unknown key "netwrk"'):
        settings(tmp_path)


@pytest.mark.parametrize("entry", ["backend", "=rootfs:x", "backend="])
def test_an_image_map_needs_both_sides(entry: str) -> None:
    with pytest.raises(UsageError, match="expected REF=SOURCE"):
        parse_image_map((entry,))
