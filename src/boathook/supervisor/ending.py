"""The graceful end of a process that owns containers: pods and projects are stopped with their hooks, all at once."""

from __future__ import annotations

import logging

import anyio

from boathook.errors import BoathookError
from boathook.model import JsonObject
from boathook.supervisor.host import Host
from boathook.supervisor.operations import find_operation

log = logging.getLogger(__name__)


def _everything(cause: str) -> JsonObject:
    """What the stop of a whole project is told, in place of what brought it up."""
    from boathook.codec import to_json
    from boathook.compose.options import StopOptions

    return {"services": [], "command": "compose stop", "options": to_json(StopOptions(cause=cause))}


async def bring_down_all(host: Host, cause: str) -> None:
    """Stop every pod and every project that lives here. What cannot be stopped is logged; the others go on."""
    async with anyio.create_task_group() as tasks:
        if host.cluster is not None:
            tasks.start_soon(host.cluster.stop_all, cause)
        for (operation, title), params in host.brought_up.items():
            tasks.start_soon(_bring_down, host, operation, title, params | _everything(cause))


async def _bring_down(host: Host, name: str, title: str, params: JsonObject) -> None:
    command = name.replace(".", " ")
    try:
        async with host.run(command=command, title=title, listener=None) as context:
            await find_operation(name)(host, params, context)
    except (BoathookError, ExceptionGroup) as error:
        log.error("%s %s failed at the end of this process: %s", command, title, error)
