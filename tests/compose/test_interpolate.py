"""Variables in values, with all operators of spec/compose-hooks.md section 11."""

from __future__ import annotations

import pytest

from boathook.compose.reading.interpolate import BadInterpolation, Interpolator

VARIABLES = {"A": "a", "EMPTY": "", "B": "b"}

VALUES = [
    ("plain", "plain"),
    ("$A", "a"),
    ("${A}", "a"),
    ("x${A}y$B", "xayb"),
    ("$$A", "$A"),
    ("$$$A", "$a"),
    ("$$(date)", "$(date)"),
    ("${EMPTY:-d}", "d"),
    ("${EMPTY-d}", ""),
    ("${NONE:-d}", "d"),
    ("${NONE-d}", "d"),
    ("${A:-d}", "a"),
    ("${A:+r}", "r"),
    ("${EMPTY:+r}", ""),
    ("${EMPTY+r}", "r"),
    ("${NONE+r}", ""),
    ("${A:?why}", "a"),
    ("${EMPTY?why}", ""),
    ("${NONE:-${A}}", "a"),
    ("${NONE:-x${NONE:-y}z}", "xyz"),
    ("${NONE:-a b}", "a b"),
    ("${A:-$$}", "a"),
    ("${NONE:-}", ""),
    ("a $ b$", "a $ b$"),
    ("$1", "$1"),
    ("$(date)", "$(date)"),
    ("${NONE-$}", "$"),
]

BAD = [
    ("${NONE:?need y}", "required variable NONE is missing a value: need y"),
    ("${EMPTY:?}", "required variable EMPTY is missing a value"),
    ("${NONE?x}", "required variable NONE is missing a value: x"),
    ("${}", "names no variable"),
    ("${A!b}", "unknown operator"),
    ("${A", "no closing"),
    ("${5}", "names no variable"),
]


@pytest.mark.behaviour("compose:16")
@pytest.mark.parametrize(("text", "value"), VALUES)
def test_variables_are_replaced(text: str, value: str) -> None:
    assert Interpolator(VARIABLES).value(text) == value


@pytest.mark.behaviour("compose:21")
@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_cannot_be_replaced_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInterpolation) as refused:
        Interpolator(VARIABLES).value(text)

    assert message in str(refused.value)


def test_an_unset_variable_is_empty_and_remembered() -> None:
    interpolator = Interpolator(VARIABLES)

    assert interpolator.value("<$NONE>") == "<>"
    assert interpolator.unset == ["NONE"]


def test_a_default_that_is_not_used_leaves_nothing_unset() -> None:
    interpolator = Interpolator(VARIABLES)

    assert interpolator.value("${A:-$NONE}") == "a"
    assert interpolator.unset == []
