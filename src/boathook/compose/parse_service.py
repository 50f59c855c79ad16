"""One service of a Compose file as the program means it, with every default of the service and of its hooks."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from boathook.compose import shellwords
from boathook.compose.dotenv import environment_of
from boathook.compose.model import (
    POINTS,
    BindMount,
    Dependency,
    RestartPolicy,
    Service,
    ServiceMount,
    VolumeMount,
)
from boathook.compose.problems import Problems
from boathook.compose.schema import HookFile, Pairs, ServiceFile, VolumeFile
from boathook.documents.document import Document
from boathook.durations import parse_compose_duration
from boathook.model import Exec, Hook, HookPoint, OnFailure
from boathook.runtimes.base import PullPolicy

ON_FAILURE = {"abort": OnFailure.STOP, "continue": OnFailure.CONTINUE}

STOP_GRACE = timedelta(seconds=10)
"""What an engine waits between the stop signal and SIGKILL where the file sets no ``stop_grace_period``."""

PULL_POLICIES = {
    "always": PullPolicy.ALWAYS,
    "never": PullPolicy.NEVER,
    "missing": PullPolicy.IF_NOT_PRESENT,
    "if_not_present": PullPolicy.IF_NOT_PRESENT,
}

CONDITIONS_NOT_YET = frozenset({"service_healthy", "service_completed_successfully"})

NOT_IN_HASH = frozenset({"depends_on", "env_file", "profiles", "pull_policy", "scale"})
"""Fields whose change needs no new container, as for the peer's own hash."""


