"""Which fields of a Compose file are read and printed but acted upon nowhere: each is named in a warning. Data."""

from __future__ import annotations

from boathook.compose.reading.problems import Problems
from boathook.compose.reading.tree import Node
from boathook.documents.document import Path

TOP = {"models": "models are not served", "version": "it has no meaning any more"}

SERVICE = {
    "credential_spec": "it is for Windows",
    "develop": "files are not watched",
    "isolation": "it is for Windows",
    "models": "models are not served",
    "provider": "no provider is called, and nothing waits for it",
    "pull_refresh_after": 'give the age as "pull_policy: every_…"',
    "use_api_socket": "no engine's socket is given to containers",
}
"""Of a service, by name, with the reason."""

DEEP: dict[tuple[str, ...], str] = {
    ("services", "*", "build", "secrets"): "the engine's own builder takes no secrets",
    ("services", "*", "build", "ssh"): "the engine's own builder takes no keys",
    ("services", "*", "deploy", "endpoint_mode"): "there is no swarm",
    ("services", "*", "deploy", "mode"): "there is no swarm",
    ("services", "*", "deploy", "placement"): "there is no swarm",
    ("services", "*", "deploy", "restart_policy", "delay"): "the engine decides how long it waits",
    ("services", "*", "deploy", "restart_policy", "window"): "the engine decides when a start has succeeded",
    ("services", "*", "deploy", "rollback_config"): "there is no swarm",
    ("services", "*", "deploy", "update_config"): "there is no swarm",
}
"""Further down than a service's own fields."""


def notices(tree: Node, problems: Problems) -> None:
    """Name every field that is acted upon nowhere."""
    for name, node in tree.entries().items():
        if why := TOP.get(name):
            problems.warn("no-effect", node.key.source((name,)), f'"{name}" has no effect: {why}')
    services = tree.get("services")
    for service, node in (services.entries() if services is not None else {}).items():
        for key, one in node.entries().items():
            if why := SERVICE.get(key):
                problems.warn("no-effect", one.key.source(("services", service, key)), f'"{key}" has no effect: {why}')
    for pattern, why in DEEP.items():
        for path, node in _matching(tree, pattern, ()):
            problems.warn("no-effect", node.key.source(path), f'"{path[-1]}" has no effect: {why}')


def _matching(node: Node, pattern: tuple[str, ...], path: Path) -> list[tuple[Path, Node]]:
    if not pattern:
        return [(path, node)]
    first, rest = pattern[0], pattern[1:]
    steps: list[tuple[str | int, Node]] = []
    if first == "*":
        steps = [*node.entries().items(), *enumerate(node.items())]
    elif (child := node.entries().get(first)) is not None:
        steps = [(first, child)]
    return [found for key, child in steps for found in _matching(child, rest, (*path, key))]
