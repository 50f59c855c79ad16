"""Our frozen dataclasses as JSON and back, for the journal, for obligations and for what processes tell each other.

A value at the top, and every member of a union of dataclasses, carries its class's name as ``"type"``; elsewhere the
declared type says what it is. Enums are their values, a timedelta is seconds, a datetime is ISO 8601, a path is text.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from boathook.errors import JournalError
from boathook.model import JsonValue

T = TypeVar("T")

TYPE = "type"
SCALARS = (str, int, float, bool, types.NoneType)


class CodecError(JournalError):
    """The JSON is not what the type asks for: written by another version, or damaged."""


class _Codec(NamedTuple):
    """How values of one declared type are written and read."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def to_json(value: object) -> JsonValue:
    """The value as plain JSON data. Dataclasses found without a declared type carry their name as ``"type"``."""
    if isinstance(value, Enum):
        return cast("JsonValue", value.value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {TYPE: type(value).__name__, **_codec(type(value)).encode(value)}
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, frozenset | set):
        return sorted((to_json(item) for item in value), key=repr)
    for cls in (datetime, timedelta):
        if isinstance(value, cls):
            return cast("JsonValue", _codec(cls).encode(value))
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise CodecError(f"cannot write a {type(value).__name__} as JSON")


# The type form of a union is no type[T]; both stand here so that callers keep their types.
@typing.overload
def from_json(expected: type[T], data: JsonValue) -> T: ...
@typing.overload
def from_json(expected: Any, data: JsonValue) -> Any: ...
def from_json(expected: Any, data: JsonValue) -> Any:
    """The value of type ``expected`` that ``to_json`` wrote. Raises ``CodecError`` for anything else."""
    return _codec(expected).decode(data)


@functools.cache
def _codec(declared: Any) -> _Codec:
    if isinstance(declared, typing.NewType):
        return _codec(declared.__supertype__)
    origin = typing.get_origin(declared)
    if origin in (typing.Union, types.UnionType):
        return _union_codec(typing.get_args(declared))
    if origin is not None:
        return _container_codec(declared, origin, typing.get_args(declared))
    # JsonValue itself is a recursive alias, kept as text: JSON data stays as it is.
    if declared is Any or declared is object or isinstance(declared, str | typing.ForwardRef):
        return _Codec(_as_it_is, _as_it_is)
    if isinstance(declared, type):
        return _class_codec(declared)
    raise CodecError(f"no JSON form for {declared!r}")


def _as_it_is(value: Any) -> Any:
    """Recognised where a value is written: most are plain, and a call for each is most of the work."""
    return value


def _class_codec(cls: type) -> _Codec:
    if dataclasses.is_dataclass(cls):
        return _dataclass_codec(cls)
    if issubclass(cls, Enum):
        return _Codec(lambda value: value.value, _reading(cls, cls))
    if issubclass(cls, datetime):
        return _Codec(datetime.isoformat, _reading(cls, datetime.fromisoformat))
    if issubclass(cls, timedelta):
        return _Codec(timedelta.total_seconds, _reading(cls, lambda data: timedelta(seconds=data)))
    if issubclass(cls, Path):
        return _Codec(str, _reading(cls, Path))
    if cls is float:
        return _Codec(_as_it_is, _reading(cls, lambda data: float(_scalar(float | int, data))))
    if cls in SCALARS:
        return _Codec(_as_it_is, lambda data: _scalar(cls, data))
    raise CodecError(f"no JSON form for {cls.__name__}")


def _scalar(cls: Any, data: Any) -> Any:
    if not isinstance(data, cls) or (isinstance(data, bool) and cls is not bool):
        raise CodecError(f"found {type(data).__name__}, expected {getattr(cls, '__name__', cls)}")
    return data


