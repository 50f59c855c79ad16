"""Restarts containers in the order of their services, with their pre_stop hooks before and post_start hooks after."""

from __future__ import annotations

import dataclasses
from functools import partial

from boathook.compose.conditions import Conditions, Members
from boathook.compose.model import Service
from boathook.compose.order import restart_order
from boathook.compose.place import Member
from boathook.compose.starting import Starting
from boathook.compose.stopping import Stopping
from boathook.compose.turns import in_turn, side_by_side


async def restart_all(stopping: Stopping, names: frozenset[str], standing: Members) -> None:
    """Restart these services, dependants with ``restart: true`` after what they depend on, replicas side by side."""
    scene = stopping.hooks.scene
    conditions = Conditions(scene=scene, timeout=None)
    starting = Starting(hooks=stopping.hooks, conditions=conditions)
    scales = {name: len(members) for name, members in standing.items()}

    async def restart(service: Service, member: Member) -> None:
        async with scene.slot():
            await stopping.restart_container(service, member)
            await starting.post_start(service, member, service.post_start)

    async def wait(name: str) -> None:
        await conditions.of(_restarted_after(scene.project.service(name)), standing, scales)

    async def restart_service(name: str) -> None:
        service = scene.project.service(name)
        await side_by_side(partial(restart, service, member) for member in standing.get(name, ()))

    await in_turn(restart_order(scene.project, only=names), restart_service, before=wait)


def _restarted_after(service: Service) -> Service:
    """The service with none but the dependencies after which it is restarted."""
    return dataclasses.replace(service, depends_on=tuple(one for one in service.depends_on if one.restart))
