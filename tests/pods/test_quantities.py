"""Amounts as the API writes them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from boathook.pods.quantities import Written, quantity, whole


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1", 1),
        (2, 2),
        (0.5, Fraction(1, 2)),
        ("500m", Fraction(1, 2)),
        ("1.5Gi", 3 * 2**29),
        ("128974848", 128974848),
        ("129e6", 129_000_000),
        ("100m", Fraction(1, 10)),
        ("129M", 129_000_000),
        ("1E", 10**18),
        ("1e-3", Fraction(1, 1000)),
        ("-1Ki", -1024),
        (".5", Fraction(1, 2)),
        ("+5.", 5),
    ],
)
def test_an_amount_is_exact(written: Written, expected: int | Fraction) -> None:
    assert quantity(written) == expected


@pytest.mark.parametrize("written", ["", "x", "1Xi", "1 Gi", "1KB", "e3", "1e", ".", "0x10"])
def test_other_text_is_no_amount(written: str) -> None:
    assert quantity(written) is None


def test_bytes_are_rounded_up() -> None:
    assert (whole("1500m"), whole("1Ki"), whole("x")) == (2, 1024, 0)


def test_a_huge_exponent_is_cut_off_and_fills_no_memory() -> None:
    assert quantity("1e999999999") == 10**30
