from __future__ import annotations

import pytest

from boathook.helm.semver import satisfies


@pytest.mark.parametrize(
    ("constraint", "holds"),
    [
        (">=1.20.0-0", True),
        (">= 1.20", True),
        ("^1.2", True),
        ("~1.36.0", True),
        ("~1.35", False),
        ("1.x", True),
        ("1.36", True),
        ("<1.36", False),
        (">1.36", False),
        ("<=1.36", True),
        (">=1.20 <1.30 || >=1.35", True),
        (">=1.20.0-0, <2.0.0-0", True),
        ("1.20 - 1.40", True),
        ("!=1.36.0", False),
        ("*", True),
        (">=99", False),
        ("newest", False),
    ],
)
def test_a_range_holds_for_kubernetes_1_36(constraint: str, holds: bool) -> None:
    assert satisfies("v1.36.0", constraint) is holds


def test_a_range_without_a_prerelease_takes_in_no_prerelease() -> None:
    assert not satisfies("v1.36.0-gke.1", ">=1.20")
    assert satisfies("v1.36.0-gke.1", ">=1.20-0")
