"""What a mapping of a file may hold, written as a class: a field is an annotation, its default what a file leaves out.

Written out here since the commands start with it: a library of models would take longer to load, and to build every
class that a file might use, than all else that planning a pod does. A class becomes checks when the first mapping is
held against it, so what no file uses costs nothing.

A field's type is ``str``, ``int``, ``float``, ``bool``, ``Any``, ``Literal``, a further ``Fields``, ``list[T]``,
``tuple[T, ...]``, ``dict[str, T]``, a union of these, or ``Annotated`` with ``Before``, ``AtLeast`` or ``Spelled``.
Nothing is converted: ``"1"`` is no number, and a number is no text.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, NoReturn, TypeAlias, Union

from boathook.model import JsonValue

Path: TypeAlias = tuple[str | int, ...]


class Complaint(NamedTuple):
    """One thing that is wrong at one place. ``expected`` is set where it is only about what should stand there."""

    path: Path
    kind: str
    message: str
    expected: str | None


Complaints: TypeAlias = list[Complaint]
Check: TypeAlias = Callable[[Any, Path, Complaints], Any]
"""The value as the program has it; what is wrong with it is added to the complaints."""


@dataclass(frozen=True)
class Before:
    """Turns what was written into the one form that is then checked. A ``ValueError`` says what is wrong with it."""

    function: Callable[[Any], object]


@dataclass(frozen=True)
class AtLeast:
    """The smallest number allowed."""

    bound: int


@dataclass(frozen=True)
class Spelled:
    """The field's name in files, where the rule of its class does not give it."""

    name: str


def as_is(name: str) -> str:
    return name


