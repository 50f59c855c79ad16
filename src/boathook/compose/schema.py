"""What a Compose file may say, in its own spelling: any key that is not listed is an error; ``x-`` keys were taken out
before. Both forms of a field become one here; defaults are parse.py's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias

from boathook.compose import shortforms
from boathook.documents import Before, Fields, Spelled

TRUE = frozenset({"true", "y", "yes", "on"})
FALSE = frozenset({"false", "n", "no", "off"})

Pairs: TypeAlias = tuple[tuple[str, str | None], ...]


def found(value: object) -> str:
    """What was found, for a message: the value of a scalar, the kind of anything else."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def scalar(value: object) -> str:
    """A scalar as Compose writes it into an environment: ``true``, ``1.5``, and whole floats without a fraction."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _command(value: object) -> object:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise ValueError(f"found {found(value)}, expected a string or a list of strings")
    for position, item in enumerate(value):
        if not isinstance(item, str):
            raise ValueError(f"found {found(item)} as item {position}, expected a string")
    return tuple(value)


def _user(value: object) -> object:
    """A string, or an integer that means the string of its digits (a wanted difference from the peer, spec 1.1)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f'found {found(value)}, expected a user such as "root", "1001" or "1001:1001"')
    return value


def _digits(value: object) -> object:
    """Text, or a number that means its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"found {found(value)}, expected a string")
    return value


def _count(value: object) -> object:
    """A whole number, which may also stand as text (``scale: "2"``) or with a fraction of nothing (``2.0``)."""
    if isinstance(value, bool | float | str):
        try:
            number = float(value)
        except ValueError:
            return value
        return int(number) if number.is_integer() else value
    return value


def _boolean(value: object) -> object:
    if isinstance(value, str):
        if value.lower() in TRUE:
            return True
        if value.lower() in FALSE:
            return False
    if not isinstance(value, bool):
        raise ValueError(f"found {found(value)}, expected true or false")
    return value


def _pairs(value: object) -> Pairs:
    """An environment or labels: a mapping, or a list of ``KEY=VALUE`` and ``KEY``; of a repeated key the last wins."""
    result: dict[str, str | None] = {}
    match value:
        case None:
            pass
        case dict():
            for key, one in value.items():
                if isinstance(one, dict | list):
                    raise ValueError(
                        f'found {found(one)} for "{key}", expected a string, a number, a boolean or nothing'
                    )
                result[str(key)] = None if one is None else scalar(one)
        case list():
            for position, item in enumerate(value):
                if not isinstance(item, str):
                    raise ValueError(f'found {found(item)} as item {position}, expected "KEY=VALUE" or "KEY"')
                key, separator, text = item.partition("=")
                result[key] = text if separator else None
        case _:
            raise ValueError(f'found {found(value)}, expected a mapping or a list of "KEY=VALUE"')
    for key in result:
        if not key or key != key.strip():
            raise ValueError(f'found the key "{key}", expected one that is not empty and has no blank at its ends')
    return tuple(result.items())


def _list_of_mappings(value: object) -> object:
    """A hook list: no short form of the list or of an item exists (spec 1.1)."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ValueError(f"found {found(value)}, expected a list of mappings, each with a command")
    return value


def _mapping(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError(f'found {found(value)}, expected a mapping with a "command"')
    return value


def _or_empty(value: object) -> object:
    return {} if value is None else value


def _dependencies(value: object) -> object:
    """The short form, a list of names, becomes the long one."""
    if isinstance(value, list):
        for position, item in enumerate(value):
            if not isinstance(item, str):
                raise ValueError(f"found {found(item)} as item {position}, expected the name of a service")
        return {name: {} for name in value}
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"found {found(value)}, expected a list of services or a mapping")
    return value


def _env_files(value: object) -> object:
    """One path, or a list of paths and of mappings with ``path``."""
    listed = value if isinstance(value, list) else [value]
    return [{"path": item} if isinstance(item, str) else item for item in listed]


def _volume(value: object) -> object:
    """The short form ``[SOURCE:]TARGET[:MODE]`` becomes the long one."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise ValueError(f'found {found(value)}, expected "SOURCE:TARGET" or a mapping')
    return shortforms.volume(value)


def _strings(value: object) -> object:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else value


def _text_field(expected: str) -> Callable[[object], object]:
    def check(value: object) -> object:
        if not isinstance(value, str):
            raise ValueError(f"found {found(value)}, expected {expected}")
        return value

    return check


Text = Annotated[str, Before(_text_field("a string"))]
Digits = Annotated[str, Before(_digits)]
Command: TypeAlias = Annotated[str | tuple[str, ...] | None, Before(_command)]
User = Annotated[str, Before(_user)]
Count = Annotated[int, Before(_count)]
Boolean = Annotated[bool, Before(_boolean)]
PairsField = Annotated[Any, Before(_pairs)]


class HookExtension(Fields):
    """What the file format has no field for: a hook's ``x-boathook``."""

    timeout: Text = ""
    on_failure: Literal["abort", "continue"] = "abort"


class HookFile(Fields):
    """One item of ``post_start`` or ``pre_stop``."""

    command: Command
    user: User = ""
    privileged: Boolean = False
    working_dir: Text = ""
    environment: PairsField = ()
    extension: Annotated[HookExtension, Spelled("x-boathook")] = HookExtension()


HookItem = Annotated[HookFile, Before(_mapping)]
Hooks = Annotated[tuple[HookItem, ...], Before(_list_of_mappings)]


class DependencyFile(Fields):
    condition: Text = "service_started"
    restart: Boolean = False
    required: Boolean = True


class EnvFile(Fields):
    path: Text
    required: Boolean = True
    format: Text = ""


class BindOptions(Fields):
    create_host_path: Boolean = True
    propagation: Text = ""
    selinux: Text = ""


class VolumeOptions(Fields):
    nocopy: Boolean = False


class VolumeFile(Fields):
    """One item of a service's ``volumes``, in its long form."""

    type: Text
    target: Text
    source: Text = ""
    read_only: Boolean = False
    consistency: Text = ""
    bind: BindOptions = BindOptions()
    volume: VolumeOptions = VolumeOptions()


VolumeItem = Annotated[VolumeFile, Before(_volume)]


class ServiceFile(Fields):
    """One service, without the fields that are named as not there yet."""

    image: Text
    command: Command = None
    entrypoint: Command = None
    user: User = ""
    environment: PairsField = ()
    env_file: Annotated[tuple[EnvFile, ...], Before(_env_files)] = ()
    working_dir: Text = ""
    volumes: Annotated[tuple[VolumeItem, ...], Before(_strings)] = ()
    depends_on: Annotated[Mapping[str, Annotated[DependencyFile, Before(_or_empty)]], Before(_dependencies)] = (
        MappingProxyType({})
    )
    stop_signal: Digits = ""
    stop_grace_period: Text = ""
    container_name: Text = ""
    labels: PairsField = ()
    pull_policy: Text = "missing"
    restart: Text = "no"
    scale: Count = 1
    profiles: Annotated[tuple[str, ...], Before(_strings)] = ()
    post_start: Hooks = ()
    pre_stop: Hooks = ()


class TopVolumeFile(Fields):
    """One top-level volume."""

    name: Text = ""
    driver: Text = "local"
    labels: PairsField = ()
