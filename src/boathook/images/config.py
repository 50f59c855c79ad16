"""An image's configuration: read from an engine's JSON, kept as our own, and changed by Dockerfile instructions."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from boathook.errors import UsageError
from boathook.images.model import ImageConfig, ImageHealthcheck
from boathook.model import JsonObject

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What engines set where an image sets no PATH (moby, oci/defaults)."""

SHELL = ("/bin/sh", "-c")
_NANOSECONDS = 1_000_000_000
_SPANS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start_period": "StartPeriod",
    "start_interval": "StartInterval",
}
"""Spans of time of a healthcheck, which engines write in nanoseconds."""
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*=")


def from_engine(section: Mapping[str, Any]) -> ImageConfig:
    """From the ``config`` object of a Docker or OCI image configuration."""
    environment = tuple(_pair(entry) for entry in section.get("Env") or ())
    return ImageConfig(
        entrypoint=tuple(section.get("Entrypoint") or ()),
        command=tuple(section.get("Cmd") or ()),
        environment=environment,
        working_dir=section.get("WorkingDir") or "",
        user=section.get("User") or "",
        volumes=tuple(sorted(section.get("Volumes") or ())),
        stop_signal=section.get("StopSignal") or "",
        healthcheck=_healthcheck(section.get("Healthcheck") or {}),
        shell=tuple(section.get("Shell") or ()),
    )


def to_engine(config: ImageConfig) -> JsonObject:
    """The same object; what is empty is left out."""
    everything: JsonObject = {
        "Entrypoint": list(config.entrypoint),
        "Cmd": list(config.command),
        "Env": [f"{name}={value}" for name, value in config.environment],
        "WorkingDir": config.working_dir,
        "User": config.user,
        "Volumes": {path: {} for path in config.volumes},
        "StopSignal": config.stop_signal,
        "Healthcheck": _healthcheck_object(config.healthcheck),
        "Shell": list(config.shell),
    }
    return {key: value for key, value in everything.items() if value}


def with_path(config: ImageConfig) -> ImageConfig:
    """With a PATH, as an engine gives it to images that have none."""
    if any(name == "PATH" for name, _ in config.environment):
        return config
    return replace(config, environment=(("PATH", DEFAULT_PATH), *config.environment))


def changed(config: ImageConfig, instructions: tuple[str, ...]) -> ImageConfig:
    """The configuration after ``CMD …``, ``ENV …`` and the like. Raises ``UsageError`` naming the instruction."""
    commanded = False
    for instruction in instructions:
        word, _, rest = instruction.strip().partition(" ")
        change = CHANGES.get(word.upper())
        if change is None:
            known = ", ".join(CHANGES)
            raise UsageError(f'change "{instruction}": "{word}" is not supported', hint=f"supported are {known}")
        if not rest.strip():
            raise UsageError(f'change "{instruction}": "{word}" needs a value')
        if word.upper() == "ENTRYPOINT" and not commanded:
            config = replace(config, command=())  # as in a Dockerfile: it does not go with an inherited CMD
        commanded |= word.upper() == "CMD"
        config = change(config, rest.strip(), instruction)
    return config


def _healthcheck(section: Mapping[str, Any]) -> ImageHealthcheck | None:
    """None where the image has none, or one that says that there is to be none."""
    test = tuple(section.get("Test") or ())
    if not test or test[0] == "NONE":
        return None
    spans = {name: _span(section.get(key)) for name, key in _SPANS.items()}
    return ImageHealthcheck(test=test, retries=section.get("Retries") or 0, **spans)


def _healthcheck_object(check: ImageHealthcheck | None) -> JsonObject:
    if check is None:
        return {}
    spans = {key: getattr(check, name) for name, key in _SPANS.items()}
    written = {key: round(span.total_seconds() * _NANOSECONDS) for key, span in spans.items() if span is not None}
    return {"Test": list(check.test), **written, **({"Retries": check.retries} if check.retries else {})}


def _span(nanoseconds: int | None) -> timedelta | None:
    return timedelta(seconds=nanoseconds / _NANOSECONDS) if nanoseconds else None


def _pair(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition("=")
    return name, value


def _json_list(text: str, instruction: str) -> tuple[str, ...] | None:
    """The list of the exec form; None for the shell form."""
    if not text.startswith("["):
        return None
    try:
        parts = json.loads(text)
    except ValueError as error:
        raise UsageError(f'change "{instruction}": not a JSON list: {error}') from error
    if not all(isinstance(part, str) for part in parts):
        raise UsageError(f'change "{instruction}": not a list of texts')
    return tuple(parts)


def _words(text: str, instruction: str) -> tuple[str, ...]:
    listed = _json_list(text, instruction)
    return (*SHELL, text) if listed is None else listed


def _environment(config: ImageConfig, text: str, instruction: str) -> ImageConfig:
    if not ASSIGNMENT.match(text):
        name, _, value = text.partition(" ")
        pairs = [(name, value.strip())]
    else:
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f'change "{instruction}": {error}') from error
        if not all(ASSIGNMENT.match(word) for word in words):
            raise UsageError(f'change "{instruction}": found words without "="')
        pairs = [_pair(word) for word in words]
    return replace(config, environment=tuple((dict(config.environment) | dict(pairs)).items()))


def _volumes(config: ImageConfig, text: str, instruction: str) -> ImageConfig:
    listed = _json_list(text, instruction)
    added = tuple(text.split()) if listed is None else listed
    return replace(config, volumes=tuple(sorted({*config.volumes, *added})))


CHANGES: Mapping[str, Callable[[ImageConfig, str, str], ImageConfig]] = {
    "CMD": lambda config, text, whole: replace(config, command=_words(text, whole)),
    "ENTRYPOINT": lambda config, text, whole: replace(config, entrypoint=_words(text, whole)),
    "ENV": _environment,
    "STOPSIGNAL": lambda config, text, _: replace(config, stop_signal=text),
    "USER": lambda config, text, _: replace(config, user=text),
    "VOLUME": _volumes,
    "WORKDIR": lambda config, text, _: replace(config, working_dir=_absolute(config.working_dir, text)),
}
"""Dockerfile instructions by name: what each makes of the configuration, its value and the whole text."""


def _absolute(before: str, path: str) -> str:
    return path if path.startswith("/") else f"{(before or '/').rstrip('/')}/{path}"
