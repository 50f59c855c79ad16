"""What the spawner is asked: plain decisions from a specification to the message that starts a process."""

from __future__ import annotations

import os
import resource
import signal
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from boathook.errors import CouldNotStart, UnsupportedHere, UsageError
from boathook.runtimes.base import ContainerSpec, ExecSpec, NetworkMode, SandboxSpec, exec_environment
from boathook.runtimes.capabilities import NAMES, bounding_set
from boathook.runtimes.identity import Identity
from boathook.runtimes.records import ContainerRecord, SandboxRecord
from boathook.runtimes.rootfs import RootLayout
from boathook.runtimes.spawner import syscalls
from boathook.runtimes.spawner.minder import MARK

Message: TypeAlias = dict[str, Any]
"""A request to the spawner."""


@dataclass(frozen=True, slots=True)
class User:
    """A resolved user of a process."""

    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


def sandbox_message(spec: SandboxSpec, identity: Identity) -> Message:
    return {
        "do": "sandbox",
        "hostname": spec.hostname[:63],  # HOST_NAME_MAX is 64; the kubelet cuts a pod's name to 63 as well
        "network": spec.network.value,
        "user_namespace": identity.user_namespace(),
        "plain": False,
    }


def main_message(record: ContainerRecord, sandbox: SandboxRecord, bubblewrap: list[str], *, mount_sys: bool) -> Message:
    spec = record.spec
    user = User(record.uid, record.gid)
    process = _process(record, sandbox, user, bounding=container_bounding_set(spec))
    process |= {
        "argv": list(spec.command),
        "environment": _with_hostname(dict(spec.environment), spec, sandbox.spec),
        "cwd": spec.working_dir or "/",
        "is_init": True,
        "below_init": spec.init,
        "mount_sys": mount_sys,
        "see_all": spec.privileged,
    }
    return {
        "do": "main",
        "plain": False,
        "sandbox": sandbox.holder.pid,
        "sandbox_start": sandbox.holder.start,
        "sandbox_namespaces": _shared(sandbox) | (syscalls.NEWUSER if sandbox.user_namespace else 0),
        "bubblewrap": bubblewrap,
        "hostname": spec.hostname[:63],
        "process": process,
    }


def standing_still(message: Message) -> Message:
    """The same container with nothing running in it but a process of ours, which waits."""
    process = message["process"] | {"argv": [], "environment": {}, "cwd": "/"}
    return message | {"process": process}


def exec_message(record: ContainerRecord, sandbox: SandboxRecord, spec: ExecSpec, user: User) -> Message:
    assert record.process is not None
    bounding = None if spec.privileged else container_bounding_set(record.spec)
    process = _process(record, sandbox, user, bounding=bounding)
    environment = exec_environment(record.spec.environment, spec.environment)
    process |= {
        "argv": list(spec.command),
        "environment": _with_hostname(environment, record.spec, sandbox.spec),
        "cwd": spec.working_dir or record.spec.working_dir or "/",
        "is_init": False,
        "below_init": False,
    }
    return {
        "do": "exec",
        "plain": False,
        "direct": not sandbox.user_namespace and in_initial_user_namespace(),
        "sandbox": sandbox.holder.pid,
        "sandbox_start": sandbox.holder.start,
        "sandbox_namespaces": syscalls.NEWUSER if sandbox.user_namespace else 0,
        "container": record.process.pid,
        "container_start": record.process.start,
        "container_namespaces": _shared(sandbox) | syscalls.NEWPID | syscalls.NEWNS,
        "process": process,
    }


def socket_message(sandbox: SandboxRecord) -> Message:
    """For a sandbox that has a network of its own."""
    return {
        "do": "socket",
        "sandbox": sandbox.holder.pid,
        "sandbox_start": sandbox.holder.start,
        "sandbox_namespaces": syscalls.NEWNET | (syscalls.NEWUSER if sandbox.user_namespace else 0),
    }


def without_namespaces(message: Message, record: ContainerRecord, directory: Path) -> Message:
    """The same process among all others of the machine, in a directory of its own where none was asked for."""
    root = os.geteuid() == 0
    process = message["process"]
    process |= {"is_init": False, "below_init": False, "nested": False, "change_user": root}
    process["environment"] = process["environment"] | {MARK: record.id}
    if process["cwd"] == "/":
        process["cwd"] = str(RootLayout(directory=directory).work)
    if process["argv"]:
        process["argv"][0] = _program(process["argv"][0], record)
    if not root:
        process["bounding"] = None
    return message | {"plain": True, "direct": message["do"] == "exec", "mark": record.id}