def _reading(cls: type, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decode(data: Any) -> Any:
        try:
            return read(data)
        except (TypeError, ValueError, OverflowError) as error:
            raise CodecError(f"found {data!r}, expected {cls.__name__}: {error}") from error

    return decode


def _container_codec(declared: Any, origin: Any, args: tuple[Any, ...]) -> _Codec:
    if origin is typing.Literal:
        return _Codec(_as_it_is, _as_it_is)
    if issubclass(origin, Mapping):
        key, item = _codec(args[0]), _codec(args[1])
        return _Codec(
            lambda value: {key.encode(k): item.encode(v) for k, v in value.items()},
            lambda data: {key.decode(k): item.decode(v) for k, v in _scalar(dict, data).items()},
        )
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        return _fixed_tuple_codec(tuple(_codec(arg) for arg in args))
    if origin in (tuple, list, frozenset):
        item = _codec(args[0])
        # A set has no order of its own: sorted, so that the same value is the same text each time.
        order: Callable[[Any], Any] = (lambda items: sorted(items, key=repr)) if origin is frozenset else list
        encode = item.encode
        return _Codec(
            order if encode is _as_it_is else lambda value: order([encode(one) for one in value]),
            lambda data: origin(item.decode(one) for one in _scalar(list, data)),
        )
    raise CodecError(f"no JSON form for {declared!r}")


def _fixed_tuple_codec(items: tuple[_Codec, ...]) -> _Codec:
    def decode(data: Any) -> tuple[Any, ...]:
        if len(_scalar(list, data)) != len(items):
            raise CodecError(f"found {len(data)} items, expected {len(items)}")
        return tuple(item.decode(one) for item, one in zip(items, data, strict=True))

    return _Codec(lambda value: [item.encode(one) for item, one in zip(items, value, strict=True)], decode)


def _union_codec(members: tuple[Any, ...]) -> _Codec:
    classes = {cast("type", member).__name__: member for member in members if dataclasses.is_dataclass(member)}
    others = [member for member in members if member is not types.NoneType and not dataclasses.is_dataclass(member)]
    if len(classes) > 1:
        return _tagged_codec(classes, others)
    rest = [*classes.values(), *others]
    if len(rest) > 1 and all(member in SCALARS for member in rest):
        return _Codec(_as_it_is, _as_it_is)
    if len(rest) > 1:
        raise CodecError(f"no JSON form for a union of {members!r}")
    item = _codec(rest[0])
    encode = item.encode
    return _Codec(
        encode if encode is _as_it_is else lambda value: None if value is None else encode(value),
        lambda data: None if data is None else item.decode(data),
    )


def _tagged_codec(classes: dict[str, Any], others: list[Any]) -> _Codec:
    rest = _codec(others[0]) if len(others) == 1 else None

    def encode(value: Any) -> Any:
        name = type(value).__name__
        if name in classes:
            return {TYPE: name, **_codec(classes[name]).encode(value)}
        return rest.encode(value) if rest and value is not None else value

    def decode(data: Any) -> Any:
        if isinstance(data, dict) and TYPE in data:
            if data[TYPE] not in classes:
                raise CodecError(f'found type "{data[TYPE]}", expected one of {", ".join(classes)}')
            return _codec(classes[data[TYPE]]).decode(data)
        if data is None:
            return None
        if rest is None:
            raise CodecError(f'found {data!r}, expected an object with "{TYPE}"')
        return rest.decode(data)

    return _Codec(encode, decode)


def _dataclass_codec(cls: type) -> _Codec:
    """Fields are looked up at first use, so that a class may hold itself."""
    fields = [field for field in dataclasses.fields(cls) if field.init]
    if any(field.name == TYPE for field in fields):
        raise CodecError(f'{cls.__name__} has a field called "{TYPE}", which names the class')
    required = {
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }

    @functools.cache
    def codecs() -> tuple[tuple[str, _Codec], ...]:
        namespace = vars(sys.modules[cls.__module__])
        return tuple((field.name, _codec(_evaluated(field.type, namespace))) for field in fields)

    def encode(value: Any) -> dict[str, Any]:
        return {
            name: getattr(value, name) if write is _as_it_is else write(getattr(value, name))
            for name, (write, _) in codecs()
        }

    def decode(data: Any) -> Any:
        values = {}
        for name, codec in codecs():
            if name in _scalar(dict, data):
                try:
                    values[name] = codec.decode(data[name])
                except CodecError as error:
                    raise CodecError(f"{cls.__name__}.{name}: {error}") from error
            elif name in required:
                raise CodecError(f'{cls.__name__}: "{name}" is missing')
        return cls(**values)

    return _Codec(encode, decode)


def _evaluated(annotation: Any, namespace: dict[str, Any]) -> Any:
    """An annotation as its module means it. ``typing.get_type_hints`` would unroll the recursive JsonValue."""
    return eval(annotation, namespace) if isinstance(annotation, str) else annotation
