"""What comes out of the groups that task groups make of errors."""

from __future__ import annotations

import pytest

from boathook.errors import NotFound, UsageError, alone, mistake_in

MISTAKE = NotFound('pods "x" not found')


@pytest.mark.parametrize(
    "error", [MISTAKE, ExceptionGroup("", [MISTAKE]), ExceptionGroup("", [ExceptionGroup("", [MISTAKE])])]
)
def test_a_mistake_is_found_however_deep_it_lies(error: Exception) -> None:
    assert mistake_in(error) is MISTAKE


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), ExceptionGroup("", [MISTAKE, ExceptionGroup("", [ValueError("a bug")])])]
)
def test_a_bug_is_not_hidden_by_the_mistake_beside_it(error: Exception) -> None:
    assert mistake_in(error) is None


def test_one_error_comes_out_of_its_group_and_several_stay_in_it() -> None:
    with pytest.raises(NotFound) as caught, alone():
        raise ExceptionGroup("", [MISTAKE])
    assert caught.value is MISTAKE

    with pytest.raises(ExceptionGroup), alone():
        raise ExceptionGroup("", [MISTAKE, UsageError("which?")])
