"""Whether and when a container is started again."""

from __future__ import annotations

import pytest

from boathook.pods import RestartPolicy
from boathook.pods.restarts import BackOff, is_restarted
from boathook.runtimes.base import Exit


@pytest.mark.parametrize(
    ("policy", "code", "expected"),
    [
        (RestartPolicy.ALWAYS, 0, True),
        (RestartPolicy.ON_FAILURE, 0, False),
        (RestartPolicy.ON_FAILURE, 1, True),
        (RestartPolicy.NEVER, 1, False),
    ],
)
def test_the_restart_policy_decides(policy: RestartPolicy, code: int, expected: bool) -> None:
    assert is_restarted(policy, Exit(code=code, signal=None)) is expected


@pytest.mark.behaviour("pods:29")
def test_the_back_off_doubles_from_ten_seconds_to_three_hundred() -> None:
    back_off, now, waited = BackOff(), 0.0, []

    for _ in range(8):
        waited.append(back_off.due(now) - now)
        now = back_off.due(now)
        back_off = back_off.restarted(now)

    assert waited == [0, 10, 20, 40, 80, 160, 300, 300]


def test_the_back_off_starts_anew_after_ten_quiet_minutes() -> None:
    back_off = BackOff().restarted(0).restarted(10)

    assert back_off.due(700) == 700
    assert back_off.due(600) == 620
