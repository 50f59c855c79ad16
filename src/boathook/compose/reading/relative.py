"""Makes the paths of one canonical file absolute, from the directory that they count from. Pure."""

from __future__ import annotations

import os.path
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from boathook.compose.reading.tree import Node


@dataclass(frozen=True, slots=True)
class Resolver:
    """``home`` stands for ``~``."""

    directory: Path
    home: str

    def path(self, written: str) -> str:
        if written == "~" or written.startswith("~/"):
            written = self.home + written[1:]
        return os.path.normpath(self.directory / written)

    def file(self, root: Node) -> Node:
        """The whole file."""
        return _changed(
            root,
            {
                "services": lambda node: _every(node, self._service),
                "volumes": lambda node: _every(node, self._named_volume),
                "secrets": lambda node: _every(node, self._with_file),
                "configs": lambda node: _every(node, self._with_file),
            },
        )

    def _service(self, service: Node) -> Node:
        return _changed(
            service,
            {
                "build": self._build,
                "develop": self._develop,
                "env_file": lambda node: _every(node, lambda one: _changed(one, {"path": self._text})),
                "label_file": lambda node: _every(node, self._text),
                "volumes": lambda node: _every(node, self._mount),
            },
        )

    def _text(self, node: Node) -> Node:
        return node.holding(self.path(node.value)) if isinstance(node.value, str) and node.value else node

    def _context(self, node: Node) -> Node:
        return node if isinstance(node.value, str) and _is_remote(node.value) else self._text(node)

    def _build(self, build: Node) -> Node:
        return _changed(
            build, {"context": self._context, "additional_contexts": lambda node: _every(node, self._context)}
        )

    def _develop(self, develop: Node) -> Node:
        return _changed(develop, {"watch": lambda node: _every(node, lambda one: _changed(one, {"path": self._text}))})

    def _mount(self, mount: Node) -> Node:
        return _changed(mount, {"source": self._text}) if mount.text("type") == "bind" else mount

    def _named_volume(self, volume: Node) -> Node:
        options = volume.get("driver_opts")
        if options is None or "bind" not in options.text("o").split(",") or not options.text("device"):
            return volume
        return _changed(volume, {"driver_opts": lambda node: _changed(node, {"device": self._text})})

    def _with_file(self, named: Node) -> Node:
        return _changed(named, {"file": self._text})


def _changed(node: Node, changes: dict[str, Callable[[Node], Node]]) -> Node:
    if not isinstance(node.value, dict):
        return node
    return node.holding({key: changes[key](one) if key in changes else one for key, one in node.value.items()})


def _every(node: Node, change: Callable[[Node], Node]) -> Node:
    match node.value:
        case dict():
            return node.holding({key: change(one) for key, one in node.value.items()})
        case list():
            return node.holding([change(one) for one in node.value])
        case _:
            return node


def _is_remote(context: str) -> bool:
    return "://" in context or context.startswith(("git@", "github.com/", "service:"))