def _program(name: str, record: ContainerRecord) -> str:
    """A stand-in's own programs are not where an image would have them: they are run from where they lie."""
    image = record.spec.image
    if image.host_system and name.startswith("/") and not os.path.exists(name):
        for layer in reversed(image.layers):
            if os.path.exists(found := f"{layer}{name}"):
                return found
    return name


def is_taken(number: int, pid: int) -> bool:
    """Whether the first process of a namespace would be sent such a signal: only one that it catches, or blocks.

    The kernel drops all others, SIGTERM as well (kernel/signal.c, ``sig_task_ignored``).
    """
    if number in (signal.SIGKILL, signal.SIGSTOP):
        return True
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return True
    masks = [int(line.split()[1], 16) for line in lines if line.startswith(("SigCgt:", "SigBlk:"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


def _process(record: ContainerRecord, sandbox: SandboxRecord, user: User, *, bounding: int | None) -> Message:
    """What both kinds of process have in common."""
    return {
        "uid": user.uid,
        "gid": user.gid,
        "groups": list(record.spec.supplemental_groups),
        "bounding": bounding,
        "available": ~0 if sandbox.user_namespace else permitted_capabilities(),
        "last_capability": last_capability(),
        "open_files": list(open_files_limit()),
        "no_new_privileges": record.spec.no_new_privileges,
        "change_user": not sandbox.single_user,
        "nested": sandbox.single_user and (record.uid != 0 or record.gid != 0),
    }


def _shared(sandbox: SandboxRecord) -> int:
    network = syscalls.NEWNET if sandbox.spec.network is NetworkMode.POD else 0
    return syscalls.NEWIPC | syscalls.NEWUTS | network


def _with_hostname(environment: dict[str, str], spec: ContainerSpec, sandbox: SandboxSpec) -> dict[str, str]:
    """Engines set HOSTNAME where nobody else does."""
    return {"HOSTNAME": spec.hostname or sandbox.hostname, **environment}


def container_bounding_set(spec: ContainerSpec) -> int | None:
    """None: whatever there is (privileged)."""
    if spec.privileged:
        return None
    try:
        mask = bounding_set(add=spec.capabilities_add, drop=spec.capabilities_drop)
    except KeyError as error:
        raise CouldNotStart(f"container {spec.name!r} could not be created: unknown capability {error}") from error
    return mask & ((1 << (last_capability() + 1)) - 1)


@cache
def last_capability() -> int:
    """The highest number that this kernel knows."""
    try:
        return int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
    except OSError:
        return len(NAMES) - 1


@cache
def permitted_capabilities() -> int:
    """What this process has itself and can pass on."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0


def exec_user(record: ContainerRecord, sandbox: SandboxRecord, user: User, identity: Identity) -> User:
    """The user of an exec, if this place can give it. Raises ``UnsupportedHere``: it never runs as another."""
    if sandbox.single_user and user != User(record.uid, record.gid):
        raise UnsupportedHere(
            f"user {user} is not supported by this isolator: "
            f"container {record.spec.name!r} of user {identity.name!r} can have {record.uid}:{record.gid} only",
            hint=identity.remedy,
        )
    refusal = identity.refusal(frozenset({user.uid}))
    if refusal is not None:
        raise UnsupportedHere(f"user {user} is not supported by this isolator: {refusal}")
    return user


def signal_number(name: str) -> int:
    """``SIGTERM``, ``TERM``, ``SIGRTMIN+3`` or ``15``. Raises ``UsageError`` for an unknown one."""
    if name.isdigit():
        return int(name)
    plain, _, above = name.upper().removeprefix("SIG").partition("+")
    try:
        return signal.Signals[f"SIG{plain}"].value + int(above or 0)
    except (KeyError, ValueError) as error:
        raise UsageError(f"unknown signal {name!r}") from error


_DESCRIPTORS = 65536
"""Three for each container and two for each exec: the usual 1024 would do for three hundred."""


@cache
def open_files_limit() -> tuple[int, int]:
    """The limit that this process had at first, which its containers get."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)


def allow_many_descriptors() -> None:
    soft, hard = open_files_limit()
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@cache
def in_initial_user_namespace() -> bool:
    """Where root is root of the machine: elsewhere a new /proc needs one to be seen, and no way leads back to a pid
    namespace that was left."""
    return Path("/proc/self/uid_map").read_text(encoding="ascii").split() == ["0", "0", "4294967295"]


def refuse(record: ContainerRecord) -> None:
    """Raises ``CouldNotStart`` for what can be known before anything is started."""
    spec = record.spec
    if spec.run_as_non_root and record.uid == 0:
        raise CouldNotStart("container has runAsNonRoot and image will run as root")
    for mount in spec.mounts:
        if not os.path.exists(mount.source):
            raise CouldNotStart(
                f"container {spec.name!r} could not be started: mount source {mount.source!r} is missing"
            )
