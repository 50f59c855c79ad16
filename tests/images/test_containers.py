"""Images as the embedded runtime shows them to real programs."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import anyio
import pytest

from boathook.home import Home
from boathook.images import ImageResolver
from boathook.runtimes.base import (
    ContainerSpec,
    Exit,
    Image,
    NetworkMode,
    PullPolicy,
    SandboxId,
    SandboxSpec,
)
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from tests.images.build import docker_archive, entry, layer

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]


def a_runtime(home: Home, **image_map: str) -> BubblewrapRuntime:
    return BubblewrapRuntime(home, images=ImageResolver(home, image_map, offline=True))


async def a_sandbox(runtime: BubblewrapRuntime) -> SandboxId:
    return await runtime.create_sandbox(SandboxSpec(name="t", hostname="t", network=NetworkMode.POD, labels={}))


def a_container(sandbox: SandboxId, image: Image, *command: str) -> ContainerSpec:
    return ContainerSpec(
        name="c",
        labels={},
        sandbox=sandbox,
        image=image,
        command=command or image.config.entrypoint + image.config.command,
        environment=image.config.environment,
        working_dir="/",
        user="",
        termination_message_path="/dev/termination-log",
    )


async def log_of(runtime: BubblewrapRuntime, container: ContainerSpec) -> tuple[Exit, list[str]]:
    id = await runtime.create(container)
    await runtime.start(id)
    ended = await runtime.wait(id)
    lines = [line.text async for line in runtime.logs(id)]
    await runtime.remove(id)
    return ended, lines


@pytest.mark.behaviour("pods:28")
async def test_the_agnhost_stand_in_pauses_and_answers_sigterm_at_once_as_process_one(home: Home) -> None:
    async with a_runtime(home) as runtime:
        sandbox = await a_sandbox(runtime)
        image = await runtime.resolve_image("agnhost:2.53", PullPolicy.IF_NOT_PRESENT)
        id = await runtime.create(a_container(sandbox, image))
        await runtime.start(id)
        lines: list[str] = []
        with anyio.fail_after(10):
            async for line in runtime.logs(id, follow=True):
                lines.append(line.text)
                if line.text == "Signals registered":
                    break

        await runtime.signal(id, "SIGTERM")
        with anyio.fail_after(2):
            ended = await runtime.wait(id)

        assert lines == ["Paused", "Signals registered"]
        assert ended == Exit(code=2, signal=None)
        assert (await runtime.inspect(id)).termination_message == 'exiting because of signal "terminated"'
        await runtime.remove(id)
        await runtime.remove_sandbox(sandbox)


async def test_a_stand_in_has_the_hosts_utilities_and_users_of_its_own(home: Home) -> None:
    script = (
        "echo one two | awk '{print $2}'; id -un; touch /tmp/x && echo written; ls /home; touch /usr/x || echo kept"
    )
    async with a_runtime(home) as runtime:
        sandbox = await a_sandbox(runtime)
        image = await runtime.resolve_image("alpine:3.3", PullPolicy.IF_NOT_PRESENT)

        ended, lines = await log_of(runtime, a_container(sandbox, image, "sh", "-c", script))

        await runtime.remove_sandbox(sandbox)
    assert ended.code == 0
    assert [line for line in lines if not line.startswith("touch:")] == ["two", "root", "written", "kept"]


@pytest.mark.behaviour("deps:23")
async def test_a_root_file_system_of_its_own_runs_without_the_hosts(home: Home, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("dev", "proc", "sys", "etc", "tmp"):
        (root / name).mkdir(parents=True)
    for file in ("/bin/sh", *libraries("/bin/sh")):
        (root / file[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, root / file[1:])
    async with a_runtime(home, app=f"rootfs:{root}") as runtime:
        sandbox = await a_sandbox(runtime)
        image = await runtime.resolve_image("app", PullPolicy.IF_NOT_PRESENT)

        ended, lines = await log_of(
            runtime, a_container(sandbox, image, "/bin/sh", "-c", "echo /usr/bin/* >/f; echo $PATH")
        )

        await runtime.remove_sandbox(sandbox)
    assert (ended.code, lines) == (0, [dict(image.config.environment)["PATH"]])
    assert not (root / "f").exists()


async def test_layers_show_what_they_add_and_hide_what_they_take_away(home: Home, tmp_path: Path) -> None:
    lower = layer(entry("opt"), entry("opt/a", "1"), entry("opt/d"), entry("opt/d/old", "1"), entry("opt/gone"))
    upper = layer(entry("opt/.wh.a", ""), entry("opt/b", "2"), entry("opt/d/.wh..wh..opq", ""), entry("opt/d/new", "2"))
    last = layer(entry("opt/.wh.gone", ""), entry("opt/a", "3"))
    archive = docker_archive(tmp_path / "a.tar", system(), lower, upper, last)
    script = "echo /opt/* /opt/d/*; read -r a </opt/a; echo $a; echo x >/opt/d/own; echo /opt/d/*"
    async with a_runtime(home, app=f"docker-archive:{archive}") as runtime:
        sandbox = await a_sandbox(runtime)
        image = await runtime.resolve_image("app", PullPolicy.IF_NOT_PRESENT)

        ended, lines = await log_of(runtime, a_container(sandbox, image, "/bin/sh", "-c", script))

        await runtime.remove_sandbox(sandbox)
    assert (ended.code, len(image.layers)) == (0, 4)
    assert lines == ["/opt/a /opt/b /opt/d /opt/d/new", "3", "/opt/d/new /opt/d/own"]


async def test_an_image_of_very_many_layers_runs(home: Home, tmp_path: Path) -> None:
    many = [layer(entry(f"opt/{number}", "x"), entry(f"opt/.wh.{number - 1}", "")) for number in range(100)]
    archive = docker_archive(tmp_path / "a.tar", system(), *many)
    async with a_runtime(home, app=f"docker-archive:{archive}") as runtime:
        sandbox = await a_sandbox(runtime)
        image = await runtime.resolve_image("app", PullPolicy.IF_NOT_PRESENT)

        ended, lines = await log_of(runtime, a_container(sandbox, image, "/bin/sh", "-c", "echo /opt/*"))

        await runtime.remove_sandbox(sandbox)
    assert (ended.code, lines) == (0, ["/opt/99"])


def system() -> bytes:
    """A layer with a shell and what it needs."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in ("dev", "proc", "sys", "etc", "tmp"):
            archive.addfile(entry(name)[0])
        for file in ("/bin/sh", *libraries("/bin/sh")):
            archive.add(Path(file).resolve(), arcname=file[1:])
    return content.getvalue()


def libraries(program: str) -> list[str]:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True, timeout=10)
    return re.findall(r"(/\S+) \(0x", listed.stdout)
