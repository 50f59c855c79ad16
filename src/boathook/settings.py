"""What the user has set: flags over environment over ``boathook.toml`` over defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from boathook.errors import UsageError

FILE = "boathook.toml"
KEYS = ("on", "network", "offline", "isolation", "images")
LOCAL, DOCKER = "local", "docker"
PLACES = (LOCAL, DOCKER)
NETWORKS = ("pod", "host")
NAMESPACES = "namespaces"
PROCESS = "process"
ISOLATIONS = (NAMESPACES, PROCESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where and how containers are started."""

    on: str
    network: str
    image_map: Mapping[str, str]
    offline: bool
    isolation: str = NAMESPACES
    """``process``: no namespaces, only where that is asked for."""


def parse_image_map(entries: tuple[str, ...]) -> dict[str, str]:
    """``REF=SOURCE`` pairs. Raises ``UsageError`` for anything else."""
    result: dict[str, str] = {}
    for entry in entries:
        reference, separator, source = entry.partition("=")
        if not separator or not reference or not source:
            raise UsageError(
                f'invalid image map: found "{entry}", expected REF=SOURCE',
                hint="for example --image-map backend=rootfs:./rootfs",
            )
        result[reference] = source
    return result


def find_settings(
    *,
    on: str | None,
    network: str | None,
    image_map: tuple[str, ...],
    offline: bool | None,
    isolation: str | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Settings:
    """Put the flags (None: not given) over BOATHOOK_* variables over ``boathook.toml`` of the directory.

    Raises ``UsageError`` for values that nothing here knows, naming where they came from.
    """
    environment = os.environ if environment is None else environment
    file = _read(directory or Path.cwd())
    mapped = {str(k): str(v) for k, v in _table(file, "images").items()}
    if named := environment.get("BOATHOOK_IMAGE_MAP"):
        mapped |= parse_image_map(tuple(part for part in named.split(",") if part))
    mapped |= parse_image_map(image_map)
    return Settings(
        on=_choice("on", on, environment.get("BOATHOOK_ON"), file.get("on"), LOCAL, PLACES),
        network=_choice("network", network, environment.get("BOATHOOK_NETWORK"), file.get("network"), "pod", NETWORKS),
        image_map=mapped,
        isolation=_choice(
            "isolation",
            isolation,
            environment.get("BOATHOOK_ISOLATION"),
            file.get("isolation"),
            NAMESPACES,
            ISOLATIONS,
        ),
        offline=_switch(offline, environment.get("BOATHOOK_OFFLINE"), file.get("offline")),
    )


def _read(directory: Path) -> Mapping[str, object]:
    path = directory / FILE
    if not path.exists():
        return {}
    import tomllib

    try:
        found = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    if unknown := [key for key in found if key not in KEYS]:
        known = ", ".join(f'"{key}"' for key in KEYS)
        raise UsageError(f'{path}: unknown key "{unknown[0]}", this version knows {known}')
    return found


def _table(file: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = file.get(name, {})
    if not isinstance(value, dict):
        raise UsageError(f'{FILE}: "{name}" must be a table')
    return value


def _choice(
    name: str,
    flag: str | None,
    variable: str | None,
    written: object,
    default: str,
    known: tuple[str, ...],
) -> str:
    value = flag or variable or (str(written) if written is not None else default)
    if value not in known:
        choices = ", ".join(f'"{choice}"' for choice in known)
        raise UsageError(f'unknown value for --{name}: found "{value}", this version knows {choices}')
    return value


def _switch(flag: bool | None, variable: str | None, written: object) -> bool:
    if flag is not None:
        return flag
    if variable is not None:
        return variable.lower() in ("1", "true", "yes", "on")
    return written is True
