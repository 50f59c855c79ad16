"""Amounts as the API writes them: ``500m``, ``1Gi``, ``1e3``. Exact, and pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from fractions import Fraction

Written: TypeAlias = int | float | str
"""A number without a suffix may stand unquoted in a file."""

RULE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

_NUMBER = r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([eE][+-]?[0-9]+|[KMGTPE]i|[numkMGTPE]?)"
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def quantity(written: Written) -> Fraction | None:
    """The amount; None for what is none."""
    from fractions import Fraction

    match = re.fullmatch(_NUMBER, str(written))
    if match is None:
        return None
    number, suffix = Fraction(match[1]), match[2]
    if suffix in _BINARY:
        return number * Fraction(2 ** _BINARY[suffix])
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    # A larger exponent could fill the memory; the API caps amounts far below it.
    power = max(-30, min(exponent, 30))
    return number * (Fraction(10**power) if power >= 0 else Fraction(1, 10**-power))


def whole(written: Written) -> int:
    """Rounded up, as the API counts bytes; 0 for what is no amount."""
    return math.ceil(quantity(written) or 0)
