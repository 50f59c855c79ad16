"""Options that every command which may start a container takes, after its own name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from boathook.settings import ISOLATIONS, NETWORKS, PLACES, Settings, find_settings

F = TypeVar("F", bound=Callable[..., Any])


def place_options(function: F) -> F:
    """Adds ``--on``, ``--network`` and the like; the function gets one ``settings`` argument instead."""

    @click.option("--on", type=click.Choice(PLACES), default=None, help="'docker': Docker, or Podman.")
    @click.option(
        "--network",
        type=click.Choice(NETWORKS),
        default=None,
        help="'pod': a network namespace of its own (default); 'host': the machine's.",
    )
    @click.option(
        "--image-map",
        multiple=True,
        metavar="REF=SOURCE",
        help="Take an image from rootfs:DIR, oci:DIR[:TAG], docker-archive:FILE or host. May be repeated.",
    )
    @click.option("--offline/--online", default=None, help="Never ask a registry.")
    @click.option(
        "--isolation",
        type=click.Choice(ISOLATIONS),
        default=None,
        help="'process': plain processes that see and change this machine, where no namespaces can be had.",
    )
    @functools.wraps(function)
    def wrapper(
        *args: Any,
        on: str | None,
        isolation: str | None,
        network: str | None,
        image_map: tuple[str, ...],
        offline: bool | None,
        **kwargs: Any,
    ) -> Any:
        from boathook.cli.session import told

        settings: Settings = told(
            lambda: find_settings(on=on, network=network, image_map=image_map, offline=offline, isolation=isolation)
        )
        return function(*args, settings=settings, **kwargs)

    return wrapper  # type: ignore[return-value]
