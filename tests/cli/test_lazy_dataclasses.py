"""Dataclasses whose methods are compiled at their first call are dataclasses like any other."""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from boathook.cli import lazy_dataclasses

compiled_one_by_one = pytest.mark.skipif(
    sys.version_info >= lazy_dataclasses.NOT_NEEDED, reason="this Python compiles all methods of a class at once"
)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the methods that have been compiled, while dataclasses are lazy."""
    names: list[str] = []
    eager: Any = dataclasses._create_fn  # type: ignore[attr-defined]

    def noting(name: str, *text: Any, **surroundings: Any) -> Any:
        names.append(name)
        return eager(name, *text, **surroundings)

    monkeypatch.setattr(dataclasses, "_create_fn", noting)
    lazy_dataclasses.install()
    yield names
    dataclasses._create_fn = noting  # type: ignore[attr-defined]


def a_class() -> type[Any]:
    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True, order=True)
    class Point:
        x: int
        y: int = 2
        names: tuple[str, ...] = dataclasses.field(default_factory=tuple)

    return Point


@compiled_one_by_one
def test_only_what_is_called_is_compiled_and_that_once(compiled: list[str]) -> None:
    point = a_class()
    assert compiled == []

    first, second = point(x=1), point(x=1)

    assert compiled == ["__init__"]
    assert first == second
    assert compiled == ["__init__", "__eq__"]


@compiled_one_by_one
def test_they_do_what_others_do(compiled: list[str]) -> None:
    point = a_class()
    one = point(x=1)

    assert repr(one).endswith("Point(x=1, y=2, names=())")
    assert hash(one) == hash(point(x=1, y=2))
    assert one < point(x=2)
    assert one != point(x=2)
    assert dataclasses.replace(one, y=3) == point(x=1, y=3)
    assert dataclasses.astuple(copy.deepcopy(one)) == (1, 2, ())
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.x = 2
    with pytest.raises(TypeError):
        point(1)
    assert compiled.count("__init__") == 1


@compiled_one_by_one
def test_a_class_inherits_from_a_lazy_one(compiled: list[str]) -> None:
    base = a_class()

    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class Named(base):  # type: ignore[misc, valid-type]
        name: str

    assert Named(x=1, name="a") == Named(x=1, name="a")
    assert Named(x=1, name="a").y == base(x=1).y
