"""What a project needs beyond being readable, so that it can run: said with the position of each. Pure.

``config`` prints such a project as the peer does; whoever runs it is told here instead of by an engine half-way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

from boathook.compose.model import POINTS
from boathook.compose.reading.loading import Loaded
from boathook.compose.reading.parse_hooks import EXTENSION
from boathook.compose.reading.parse_mounts import granted_content
from boathook.compose.reading.parse_service import restart_parts, signal_name
from boathook.compose.reading.shapes import size_bytes
from boathook.compose.reading.shortforms import MAX_PORT, PROTOCOLS, range_of
from boathook.documents.document import Path
from boathook.durations import parse_compose_duration
from boathook.model import JsonObject
from boathook.objects import mapping, text

RESTART_NAMES = ("no", "always", "unless-stopped", "on-failure")
NO_TIME = timedelta(0)


def check_project(loaded: Loaded, form: JsonObject) -> None:
    """Add all of it to the problems of the load. The form may have holes where something else is wrong."""
    services = mapping(form, "services")
    for name, one in services.items():
        _Checks(loaded, form, name, mapping(one)).run()
    _container_names(loaded, services)


def _container_names(loaded: Loaded, services: JsonObject) -> None:
    taken: dict[str, str] = {}
    for name, one in services.items():
        written = text(mapping(one), "container_name")
        if other := taken.get(written):
            source = loaded.document.source(("services", name, "container_name"))
            message = f'container name "{written}" is already that of service "{other}"'
            loaded.problems.error("container-name", source, message)
        elif written:
            taken[written] = name


@dataclass(frozen=True, slots=True)
class _Checks:
    """One service's."""

    loaded: Loaded
    project: JsonObject
    name: str
    form: JsonObject

    def run(self) -> None:
        directory = text(self.form, "working_dir")
        if directory and not directory.startswith("/"):
            self._error("working-dir", ("working_dir",), f'found "{directory}", expected an absolute path')
        written = text(self.form, "stop_signal")
        if signal_name(written) is None:
            self._error("signal", ("stop_signal",), f'found "{written}", expected a signal such as SIGTERM')
        grace = text(self.form, "stop_grace_period")
        if grace and parse_compose_duration(grace) < NO_TIME:
            message = f'found "{grace}", expected a duration that is not negative'
            self._error("duration", ("stop_grace_period",), message)
        self._restart()
        self._each("ports", self._port)
        self._each("volumes", self._mount)
        for kind in ("secrets", "configs"):
            self._each(kind, self._granted)
        self._short_tmpfs()
        for key in POINTS:
            self._each(key, self._hook)

    def _each(self, key: str, check: Callable[[JsonObject, Path], None]) -> None:
        listed = self.form.get(key)
        for position, one in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(one, dict):
                check(one, (key, position))

    def _restart(self) -> None:
        written = text(self.form, "restart")
        name, attempts = restart_parts(written)
        if name not in RESTART_NAMES or (attempts and not (name == "on-failure" and attempts.isdigit())):
            self._one_of("restart", ("restart",), written, [*RESTART_NAMES, "on-failure:3"])
        condition = text(mapping(self.form, "deploy", "restart_policy"), "condition")
        if restart_parts(condition)[0] not in RESTART_NAMES:
            path = ("deploy", "restart_policy", "condition")
            self._one_of("restart", path, condition, ("none", "on-failure", "any"))

    def _one_of(self, kind: str, path: Path, written: str, allowed: Collection[str]) -> None:
        expected = " or ".join(f'"{one}"' for one in allowed)
        self._error(kind, path, f'found "{written}", expected {expected}')

    def _port(self, port: JsonObject, path: Path) -> None:
        target = port.get("target")
        if isinstance(target, int) and not 0 < target <= MAX_PORT:
            message = f"found {target}, expected a number from 1 to {MAX_PORT}"
            self._error("port", (*path, "target"), message)
        protocol = text(port, "protocol")
        if protocol and protocol not in PROTOCOLS:
            self._one_of("port", (*path, "protocol"), protocol, sorted(PROTOCOLS))
        published = text(port, "published")
        try:
            range_of(published or "0", published)
        except ValueError as error:
            self._error("port", (*path, "published"), str(error))

    def _mount(self, mount: JsonObject, path: Path) -> None:
        kind, target = mount.get("type"), text(mount, "target")
        if isinstance(kind, str) and not target.startswith("/"):
            self._error("volume-target", path, f'found the target "{target}", expected an absolute path')
        if kind == "bind" and not mount.get("source"):
            self._error("volume-source", path, "a bind mount needs a source")

    def _short_tmpfs(self) -> None:
        listed = self.form.get("tmpfs")
        for position, one in enumerate(listed if isinstance(listed, list) else ()):
            target, _, options = str(one).partition(":")
            if not target.startswith("/"):
                message = f'found the target "{target}", expected an absolute path'
                self._error("volume-target", ("tmpfs", position), message)
            said = dict(option.partition("=")[::2] for option in options.split(","))
            try:
                size_bytes(said.get("size") or "0")
                int(said.get("mode") or "0", 8)
            except ValueError:
                message = f'found the options "{options}", expected such as "size=64m,mode=1777"'
                self._error("tmpfs", ("tmpfs", position), message)

    def _granted(self, granted: JsonObject, path: Path) -> None:
        """The peer's own words for what it refuses at creation (its ``create.go``, ``secrets.go``)."""
        kind, source = str(path[0]), text(granted, "source")
        what = kind.removesuffix("s")
        defined = mapping(self.project, kind, source)
        if defined.get("external") is True:
            self._error(f"external-{what}", path, f"unsupported external {what} {text(defined, 'name')}")
        elif defined and not defined.get("file"):
            if granted_content(defined, self.loaded.variables) is None:
                variable = text(defined, "environment")
                message = f'environment variable "{variable}" required by {what} "{source}" is not set'
                self._error("unset-variable", path, message)
            if self.form.get("read_only") is True:
                message = (
                    f'cannot create {what} "{source}" in read-only service {self.name}: '
                    "`file` is the sole supported option"
                )
                self._error("read-only", path, message)

    def _hook(self, hook: JsonObject, path: Path) -> None:
        key, position = path
        timeout = text(mapping(hook, EXTENSION), "timeout")
        if timeout and parse_compose_duration(timeout) <= NO_TIME:
            message = f'found "{timeout}", expected a duration above nothing'
            self._error("duration", (*path, EXTENSION, "timeout"), message)
        if key != "pre_start":
            self._command(hook, (*path, "command"))
        elif hook.get("per_replica") is True:
            message = (
                f'service "{self.name}" pre_start[{position}]: per_replica is not yet supported; '
                "remove per_replica or set it to false"
            )
            self._error("per-replica", (*path, "per_replica"), message)

    def _command(self, hook: JsonObject, path: Path) -> None:
        """What is no command line at all has been said already, and is missing in the form."""
        node = self.loaded.document.tree.get("services", self.name)
        for part in path:
            if node is not None:
                node = node.items()[part] if isinstance(part, int) else node.get(part)
        if node is not None and not hook.get("command") and (node.value is None or "command" in hook):
            self._error("empty-command", path, "the command is empty, expected a program to run")

    def _error(self, kind: str, path: Path, message: str) -> None:
        self.loaded.problems.error(kind, self.loaded.document.source(("services", self.name, *path)), message)
