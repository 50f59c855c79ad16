"""Label selectors as kubectl takes them on a command line. Pure."""

from __future__ import annotations

import re

from boathook.backup.model import Operator, Requirement
from boathook.errors import UsageError

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"
_KEY = rf"({_LABEL}/)?{_LABEL}"
_SET = re.compile(rf"(?P<key>{_KEY})\s+(?P<operator>in|notin)\s+\((?P<values>[^()]*)\)")
_EQUALITY = re.compile(rf"(?P<key>{_KEY})\s*(?P<operator>==|=|!=)\s*(?P<value>({_LABEL})?)")


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """A selector as kubectl takes it: ``app=db,tier!=web,env in (a,b),!old``. Raises ``UsageError``."""
    return tuple(_requirement(part.strip(), text) for part in re.split(r",(?![^(]*\))", text) if part.strip())


def _requirement(part: str, text: str) -> Requirement:
    if match := _SET.fullmatch(part):
        values = tuple(value.strip() for value in match["values"].split(",") if value.strip())
        if values:
            operator = Operator.IN if match["operator"] == "in" else Operator.NOT_IN
            return Requirement(key=match["key"], operator=operator, values=values)
    elif match := _EQUALITY.fullmatch(part):
        operator = Operator.NOT_IN if match["operator"] == "!=" else Operator.IN
        return Requirement(key=match["key"], operator=operator, values=(match["value"],))
    elif re.fullmatch(_KEY, part):
        return Requirement(key=part, operator=Operator.EXISTS, values=())
    elif part.startswith("!") and re.fullmatch(_KEY, part[1:]):
        return Requirement(key=part[1:], operator=Operator.DOES_NOT_EXIST, values=())
    raise UsageError(f'invalid selector "{text}": cannot read "{part}"', hint="for example app=db,tier!=web")
