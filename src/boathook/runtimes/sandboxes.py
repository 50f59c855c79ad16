"""The files that a sandbox's containers share: names of hosts, its own name, where names are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from boathook.runtimes.base import ContainerSpec, Image, ImageConfig, NetworkMode, SandboxId, SandboxSpec

_LOOPBACK = (("127.0.0.1", "localhost"), ("::1", "localhost ip6-localhost ip6-loopback"))


def write_network_files(directory: Path, spec: SandboxSpec) -> None:
    """``hosts``, ``hostname`` and ``resolv.conf``. With the machine's network its names and servers are known too."""
    on_host = spec.network is NetworkMode.HOST
    names = (*(() if on_host else _LOOPBACK), ("127.0.0.1", spec.hostname), *spec.hosts)
    _write(directory / "hosts", (_of_machine("/etc/hosts") if on_host else "") + _lines(names))
    _write(directory / "hostname", spec.hostname + "\n")
    _write(directory / "resolv.conf", _of_machine("/etc/resolv.conf") if on_host else "")


def write_container_files(directory: Path, spec: ContainerSpec, sandbox: Path) -> None:
    """Its own ``hosts`` and ``hostname``, where they are not the sandbox's."""
    if spec.hosts:
        text = (sandbox / "hosts").read_text(encoding="utf-8")
        _write(directory / "hosts", text + _lines(spec.hosts))
    if spec.hostname:
        _write(directory / "hostname", spec.hostname + "\n")


def add_hosts(directories: Iterable[Path], hosts: tuple[tuple[str, str], ...]) -> None:
    """Further names in each ``hosts`` that is there. In place: containers that run have these very files mounted."""
    for directory in directories:
        with suppress(FileNotFoundError), (directory / "hosts").open("r+", encoding="utf-8") as file:
            file.seek(0, os.SEEK_END)
            file.write(_lines(hosts))


def _lines(hosts: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{address}\t{name}\n" for address, name in hosts)


def _of_machine(path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text if text.endswith("\n") or not text else text + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)


def probe_spec(sandbox: SandboxId, empty: Path) -> ContainerSpec:
    """The least container there is: it has an empty root and stands still."""
    image = Image(reference="", origin="", stand_in=False, layers=(empty,), host_system=False, config=ImageConfig())
    return ContainerSpec(
        name="probe",
        labels={},
        sandbox=sandbox,
        image=image,
        command=(),
        environment=(),
        working_dir="/",
        user="0",
    )