def camel_case(name: str) -> str:
    """``post_start`` -> ``postStart``."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


class Fields:
    """A mapping of a file. ``spelling`` makes the names in files; ``closed``: a key that is no field is an error."""

    _spelling: ClassVar[Callable[[str], str]] = staticmethod(as_is)
    _closed: ClassVar[bool] = True

    def __init_subclass__(cls, *, spelling: Callable[[str], str] | None = None, closed: bool | None = None) -> None:
        if spelling is not None:
            cls._spelling = staticmethod(spelling)
        if closed is not None:
            cls._closed = closed

    def __init__(self, **values: object) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")

    def as_json(self) -> dict[str, JsonValue]:
        """Every field, defaults included, by its name in the program."""
        return {field.name: _json(getattr(self, field.name)) for field in _fields(type(self))}


def _json(value: object) -> JsonValue:
    if isinstance(value, Fields):
        return value.as_json()
    if isinstance(value, Mapping):
        return {key: _json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    assert value is None or isinstance(value, str | int | float)
    return value


class _Field(NamedTuple):
    name: str
    spelling: str
    required: bool
    check: Check


def check_fields(fields: type[Fields], value: object, path: Path, complaints: Complaints) -> Any:
    """The mapping as one of ``fields``; every complaint about it and about what it holds is added."""
    if not isinstance(value, dict):
        complaints.append(Complaint(path, "wrong-type", "", "a mapping"))
        return None
    known = _fields(fields)
    values = {}
    for field in known:
        if field.spelling in value:
            values[field.name] = field.check(value[field.spelling], (*path, field.spelling), complaints)
        elif field.required:
            place = (*path, field.spelling)
            complaints.append(Complaint(place, "missing-field", "required field is missing", None))
    if fields._closed and len(values) < len(value):
        spellings = {field.spelling for field in known}
        complaints += [Complaint((*path, key), "unknown-field", "", None) for key in value if key not in spellings]
    return fields(**values)


def _fields(fields: type[Fields]) -> tuple[_Field, ...]:
    """The fields of a class, worked out once."""
    if (known := _KNOWN.get(fields)) is None:
        hints = typing.get_type_hints(fields, include_extras=True)
        known = _KNOWN[fields] = tuple(
            _Field(name, _spelling(fields, name, hint), not hasattr(fields, name), _check(hint))
            for name, hint in hints.items()
            if not name.startswith("_")
        )
    return known


_KNOWN: dict[type[Fields], tuple[_Field, ...]] = {}


def _spelling(fields: type[Fields], name: str, hint: Any) -> str:
    given = [one.name for one in getattr(hint, "__metadata__", ()) if isinstance(one, Spelled)]
    return given[0] if given else fields._spelling(name)


_PLAIN: Mapping[object, tuple[tuple[type, ...], str]] = {
    str: ((str,), "text"),
    int: ((int,), "a whole number"),
    float: ((float, int), "a number"),
    bool: ((bool,), "true or false"),
    type(None): ((type(None),), "nothing"),
}
"""By type: what is one, and what it is called. ``True`` is an ``int`` to Python, and to nobody else."""


@cache
def _check(hint: Any) -> Check:
    """The check that an annotation stands for."""
    if hint is Any:
        return _anything
    if hint in _PLAIN:
        return _plain(hint)
    if isinstance(hint, type) and issubclass(hint, Fields):
        return lambda value, path, complaints: check_fields(hint, value, path, complaints)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return _any_of(tuple(_check(one) for one in arguments if one is not type(None)), type(None) in arguments)
    if origin in (list, tuple):
        return _items(_check(arguments[0]), origin)
    if origin in (dict, Mapping):
        return _entries(_check(arguments[1]))
    if origin is Literal:
        return _one_of(arguments)
    if origin is Annotated:
        return _annotated(_check(arguments[0]), arguments[1:])
    raise TypeError(f"a field cannot be {hint!r}")


def _anything(value: Any, path: Path, complaints: Complaints) -> Any:
    return value


def _plain(kind: Any) -> Check:
    accepted, expected = _PLAIN[kind]
    truth = kind is bool

    def check(value: Any, path: Path, complaints: Complaints) -> Any:
        if not isinstance(value, accepted) or isinstance(value, bool) is not truth:
            complaints.append(Complaint(path, "wrong-type", "", expected))
        return value

    return check


def _any_of(checks: tuple[Check, ...], nullable: bool) -> Check:
    """The first that has nothing to complain about; else what all of them expect."""

    def check(value: Any, path: Path, complaints: Complaints) -> Any:
        if nullable and value is None:
            return None
        found: Complaints = []
        for one in checks:
            already = len(found)
            checked = one(value, path, found)
            if len(found) == already:
                return checked
        complaints += found
        return None

    return checks[0] if len(checks) == 1 and not nullable else check


def _items(check_item: Check, kind: type) -> Check:
    def check(value: Any, path: Path, complaints: Complaints) -> Any:
        if not isinstance(value, list | tuple):
            complaints.append(Complaint(path, "wrong-type", "", "a list"))
            return None
        return kind(check_item(one, (*path, number), complaints) for number, one in enumerate(value))

    return check


def _entries(check_value: Check) -> Check:
    def check(value: Any, path: Path, complaints: Complaints) -> Any:
        if not isinstance(value, dict):
            complaints.append(Complaint(path, "wrong-type", "", "a mapping"))
            return None
        return {key: check_value(one, (*path, key), complaints) for key, one in value.items()}

    return check


def _one_of(allowed: tuple[str, ...]) -> Check:
    *others, last = (f'"{one}"' for one in allowed)
    expected = f"{', '.join(others)} or {last}" if others else last

    def check(value: Any, path: Path, complaints: Complaints) -> Any:
        if value not in allowed:
            complaints.append(Complaint(path, "wrong-value", "", expected))
        return value

    return check


def _annotated(check: Check, notes: tuple[object, ...]) -> Check:
    for note in notes:
        if isinstance(note, AtLeast):
            check = _at_least(check, note.bound)
        elif isinstance(note, Before):
            check = _after(note.function, check)
    return check


def _at_least(check: Check, bound: int) -> Check:
    def bounded(value: Any, path: Path, complaints: Complaints) -> Any:
        already = len(complaints)
        checked = check(value, path, complaints)
        if len(complaints) == already and checked < bound:
            complaints.append(Complaint(path, "wrong-value", "", f"at least {bound}"))
        return checked

    return bounded


def _after(function: Callable[[Any], object], check: Check) -> Check:
    def converted(value: Any, path: Path, complaints: Complaints) -> Any:
        try:
            value = function(value)
        except ValueError as error:
            complaints.append(Complaint(path, "wrong-value", str(error), None))
            return None
        return check(value, path, complaints)

    return converted
