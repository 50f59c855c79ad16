"""Merges the trees of several files, and those of a service and the one it extends (spec 11). Pure.

Both sides are canonical. Mappings merge, lists append, scalars replace; the exceptions stand in the tables here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeAlias

from boathook.compose.reading.tree import Node
from boathook.documents.nodes import OVERRIDE, RESET

Pattern: TypeAlias = tuple[str, ...]
"""Keys from a service downwards; ``*`` stands for any."""

REPLACED: frozenset[Pattern] = frozenset({("command",), ("entrypoint",), ("healthcheck", "test")})
NULLS_COUNT: frozenset[Pattern] = frozenset(
    {("environment",), ("build", "args"), ("labels",), ("annotations",), ("sysctls",)}
)
"""Mappings in which a key without a value says something."""


def _by(*fields: str) -> Callable[[Node], Hashable]:
    """What could not be brought into the long form stands for itself: each is told as a mistake later."""
    return lambda node: tuple(_scalar(node.get(field)) for field in fields) if node.entries() else _whole(node)


def _scalar(node: Node | None) -> Hashable:
    return None if node is None or isinstance(node.value, dict | list) else node.value


def _whole(node: Node) -> Hashable:
    return node if isinstance(node.value, dict | list) else str(node.value)


def _by_mount(node: Node) -> Hashable:
    """Where a secret or config is mounted."""
    return node.text("target") or _scalar(node.get("source"))


UNIQUE: dict[Pattern, Callable[[Node], Hashable]] = {
    **{
        (name,): _whole
        for name in ("cap_add", "cap_drop", "dns", "dns_opt", "dns_search", "expose", "links", "profiles", "tmpfs")
    },
    ("build", "platforms"): _whole,
    ("build", "tags"): _whole,
    ("networks", "*", "aliases"): _whole,
    ("networks", "*", "link_local_ips"): _whole,
    ("configs",): _by_mount,
    ("secrets",): _by_mount,
    ("devices",): _by("target"),
    ("env_file",): _by("path"),
    ("ports",): _by("host_ip", "target", "published", "protocol"),
    ("volumes",): _by("target"),
}
"""In these lists a later item takes the place of an earlier one with the same key."""


def merge(base: Node, over: Node) -> Node:
    """The whole of a file over that of those before it."""
    return _merged(base, over, ("top",))


def merge_service(base: Node, over: Node) -> Node:
    return _merged(base, over, ())


def unique(root: Node) -> Node:
    """One file's tree with what it says twice said once."""
    return _alone(root, ("top",))


def _merged(base: Node, over: Node, path: Pattern) -> Node:
    if over.tag == OVERRIDE or _below_service(path) in REPLACED:
        return over
    if over.value is None:
        return base
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        if _below_service(path) == ("logging",) and _other_driver(base, over):
            return over
        return over.holding(_entries(base.value, over.value, path))
    if isinstance(base.value, list) and isinstance(over.value, list):
        if path[:2] == ("top", "networks") and path[3:] == ("ipam", "config"):
            return base.holding(_by_subnet(base.value, over.value, path))
        return base.holding(_appended(base.value, over.value, path))
    return over


def _below_service(path: Pattern) -> Pattern | None:
    """The path from a service on, or None outside services."""
    if path[:1] != ("top",):
        return path
    return path[3:] if path[1:2] == ("services",) and len(path) > 3 else None


def _entries(base: dict[str, Node], over: dict[str, Node], path: Pattern) -> dict[str, Node]:
    result = dict(base)
    for key, value in over.items():
        if value.tag == RESET:
            result.pop(key, None)
        elif key in base and not (value.value is None and _below_service(path) in NULLS_COUNT):
            result[key] = _merged(base[key], value, (*path, key))
        else:
            result[key] = _alone(value, (*path, key))
    return result


def _alone(node: Node, path: Pattern) -> Node:
    """What stands in one file only: nothing is merged, but a list may repeat itself. Tags stay for the next file."""
    match node.value:
        case dict():
            return node.holding({key: _alone(one, (*path, key)) for key, one in node.value.items()})
        case list():
            return node.holding(_appended([], node.value, path))
        case _:
            return node


def _appended(base: list[Node], over: list[Node], path: Pattern) -> list[Node]:
    key_of = _key_of(_below_service(path))
    if key_of is None:
        return base + over
    result: dict[Hashable, Node] = {}
    for one in base + over:
        result[key_of(one)] = one
    return list(result.values())


def _by_subnet(base: list[Node], over: list[Node], path: Pattern) -> list[Node]:
    """Here items with the same subnet are merged."""
    result: dict[Hashable, Node] = {}
    for one in base + over:
        key = one.text("subnet") or one
        result[key] = _merged(result[key], one, (*path, "*")) if key in result else one
    return list(result.values())


def _key_of(path: Pattern | None) -> Callable[[Node], Hashable] | None:
    if path is None:
        return None
    return UNIQUE.get(path) or UNIQUE.get(tuple("*" if at == 1 else part for at, part in enumerate(path)))


def _other_driver(base: Node, over: Node) -> bool:
    one, other = base.text("driver"), over.text("driver")
    return bool(one and other and one != other)