@dataclass(slots=True)
class ServiceParser:
    """Turns a validated service into the model, and adds what it finds on the way to ``problems``."""

    name: str
    written: ServiceFile
    document: Document
    directory: Path
    variables: Mapping[str, str]
    volumes: frozenset[str]
    read: Callable[[Path], str | None]
    problems: Problems

    def service(self) -> Service:
        written = self.written
        environment = self._environment()
        self._refuse_not_yet()
        if written.working_dir and not written.working_dir.startswith("/"):
            self._error("working-dir", ("working_dir",), f'found "{written.working_dir}", expected an absolute path')
        return Service(
            name=self.name,
            image=written.image,
            pull=self._pull(),
            entrypoint=self._words(written.entrypoint, ("entrypoint",)),
            command=self._words(written.command, ("command",)),
            user=written.user,
            working_dir=written.working_dir,
            environment=environment,
            mounts=tuple(self._mount(position, one) for position, one in enumerate(written.volumes)),
            depends_on=tuple(
                Dependency(service=name, condition=one.condition, restart=one.restart, required=one.required)
                for name, one in written.depends_on.items()
            ),
            files=(),
            build=None,
            pull_every=None,
            platform="",
            scale=1,
            healthcheck=None,
            healthcheck_disabled=False,
            restart=RestartPolicy(name="no", retries=0),
            networks=(),
            network_mode="",
            ports=(),
            tty=False,
            stdin_open=False,
            privileged=False,
            read_only=False,
            capabilities_add=(),
            capabilities_drop=(),
            hostname="",
            extra_hosts=(),
            attach=True,
            form={},
            stop_signal=self._stop_signal(),
            stop_grace=self._grace(),
            container_name=written.container_name,
            pre_start=(),
            post_start=self._hooks("post_start", written.post_start),
            pre_stop=self._hooks("pre_stop", written.pre_stop),
            labels=tuple((key, value or "") for key, value in written.labels),
            config_hash=_hash(written, environment),
            source=self.document.source(("services", self.name)),
        )

    def _refuse_not_yet(self) -> None:
        written = self.written
        if written.scale != 1:
            self._error("not-yet", ("scale",), f"scale {written.scale} is not there yet: one container a service")
        for name, dependency in written.depends_on.items():
            path = ("depends_on", name, "condition")
            if dependency.condition in CONDITIONS_NOT_YET:
                self._error("not-yet", path, f'condition "{dependency.condition}" is not there yet')
            elif dependency.condition != "service_started":
                self._error("condition", path, f'found "{dependency.condition}", expected "service_started"')
            if not dependency.required:
                self._error("not-yet", ("depends_on", name, "required"), '"required: false" is not there yet')
        if written.restart not in ("no", "none", ""):
            source = self.document.source(("services", self.name, "restart"))
            self.problems.warn("no-effect", source, f'restart "{written.restart}" has no effect: not restarted yet')

    def _pull(self) -> PullPolicy:
        policy = PULL_POLICIES.get(self.written.pull_policy)
        if policy is None:
            self._error("not-yet", ("pull_policy",), f'pull_policy "{self.written.pull_policy}" is not there yet')
        return policy or PullPolicy.IF_NOT_PRESENT

    def _environment(self) -> Pairs:
        """``env_file`` files in order, then ``environment``; a key without a value takes that of the variables."""
        result: dict[str, str | None] = {}
        for position, one in enumerate(self.written.env_file):
            if one.format not in ("", "raw"):
                self._error("env-file", ("env_file", position, "format"), f'found "{one.format}", expected "raw"')
            path = self.directory / one.path
            text = self.read(path)
            if text is not None:
                known = {key: value for key, value in result.items() if value is not None} | dict(self.variables)
                result |= environment_of(text, one.format, known, file=str(path))
            elif one.required:
                self._error("env-file", ("env_file",), f"env file {path} not found")
        for key, value in self.written.environment:
            result[key] = self.variables.get(key) if value is None else value
        return tuple(result.items())

    def _words(self, command: str | tuple[str, ...] | None, path: tuple[str | int, ...]) -> tuple[str, ...] | None:
        if not isinstance(command, str):
            return command
        try:
            words = shellwords.split(command)
        except shellwords.BadCommand as error:
            self._error("command-line", path, f"invalid command line string: {error}")
            return ()
        if words.dropped:
            self.problems.warn(
                "dropped-words",
                self.document.source(("services", self.name, *path)),
                f'"{words.dropped}" is dropped: a command string is split into words, no shell reads it',
                remedy='use ["sh", "-c", "…"] for a shell\'s syntax',
            )
        return words.words

    def _hooks(self, key: str, written: tuple[HookFile, ...]) -> tuple[Hook, ...]:
        return tuple(self._hook(POINTS[key], key, position, one) for position, one in enumerate(written))

    def _hook(self, point: HookPoint, key: str, position: int, written: HookFile) -> Hook:
        command = self._words(written.command, (key, position, "command"))
        if not command and not self._has_error((key, position, "command")):
            self._error("empty-command", (key, position, "command"), "the command is empty, expected a program to run")
        return Hook(
            point=point,
            name=f"{key}[{position}]",
            handler=Exec(
                command=command or (),
                user=written.user or None,
                privileged=written.privileged,
                working_dir=written.working_dir or None,
                environment=written.environment,
            ),
            timeout=self._hook_timeout(key, position, written),
            on_failure=ON_FAILURE[written.extension.on_failure],
            source=self.document.source(("services", self.name, key, position)),
        )

    def _hook_timeout(self, key: str, position: int, written: HookFile) -> timedelta | None:
        text = written.extension.timeout
        if not text:
            return None
        path = (key, position, "x-boathook", "timeout")
        try:
            timeout = parse_compose_duration(text)
        except ValueError as error:
            self._error("duration", path, f"{error}; expected one such as 30s or 1m30s")
            return None
        if timeout <= timedelta(0):
            self._error("duration", path, f'found "{text}", expected a duration above nothing')
        return timeout

    def _mount(self, position: int, written: VolumeFile) -> ServiceMount:
        path = ("volumes", position)
        if not written.target.startswith("/"):
            self._error("volume-target", path, f'found the target "{written.target}", expected an absolute path')
        if written.bind.propagation:
            self._error("not-yet", path, '"bind.propagation" is not there yet')
        if written.type == "bind":
            return BindMount(
                path=self._host_path(written.source),
                target=written.target,
                read_only=written.read_only,
                create=written.bind.create_host_path,
            )
        if written.type != "volume":
            self._error("not-yet", path, f'a mount of type "{written.type}" is not there yet')
        elif not written.source:
            self._error("not-yet", path, "anonymous volumes are not there yet", remedy="name one")
        elif written.source not in self.volumes:
            self._error(
                "undeclared-volume",
                path,
                f'service "{self.name}" refers to undefined volume "{written.source}"',
                remedy=f'declare it under "volumes:" at the top level: "{written.source}: {{}}"',
            )
        return VolumeMount(
            volume=written.source,
            target=written.target,
            read_only=written.read_only,
            nocopy=written.volume.nocopy,
            subpath="",
        )

    def _host_path(self, source: str) -> str:
        if source == "~" or source.startswith("~/"):
            return str(Path(self.variables.get("HOME", "/")) / source[2:])
        return str((self.directory / source).absolute()) if source else ""

    def _stop_signal(self) -> str:
        """The signal's full name: ``SIGQUIT`` for ``quit``, ``SIGQUIT`` and ``3``."""
        written = self.written.stop_signal
        try:
            if written.isdigit():
                return signal.Signals(int(written)).name
            return signal.Signals[f"SIG{written.upper().removeprefix('SIG')}"].name if written else ""
        except (KeyError, ValueError):
            self._error("signal", ("stop_signal",), f'found "{written}", expected a signal such as SIGTERM')
            return ""

    def _grace(self) -> timedelta:
        text = self.written.stop_grace_period
        if not text:
            return STOP_GRACE
        try:
            grace = parse_compose_duration(text)
        except ValueError as error:
            self._error("duration", ("stop_grace_period",), f"{error}; expected one such as 30s or 1m30s")
            return STOP_GRACE
        if grace < timedelta(0):
            self._error("duration", ("stop_grace_period",), f'found "{text}", expected a duration that is not negative')
        # An engine counts whole seconds: 500ms is 0, an immediate kill (spec 11).
        return timedelta(seconds=int(grace.total_seconds()))

    def _error(self, kind: str, path: tuple[str | int, ...], message: str, *, remedy: str | None = None) -> None:
        source = self.document.source(("services", self.name, *path))
        self.problems.error(kind, source, message, remedy=remedy)

    def _has_error(self, path: tuple[str | int, ...]) -> bool:
        source = self.document.source(("services", self.name, *path))
        return any(one.source == source and one.id == "compose.command-line" for one in self.problems.findings)


def _hash(written: ServiceFile, environment: Pairs) -> str:
    facts = {name: value for name, value in written.as_json().items() if name not in NOT_IN_HASH}
    text = json.dumps([facts, environment], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
