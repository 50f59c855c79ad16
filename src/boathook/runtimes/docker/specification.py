"""Our specifications in the engine's words (Engine API, ``POST /containers/create``). Nothing here does anything."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from boathook.errors import UnsupportedHere
from boathook.runtimes.base import ContainerSpec, ExecSpec, Mount, NetworkMode, SandboxSpec, Tmpfs
from boathook.runtimes.docker.pause import PROGRAM

Body: TypeAlias = dict[str, Any]

VOLUME = "volume:"
"""Begins the source of a mount that is a volume of the engine's, whose path is not known here."""

WAITING = "/.boathook-pause"
"""Where the program lies in a container that only waits."""

_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


def sandbox_body(spec: SandboxSpec, image: str, labels: Mapping[str, str]) -> Body:
    """The container that holds a pod's network and its shared memory."""
    return {
        "Image": image,
        "Entrypoint": [PROGRAM],
        "Cmd": [],
        "Hostname": spec.hostname,
        "Labels": {**spec.labels, **labels},
        "HostConfig": {
            "NetworkMode": "host" if spec.network is NetworkMode.HOST else "default",
            "IpcMode": "shareable",
            "ExtraHosts": [f"{name}:{address}" for address, name in spec.hosts],
            "RestartPolicy": {"Name": "no"},
        },
    }


def container_body(
    spec: ContainerSpec, *, user: tuple[int, int], labels: Mapping[str, str], mounts: tuple[Mount, ...], podman: bool
) -> Body:
    """``mounts`` are those that the runtime adds to the container's own."""
    shared = f"container:{spec.sandbox}"
    program = list(spec.command) or [WAITING]
    security = ["no-new-privileges:true"] if spec.no_new_privileges else []
    return {
        "Image": spec.image.reference,
        # The image's own command must not be added to it: with an entrypoint given, engines leave it out.
        "Entrypoint": program[:1],
        "Cmd": program[1:],
        "Env": _environment(spec, podman=podman),
        "WorkingDir": spec.working_dir,
        "User": f"{user[0]}:{user[1]}",
        "Labels": {**spec.labels, **labels},
        "StopSignal": spec.stop_signal,
        # Whoever wants a check of a container's health asks for it: not the image.
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "NetworkMode": shared,
            "IpcMode": shared,
            # Docker gives the network's host name with the network, and knows no such mode.
            "UTSMode": shared if podman else "",
            "Privileged": spec.privileged,
            "CapAdd": list(spec.capabilities_add),
            "CapDrop": list(spec.capabilities_drop),
            "SecurityOpt": security,
            "GroupAdd": [str(group) for group in spec.supplemental_groups],
            "Init": spec.init and bool(spec.command),
            "ReadonlyRootfs": spec.read_only_root and bool(spec.command),
            "Mounts": [_mount(mount) for mount in (*spec.mounts, *mounts)] + [_tmpfs(one) for one in spec.tmpfs],
            "RestartPolicy": {"Name": "no"},
        },
    }


def exec_body(spec: ExecSpec, known: Collection[str], *, podman: bool) -> Body:
    """A name without a value takes the variable away; ``known`` are those that the container has.

    Raises ``UnsupportedHere`` where Podman is asked to do so.
    """
    removed = [name for name, value in spec.environment if value is None and (name in known or not podman)]
    if podman and removed:
        raise UnsupportedHere(
            f'Podman cannot take variable "{removed[0]}" away from a process in a container',
            hint="give it a value, which may be empty; or take it away in the command: env -u NAME COMMAND",
        )
    body: Body = {
        "Cmd": list(spec.command),
        "AttachStdin": spec.stdin is not None,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": spec.tty,
        "Privileged": spec.privileged,
        "Env": [*(f"{name}={value}" for name, value in spec.environment if value is not None), *removed],
    }
    if spec.user is not None:
        body["User"] = spec.user
    if spec.working_dir is not None:
        body["WorkingDir"] = spec.working_dir
    return body


def known_variables(container: ContainerSpec) -> frozenset[str]:
    return frozenset(name for name, _ in (*container.environment, *container.image.config.environment))


def container_name(*parts: str) -> str:
    """Readable, and nobody else's: engines have one name for one container."""
    return "-".join((*(_NO_NAME.sub("-", part).strip("-.") for part in parts if part), secrets.token_hex(4)))


def _environment(spec: ContainerSpec, *, podman: bool) -> list[str]:
    """All of it. What only the image has is taken away, but for PATH: without one no program would be found.

    Podman takes nothing away.
    """
    given = dict(spec.environment)
    if podman:
        return [f"{name}={value}" for name, value in given.items()]
    removed = [name for name, _ in spec.image.config.environment if name not in given and name != "PATH"]
    return [*(f"{name}={value}" for name, value in given.items()), *removed]


def _tmpfs(mount: Tmpfs) -> Body:
    options: Body = {"Mode": mount.mode} | ({"SizeBytes": mount.size} if mount.size else {})
    return {"Type": "tmpfs", "Target": mount.target, "ReadOnly": mount.read_only, "TmpfsOptions": options}


def _mount(mount: Mount) -> Body:
    is_volume = mount.source.startswith(VOLUME)
    return {
        "Type": "volume" if is_volume else "bind",
        "Source": mount.source.removeprefix(VOLUME) if is_volume else mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
    }
