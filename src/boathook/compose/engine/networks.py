"""A project's networks in an engine: made when they are missing, used when they are right, removed when free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from boathook.compose import model
from boathook.compose.engine.form import flag, records, text
from boathook.compose.engine.labels import filters, is_ours, network_labels, of_project, own_labels
from boathook.compose.engine.telling import warn
from boathook.compose.model import Network, Project, Service
from boathook.compose.turns import side_by_side
from boathook.errors import Conflict, NotFound, OperationFailed, PlaceError
from boathook.events import EventStream, ObjectApplied, ObjectDeleted
from boathook.model import Target
from boathook.objects import mapping
from boathook.runtimes.docker.engine import Engine, Refused

Found = Mapping[str, Any]

_GONE, _ATTEMPTS = "no such network interface", 5


async def create_networks(
    engine: Engine, project: Project, services: Iterable[Service], events: EventStream
) -> dict[str, str]:
    """Those that these services use; their ids, by full name."""
    keys = dict.fromkeys(one.network for service in services for one in service.networks)
    result: dict[str, str] = {}

    async def ensure(network: Network) -> None:
        result[network.name] = await _ensure(engine, project, network, events)

    await side_by_side(partial(ensure, project.network(key)) for key in keys)
    return result


async def stale_networks(engine: Engine, project: Project, services: Iterable[Service]) -> frozenset[str]:
    """Full names of those that these services use and that are not as the file wants them."""
    keys = dict.fromkeys(one.network for service in services for one in service.networks)
    result: set[str] = set()

    async def look(network: Network) -> None:
        found = await _find(engine, network)
        if found is not None and diverged(project, network, found) is not None:
            result.add(network.name)

    ours = [network for key in keys if not (network := project.network(key)).external]
    await side_by_side(partial(look, network) for network in ours)
    return frozenset(result)


async def _ensure(engine: Engine, project: Project, network: Network, events: EventStream) -> str:
    found = await _find(engine, network)
    if network.external:
        if found is None:
            raise NotFound(f"network {network.name} declared as external, but could not be found")
        return str(found["Id"])
    if found is not None:
        _check_label(project, network, found, events)
        if (why := diverged(project, network, found)) is None:
            return str(found["Id"])
        await _clear_away(engine, project, network, found, why, events)
    try:
        made = await _made(engine, network_body(project, network))
    except (NotFound, Refused) as error:
        raise PlaceError(
            f"network {network.name} could not be made: {error}",
            hint="docker network prune removes those that nothing uses" if "address pool" in str(error) else error.hint,
        ) from error
    target = Target(kind="network", scope=project.name, name=network.name, instance=network.name)
    events.emit(ObjectApplied(target=target, change="created", inert=False))
    return str(made["Id"])


async def _made(engine: Engine, body: dict[str, Any]) -> Any:
    """Podman looks at all interfaces of the machine, and fails when one of them goes meanwhile (measured with 4.3)."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return await engine.call("POST", "networks/create", body=body)
        except Refused as error:
            if _GONE not in str(error):
                raise
    return await engine.call("POST", "networks/create", body=body)


async def _find(engine: Engine, network: Network) -> Found | None:
    """By its exact name: an engine takes the beginning of another's id for a name too."""
    try:
        found: Found = await engine.call("GET", f"networks/{network.name}")
    except NotFound:
        return None
    return found if network.name in (found["Name"], found["Id"]) else None


def _check_label(project: Project, network: Network, found: Found, events: EventStream) -> None:
    labels = found.get("Labels") or {}
    owner, key = labels.get(model.PROJECT_LABEL), labels.get(model.NETWORK_LABEL, "")
    remedy = "Set `external: true` to use an existing network"
    if owner is None:
        warn(events, project, f"a network with name {network.name} exists but was not created by compose.\n{remedy}")
    elif owner != project.name:
        text = f'a network with name {network.name} exists but was not created for project "{project.name}".\n{remedy}'
        warn(events, project, text)
    if key != network.key:
        raise OperationFailed(
            f"network {network.name} was found but has incorrect label {model.NETWORK_LABEL} set to "
            f'"{key}" (expected: "{network.key}")'
        )


