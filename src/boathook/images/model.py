"""What a container can be made of: an image that has been resolved, and what it says about how it is run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path


class PullPolicy(StrEnum):
    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHealthcheck:
    """How an image says that a container of it is asked for its health. None and 0: an engine's default."""

    test: tuple[str, ...]
    """``CMD`` and a program with its arguments, or ``CMD-SHELL`` and a line for the image's shell."""
    interval: timedelta | None = None
    timeout: timedelta | None = None
    start_period: timedelta | None = None
    start_interval: timedelta | None = None
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What an image says about how it is run. Empty where it says nothing."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    user: str = ""
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    healthcheck: ImageHealthcheck | None = None
    shell: tuple[str, ...] = ()
    """What runs a command line; empty: ``/bin/sh -c``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A reference that has been resolved: what a container can be made of."""

    reference: str
    origin: str
    """``image map``, ``local store``, ``pulled``, ``stand-in``, ``engine``, ``simulated``: said in every result."""
    stand_in: bool
    layers: tuple[Path, ...]
    """Root file systems on this machine, lowest first; the runtime lays them over each other. Empty on an engine."""
    host_system: bool
    """The host's own /usr, /bin, /lib … are bound read-only into the root (stand-ins, and what is based on them)."""
    config: ImageConfig
    note: str = ""
    """Why it is not what the registry has, where that was asked and did not give it."""
