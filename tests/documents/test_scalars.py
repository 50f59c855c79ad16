from __future__ import annotations

import pytest

from boathook.documents import Dialect
from boathook.documents.scalars import BadScalar, Scalar, as_key, plain


@pytest.mark.behaviour("deps:26")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:22", "22:22"),
        ("2026-01-01", "2026-01-01"),
        ("0o17", 15),
        ("0O17", 15),
        ("-0o17", -15),
        ("017", 15),
        ("08", 8),
        ("0", 0),
        ("00", 0),
        ("0x1F", 31),
        ("0b11", 3),
        ("-0b11", -3),
        ("+1", 1),
        ("1_000", 1000),
        ("1__0", 10),
        ("0x_1F", 31),
        ("_1", "_1"),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1e+3", 1000),
        ("1.0", 1),
        ("1.", 1),
        (".5", 0.5),
        ("+.5", 0.5),
        ("1_0.5", 10.5),
        ("1e-7", 1e-07),
        ("1e21", 1e21),
        ("1E400", "1E400"),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2**64),
        ("=", "="),
        ("--1", "--1"),
        (".", "."),
        ("-", "-"),
        ("nan", "nan"),
        ("1.2.3", "1.2.3"),
        ("١", "١"),
        ("~", None),
        ("", None),
        ("NULL", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("tRue", "tRue"),
    ],
)
@pytest.mark.parametrize("dialect", Dialect)
def test_plain_scalars_mean_what_they_mean_to_the_go_tools(text: str, value: Scalar, dialect: Dialect) -> None:
    found = plain(text, dialect)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("On", True), ("y", True), ("no", False), ("OFF", False)])
def test_yes_and_on_are_true_to_kubernetes_and_text_to_compose(text: str, value: bool) -> None:
    assert plain(text, Dialect.KUBERNETES) is value
    assert plain(text, Dialect.COMPOSE) == text


@pytest.mark.parametrize("text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN"])
def test_infinity_is_refused_since_json_has_no_such_number(text: str) -> None:
    with pytest.raises(BadScalar, match="cannot be represented"):
        plain(text, Dialect.KUBERNETES)


def test_keys_become_text_as_the_go_tools_write_them() -> None:
    assert [as_key(key) for key in (1, 1.5, True, False, "a", None)] == ["1", "1.5", "true", "false", "a", None]
