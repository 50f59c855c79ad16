"""What each command of a project can be told: values that go whole to whoever does the work. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from boathook.model import OnFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageWishes:
    """How images are come by."""

    pull: str = ""
    """``always``, ``missing``, ``never``; empty: as each service says."""
    build: bool = False
    """Build again, although the image is there."""
    no_build: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildWishes:
    """What ``build`` says beside the file."""

    no_cache: bool = False
    pull: bool = False
    arguments: tuple[tuple[str, str | None], ...] = ()
    """``--build-arg``: over the file's; a name alone takes its value from the environment."""
    memory: int | None = None
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOff:
    """What ``run`` says beside the service; None and empty mean: as the service says."""

    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: tuple[tuple[str, str | None], ...] = ()
    user: str = ""
    working_dir: str = ""
    volumes: tuple[str, ...] = ()
    """In the short form, paths absolute."""
    publish: tuple[str, ...] = ()
    """In the short form."""
    service_ports: bool = False
    use_aliases: bool = False
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ()
    tty: bool = False
    interactive: bool = False
    auto_remove: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HookWishes:
    """How the hooks of one command are run. The peer's behaviour is the default."""

    skip: bool = False
    """``--no-hooks``: none runs, and each that is left out is said."""
    timeout: timedelta | None = None
    """``--hook-timeout``: for hooks that set none of their own (``x-boathook: {timeout}``)."""
    on_failure: OnFailure | None = None
    """``--hook-on-failure``: for hooks that say nothing of their own; None: stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    services: tuple[str, ...] = ()
    """Empty: all."""
    hooks: HookWishes = HookWishes()
    images: ImageWishes = ImageWishes()
    grace: timedelta | None = None
    """``--timeout``: between signal and SIGKILL of what must be stopped; None: each service's own."""
    scale: Mapping[str, int] = field(default_factory=dict)
    deps: bool = True
    force_recreate: bool = False
    recreate_deps: bool = False
    """``--always-recreate-deps``."""
    recreate: bool = True
    """False: ``--no-recreate``."""
    start: bool = True
    """False: ``--no-start``, and ``create``."""
    remove_orphans: bool = False
    ignore_orphans: bool = False
    renew_volumes: bool = False
    wait: bool = False
    wait_timeout: timedelta | None = None
    rerun_hooks: bool = False
    """``--rerun-failed-hooks``: run post_start hooks again that failed at an earlier ``up`` of a running container."""
    parallel: int = 0
    """How many containers are worked on at once; 0: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    services: tuple[str, ...] = ()
    hooks: HookWishes = HookWishes()
    wait: bool = False
    wait_timeout: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOptions:
    services: tuple[str, ...] = ()
    hooks: HookWishes = HookWishes()
    grace: timedelta | None = None
    cause: str = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class DownOptions:
    services: tuple[str, ...] = ()
    hooks: HookWishes = HookWishes()
    grace: timedelta | None = None
    volumes: bool = False
    remove_orphans: bool = False
    images: str = ""
    """``--rmi``: ``all``, ``local`` or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartOptions:
    services: tuple[str, ...] = ()
    hooks: HookWishes = HookWishes()
    grace: timedelta | None = None
    deps: bool = True
    """False: dependants with ``restart: true`` are left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveOptions:
    """``rm``."""

    services: tuple[str, ...] = ()
    hooks: HookWishes = HookWishes()
    stop: bool = False
    volumes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KillOptions:
    services: tuple[str, ...] = ()
    signal: str = "SIGKILL"
    remove_orphans: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """``run``: a one-off container of a service."""

    service: str
    oneoff: OneOff = OneOff()
    name: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    deps: bool = True
    hooks: HookWishes = HookWishes()
    images: ImageWishes = ImageWishes()
    remove_orphans: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardOptions:
    """What ``run --rm`` leaves to whoever keeps the container: its removal, once it has ended."""

    container: str
