"""What a plain scalar means: the Go tools' rules, which differ from YAML's own in numbers, times and truth values."""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import TypeAlias

Scalar: TypeAlias = bool | int | float | str | None


class Dialect(Enum):
    """Whose reading of plain scalars: the Kubernetes tools' (``yes`` and ``on`` are true) or Compose's (text)."""

    KUBERNETES = "kubernetes"
    COMPOSE = "compose"


class BadScalar(ValueError):
    """The scalar has no value that could be handed on; the message says what it is and why."""


def _in_three_cases(*words: str) -> frozenset[str]:
    return frozenset(form for word in words for form in (word, word.capitalize(), word.upper()))


NULLS = frozenset({"", "~"}) | _in_three_cases("null")
TRUE = {
    Dialect.KUBERNETES: _in_three_cases("true", "yes", "on", "y"),
    Dialect.COMPOSE: _in_three_cases("true"),
}
FALSE = {
    Dialect.KUBERNETES: _in_three_cases("false", "no", "off", "n"),
    Dialect.COMPOSE: _in_three_cases("false"),
}
WORDS = NULLS.union(*TRUE.values(), *FALSE.values())

INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
FLOAT = re.compile(r"[+-]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][+-]?[0-9]+)?")
NOT_A_NUMBER = _in_three_cases(".inf", "+.inf", "-.inf", ".nan") | {".Inf", "+.Inf", "-.Inf", ".NaN"}

MIN_INT, MAX_UINT = -(2**63), 2**64 - 1
JSON_EXPONENT_FROM = 1e21
"""Go's encoding/json writes an integral float without an exponent below this: it is read back as an integer."""


def plain(text: str, dialect: Dialect) -> Scalar:
    """The value of a plain (unquoted) scalar."""
    if text in WORDS:
        if text in NULLS:
            return None
        if text in TRUE[dialect]:
            return True
        return False if text in FALSE[dialect] else text
    if text[0] in "0123456789+-.":
        return _number(text)
    return text


def _number(text: str) -> int | float | str:
    if text in NOT_A_NUMBER:
        raise BadScalar(f'number "{text}" cannot be represented; quote it if text is meant')
    digits = text.replace("_", "")  # as yaml.v2, resolve.go: underscores may stand anywhere after the first character
    if INTEGER.fullmatch(digits):
        whole = _integer(digits)
        # What fits neither int64 nor uint64 goes on as a float, prefixes excepted.
        return whole if MIN_INT <= whole <= MAX_UINT else _float(digits, text)
    return _float(digits, text)


def _integer(digits: str) -> int:
    """As Go's strconv with base 0: ``0x``, ``0b``, ``0o`` and a leading ``0`` for octal."""
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _float(digits: str, text: str) -> int | float | str:
    if not (FLOAT.fullmatch(digits) and digits.isascii()):
        return text
    value = float(digits)
    if math.isinf(value):
        return text
    if value.is_integer() and abs(value) < JSON_EXPONENT_FROM:
        return int(value)
    return value


def as_key(value: Scalar) -> str | None:
    """A mapping key as text, as sigs.k8s.io/yaml writes it; None for what cannot be a key."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
