"""One file's tree with the long form of everything that has a short one, so that files can be merged. Pure.

What has neither form stays as it is written: the checks after merging name it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from boathook.compose.reading import shortforms
from boathook.compose.reading.tree import Node
from boathook.compose.reading.values import scalar

Change: TypeAlias = Callable[[Node], Node]

PAIRS = ("environment", "labels", "annotations", "sysctls", "driver_opts")


def canonical(root: Node) -> Node:
    """The whole file."""
    return _each(root, _TOP)


def canonical_service(service: Node) -> Node:
    return _each(service, _SERVICE)


def _each(node: Node, changes: Mapping[str, Change]) -> Node:
    """A mapping with its fields changed; every change keeps the tag of the field."""
    if not isinstance(node.value, dict):
        return node
    value = {key: _kept(one, changes[key]) if key in changes else one for key, one in node.value.items()}
    return node.holding(value)


def _kept(node: Node, change: Change) -> Node:
    changed = change(node)
    return changed if changed is node else Node(changed.value, node.place, node.key, node.tag)


def _every(change: Change) -> Change:
    """The change in each entry of a mapping, or each item of a list."""

    def changed(node: Node) -> Node:
        match node.value:
            case dict():
                return node.holding({key: _kept(one, change) for key, one in node.value.items()})
            case list():
                return node.holding([_kept(one, change) for one in node.value])
            case _:
                return node

    return changed


def _fields(**changes: Change) -> Change:
    return lambda node: _each(node, changes)


def _listed(node: Node) -> Node:
    """One text where a list of them may stand."""
    return node.new([node.new(node.value)]) if isinstance(node.value, str) else node


def _named(node: Node) -> Node:
    """A list of names where a mapping may stand."""
    names = [one.value for one in node.items()]
    if not isinstance(node.value, list) or not all(isinstance(name, str) for name in names):
        return node
    return node.new({str(one.value): Node(None, one.place, one.place) for one in node.items()})


def _dependencies(node: Node) -> Node:
    return _every(lambda one: one.new({}) if one.value is None else one)(_named(node))


def _pairs(node: Node) -> Node:
    """A list of ``KEY=VALUE`` where a mapping may stand."""
    items = node.items()
    if not isinstance(node.value, list) or not all(isinstance(one.value, str) for one in items):
        return node
    result: dict[str, Node] = {}
    for one in items:
        for key, value in shortforms.pairs([str(one.value)]).items():
            result[key] = Node(value, one.place, one.place)
    return node.holding(result)


def _sequence_of(read: Callable[[str], list[object]]) -> Change:
    """A list in which a text may stand for one or several mappings."""

    def changed(node: Node) -> Node:
        if not isinstance(node.value, list):
            return node
        result: list[Node] = []
        for one in node.value:
            result += _read(one, read)
        return node.holding(result)

    return changed


def _read(node: Node, read: Callable[[str], list[object]]) -> list[Node]:
    number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
    if not isinstance(node.value, str) and not number:
        return [node]
    try:
        return [node.new(one) for one in read(scalar(node.value))]  # type: ignore[arg-type]
    except ValueError:
        return [node]


def _one_of(read: Callable[[str], object]) -> Change:
    return _sequence_of(lambda text: [read(text)])


def _port_defaults(node: Node) -> Node:
    if "target" not in node.entries():
        return node
    return node.holding({"mode": node.new("ingress"), **node.entries(), **_protocol(node)})


def _protocol(node: Node) -> dict[str, Node]:
    return {} if node.get("protocol") else {"protocol": node.new("tcp")}


def _ports(node: Node) -> Node:
    return _every(_port_defaults)(_sequence_of(lambda text: list(shortforms.ports(text)))(node))


def _env_files(node: Node) -> Node:
    return _one_of(lambda text: {"path": text})(_listed(node))


def _build(node: Node) -> Node:
    short = node.new({"context": node.new(node.value)}) if isinstance(node.value, str) else node
    return _each(short, _BUILD)


def _extends(node: Node) -> Node:
    return node.new({"service": node.new(node.value)}) if isinstance(node.value, str) else node


def _hosts(node: Node) -> Node:
    """A mapping of names to an address or a list of them where a list may stand."""
    result: list[Node] = []
    for name, one in node.entries().items():
        result += [address.new(f"{name}={address.value}") for address in (one.items() or [one])]
    return node.holding(result) if isinstance(node.value, dict) else node


def _gpus(node: Node) -> Node:
    return node.new([{"count": -1}]) if node.value == "all" else node


def _external(node: Node) -> Node:
    """``external: {name: x}``, an old form."""
    external = node.get("external")
    if external is None or not isinstance(external.value, dict):
        return node
    name = {"name": external.value["name"]} if "name" in external.value else {}
    return node.holding({**node.entries(), "external": external.new(True), **name})


def _include(node: Node) -> Node:
    return _every(_fields(path=_listed, env_file=_listed))(_one_of(lambda text: {"path": [text]})(node))


_references = _one_of(lambda text: {"source": text})
_hooks = _every(_fields(environment=_pairs))
_named_object = _every(lambda node: _each(_external(node), dict.fromkeys(PAIRS, _pairs)))

_BUILD: dict[str, Change] = {
    "args": _pairs,
    "labels": _pairs,
    "additional_contexts": _pairs,
    "extra_hosts": _hosts,
    "secrets": _references,
}

_SERVICE: dict[str, Change] = {
    **dict.fromkeys(PAIRS, _pairs),
    "build": _build,
    "configs": _references,
    "depends_on": _dependencies,
    "deploy": _fields(labels=_pairs),
    "devices": _one_of(shortforms.device),
    "dns": _listed,
    "dns_search": _listed,
    "env_file": _env_files,
    "extra_hosts": _hosts,
    "extends": _extends,
    "gpus": _gpus,
    "label_file": _listed,
    "models": _named,
    "networks": _named,
    "ports": _ports,
    "post_start": _hooks,
    "pre_start": _hooks,
    "pre_stop": _hooks,
    "secrets": _references,
    "tmpfs": _listed,
    "volumes": _one_of(shortforms.volume),
}

_TOP: dict[str, Change] = {
    "configs": _named_object,
    "include": _include,
    "networks": _named_object,
    "secrets": _named_object,
    "services": _every(canonical_service),
    "volumes": _named_object,
}