def diverged(project: Project, network: Network, found: Found) -> str | None:
    """What of a network is not as the file wants it any more; None: nothing. Somebody else's is as it is. Pure."""
    labels = found.get("Labels") or {}
    if labels.get(model.PROJECT_LABEL) != project.name:
        return None
    body = network_body(project, network)
    if is_ours(labels):
        return "configuration" if labels.get(model.HASH_LABEL) != body["Labels"][model.HASH_LABEL] else None
    facts = (
        ("driver", body["Driver"] or "bridge", found.get("Driver") or "bridge"),
        ("internal", body["Internal"], bool(found.get("Internal"))),
        ("attachable", body["Attachable"], bool(found.get("Attachable"))),
        ("driver_opts", body["Options"] or {}, found.get("Options") or {}),
        ("labels", own_labels(body["Labels"]), own_labels(labels)),
    )
    differing = next((key for key, wanted, there in facts if wanted != there), None)
    return differing or _other_ranges((body.get("IPAM") or {}).get("Config"), (found.get("IPAM") or {}).get("Config"))


def _other_ranges(wanted: Any, there: Any) -> str | None:
    """Where the file asks for none the engine has chosen."""
    known = [{key: value for key, value in one.items() if value} for one in there or ()]
    return "ipam" if any(not any(one.items() <= each.items() for each in known) for one in wanted or ()) else None


async def _clear_away(
    engine: Engine, project: Project, network: Network, found: Found, why: str, events: EventStream
) -> None:
    """So that it can be made again: containers that do not run are made again with it."""
    users = sorted(str(one.get("Name")) for one in (found.get("Containers") or {}).values())
    if users:
        raise OperationFailed(
            f"network {network.name} is not as the file wants it any more ({why} changed), and it is in use by "
            f"{', '.join(users)}",
            hint="boathook compose down stops and removes what uses it; then boathook compose up makes it again",
        )
    await engine.call("DELETE", f"networks/{found['Name' if engine.podman else 'Id']}")
    target = Target(kind="network", scope=project.name, name=network.name, instance=network.name)
    events.emit(ObjectDeleted(target=target, cause=f"its {why} changed"))


def network_body(project: Project, network: Network) -> dict[str, Any]:
    """One ``create`` call."""
    form = network.form
    body: dict[str, Any] = {
        "Name": network.name,
        "CheckDuplicate": True,
        "Driver": text(form, "driver"),
        "Internal": flag(form, "internal"),
        "Attachable": flag(form, "attachable"),
        "EnableIPv6": flag(form, "enable_ipv6"),
        "Options": _texts(mapping(form, "driver_opts")) or None,
        "Labels": network_labels(project, network),
    }
    if "enable_ipv4" in form:
        body["EnableIPv4"] = flag(form, "enable_ipv4")
    ipam = mapping(form, "ipam")
    if ipam:
        body["IPAM"] = {
            "Driver": text(ipam, "driver") or "default",
            "Config": [_range(one) for one in records(ipam, "config")],
            "Options": _texts(mapping(ipam, "options")) or None,
        }
    return body


def _range(form: Any) -> dict[str, Any]:
    known = {"Subnet": "subnet", "IPRange": "ip_range", "Gateway": "gateway"}
    given: dict[str, Any] = {name: text(form, key) for name, key in known.items() if text(form, key)}
    if auxiliary := _texts(mapping(form, "aux_addresses")):
        given["AuxiliaryAddresses"] = auxiliary
    return given


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


async def remove_networks(engine: Engine, project: Project, events: EventStream) -> int:
    """Those of the project's label that are the file's, or all of them where no file says which."""
    listed = await engine.call("GET", "networks", query=filters(of_project(project.name)))
    external = {one.name for one in project.networks if one.external}
    mine = [one for one in listed if one["Name"] not in external]

    async def remove(found: Found) -> None:
        target = Target(kind="network", scope=project.name, name=found["Name"], instance=found["Name"])
        try:
            # Asked by its id, Podman removes one that is in use (measured with 4.3).
            await engine.call("DELETE", f"networks/{found['Name' if engine.podman else 'Id']}")
        except NotFound:
            return
        except (Conflict, Refused) as error:
            if not _in_use(error):
                raise
            warn(events, project, f"Network {found['Name']}  Resource is still in use")
            return
        events.emit(ObjectDeleted(target=target, cause="down"))

    await side_by_side(partial(remove, one) for one in mine)
    return len(mine)


def _in_use(error: Exception) -> bool:
    """Docker says it with 403, Podman with 409 or 500."""
    return any(words in str(error) for words in ("active endpoints", "in use", "being used", "associated containers"))
