"""What an engine has of one project, read over its socket by a client that belongs to neither tool."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

_PROJECT = "com.docker.compose.project"


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True, slots=True)
class EngineView:
    """The engine at ``address`` (``unix://PATH``)."""

    address: str

    def ask(self, path: str, method: str = "GET") -> Any:
        connection = _Connection(self.address.removeprefix("unix://"))
        try:
            connection.request(method, path)
            response = connection.getresponse()
            text = response.read()
            return json.loads(text) if text.strip() and response.status < 400 else None
        finally:
            connection.close()

    def containers(self, project: str) -> list[dict[str, Any]]:
        """As inspected, by name."""
        listed = self._listed(f"/containers/json?all=1&{_filter(project)}")
        found = [self.ask(f"/containers/{one['Id']}/json") for one in listed]
        return sorted((one for one in found if one is not None), key=lambda one: str(one["Name"]))

    def networks(self, project: str) -> list[dict[str, Any]]:
        return sorted(self._listed(f"/networks?{_filter(project)}"), key=lambda one: str(one["Name"]))

    def volumes(self, project: str) -> list[dict[str, Any]]:
        found = self.ask(f"/volumes?{_filter(project)}")
        return sorted(found["Volumes"] or [], key=lambda one: str(one["Name"]))

    def clear(self, project: str) -> None:
        """Remove all of it."""
        for one in self._listed(f"/containers/json?all=1&{_filter(project)}"):
            self.ask(f"/containers/{one['Id']}?force=1&v=1", "DELETE")
        for one in self.networks(project):
            self.ask(f"/networks/{one['Id']}", "DELETE")
        for one in self.volumes(project):
            self.ask(f"/volumes/{quote(str(one['Name']))}?force=1", "DELETE")

    def _listed(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(path)
        return found


def _filter(project: str) -> str:
    return "filters=" + quote(json.dumps({"label": [f"{_PROJECT}={project}"]}))
