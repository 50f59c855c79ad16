"""What a service's containers see of volumes, memory, secrets and configs, and what is left of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boathook.compose.options import ImageWishes, OneOff
from boathook.errors import CouldNotStart, NotFound
from boathook.home import Home
from tests.compose.embedded.build import a_project, a_root, real

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

SLEEP = "command: [sleep, '60']"


def app(fields: str, *, more: str = "") -> str:
    return f"services:\n  app:\n    image: a\n    {SLEEP}\n    {fields}\n{more}"


async def test_a_new_volume_takes_over_what_the_image_has_there_and_outlives_its_container(home: Home) -> None:
    async with real(home, app("volumes: ['data:/data']", more="volumes: {data: }")) as demo:
        member = await demo.started("app")
        assert await demo.says(member.id, "cat", "/data/app.db") == "rows"
        await demo.says(member.id, "sh", "-c", "echo more >> /data/app.db")
        assert member.mounts == ("demo_data",)
        await demo.place.remove(member.id)

        again = await demo.started("app")
        assert await demo.says(again.id, "cat", "/data/app.db") == "rows\nmore"
        await demo.place.remove(again.id)
        assert [one.name for one in await demo.place.volumes("demo")] == ["demo_data"]
        assert await demo.place.remove_volumes(demo.project, demo.events) == 1
        assert await demo.place.volumes("demo") == ()


async def test_nothing_is_taken_over_where_the_file_says_so(home: Home) -> None:
    fields = "volumes: [{type: volume, source: data, target: /data, volume: {nocopy: true}}]"
    async with real(home, app(fields, more="volumes: {data: }")) as demo:
        member = await demo.started("app")

        assert await demo.says(member.id, "ls", "-A", "/data") == ""


@pytest.mark.root
async def test_a_volume_over_nothing_is_roots_own(home: Home) -> None:
    async with real(home, app("user: '1001'\n    volumes: ['data:/new']", more="volumes: {data: }")) as demo:
        member = await demo.started("app")

        assert await demo.says(member.id, "stat", "-c", "%u:%g %a", "/new") == "0:0 755"
        ended, _ = await demo.run(member.id, "touch", "/new/x")
        assert not ended.ok


@pytest.mark.root
async def test_the_owner_of_the_images_directory_is_kept(home: Home) -> None:
    image = a_root(home)
    os.chown(image.layers[0] / "data", 1001, 1001)
    text = app("user: '1001'\n    volumes: ['data:/data']", more="volumes: {data: }")
    async with real(home, text, image=image) as demo:
        member = await demo.started("app")

        assert await demo.says(member.id, "stat", "-c", "%u:%g", "/data") == "1001:1001"
        await demo.says(member.id, "touch", "/data/x")


async def test_a_part_of_a_volume_can_be_mounted(home: Home) -> None:
    fields = "volumes: ['data:/data', {type: volume, source: data, target: /part, volume: {subpath: inner}}]"
    async with real(home, app(fields, more="volumes: {data: }")) as demo:
        member = await demo.started("app")
        await demo.says(member.id, "touch", "/part/x")

        assert await demo.says(member.id, "ls", "/data/inner") == "x"


@pytest.mark.parametrize("subpath", ["nothing", "../.."])
async def test_a_part_that_is_not_there_or_leads_out_is_refused(home: Home, subpath: str) -> None:
    fields = f"volumes: [{{type: volume, source: data, target: /part, volume: {{subpath: {subpath}}}}}]"
    async with real(home, app(fields, more="volumes: {data: }")) as demo:
        with pytest.raises(CouldNotStart, match="subpath"):
            await demo.create("app")


async def test_a_volume_without_a_name_goes_with_its_container(home: Home) -> None:
    async with real(home, app("volumes: [/data]")) as demo:
        member = await demo.started("app")
        assert await demo.says(member.id, "cat", "/data/app.db") == "rows"
        assert len(await demo.place.volumes("demo")) == 1
        await demo.place.remove(member.id)

        assert await demo.place.volumes("demo") == ()


async def test_a_volume_without_a_name_goes_over_to_the_container_that_takes_the_place(home: Home) -> None:
    async with real(home, app("volumes: [/data]")) as demo:
        old = await demo.started("app")
        await demo.says(old.id, "sh", "-c", "echo kept > /data/note")
        new = await demo.create("app", name="new", replaces=old)
        await demo.place.remove(old.id)
        await demo.place.rename(new.id, "demo-app-1")
        await demo.start(new)
        assert await demo.says(new.id, "cat", "/data/note") == "kept"

        renewed = await demo.create("app", name="renewed", replaces=new, renew_volumes=True)
        await demo.place.remove(new.id)
        await demo.start(renewed)
        assert await demo.says(renewed.id, "ls", "/data") == "app.db\ninner"
        assert len(await demo.place.volumes("demo")) == 1


async def test_a_volume_that_the_image_declares_is_one_without_a_name(home: Home) -> None:
    async with real(home, app("hostname: x"), image=a_root(home, volumes=("/data",))) as demo:
        member = await demo.started("app")

        assert await demo.says(member.id, "cat", "/data/app.db") == "rows"
        assert len(await demo.place.volumes("demo")) == 1


async def test_memory_is_mounted_with_its_size_and_empty_at_each_start(home: Home) -> None:
    fields = "tmpfs: ['/scratch:size=1m,mode=700']\n    volumes: [{type: tmpfs, target: /other}]"
    async with real(home, app(fields)) as demo:
        member = await demo.started("app")
        assert await demo.says(member.id, "stat", "-fc", "%T", "/scratch", "/other") == "tmpfs\ntmpfs"
        assert await demo.says(member.id, "stat", "-c", "%a", "/scratch", "/other") == "700\n1777"
        await demo.says(member.id, "touch", "/scratch/x")
        await demo.place.restart(member, grace=None, signal="SIGKILL", signalled=lambda signal, left: None)

        assert await demo.says(member.id, "ls", "-A", "/scratch") == ""


async def test_a_read_only_root_takes_nothing_but_where_a_volume_is(home: Home) -> None:
    fields = "read_only: true\n    tmpfs: [/run]\n    volumes: ['data:/data']"
    async with real(home, app(fields, more="volumes: {data: }")) as demo:
        member = await demo.started("app")
        ended, _ = await demo.run(member.id, "touch", "/x")
        assert not ended.ok
        await demo.says(member.id, "touch", "/run/x", "/data/x")


SECRETS = """
secrets:
  given: {environment: TOKEN}
configs:
  filed: {file: %s}
  inline: {content: "hello"}
"""


@pytest.mark.root
async def test_secrets_and_configs_are_there_before_each_start_and_are_left_nowhere(home: Home) -> None:
    file = home.path / "config.txt"
    file.write_text("from a file")
    fields = (
        "user: '1001'\n    secrets: [{source: given, uid: '1001', gid: '1001', mode: '0400'}]\n"
        "    configs: [filed, {source: inline, target: /etc/app.conf}]"
    )
    text = app(fields, more=SECRETS % file)
    project = a_project(text, home.path, TOKEN="s3cret")
    async with real(home, project) as demo:
        member = await demo.started("app")
        assert await demo.says(member.id, "cat", "/run/secrets/given") == "s3cret"
        assert await demo.says(member.id, "stat", "-c", "%u:%g %a", "/run/secrets/given") == "1001:1001 400"
        assert await demo.says(member.id, "cat", "/filed", "/etc/app.conf") == "from a filehello"
        ended, _ = await demo.run(member.id, "sh", "-c", "echo x > /run/secrets/given", user="0:0")
        assert not ended.ok or await demo.says(member.id, "cat", "/run/secrets/given") == "s3cret"
        await demo.stop(member)
        await demo.start(member)
        assert await demo.says(member.id, "cat", "/run/secrets/given") == "s3cret"
        assert found_below(home.path, b"s3cret") != []
        await demo.place.remove(member.id)
        assert found_below(home.path, b"s3cret") == []


def found_below(directory: Path, text: bytes) -> list[Path]:
    return [one for one in directory.rglob("*") if one.is_file() and text in one.read_bytes()]


async def test_a_bind_of_nothing_is_made_as_a_directory(home: Home) -> None:
    async with real(home, app("volumes: ['./made:/made', './made:/seen:ro']")) as demo:
        member = await demo.started("app")
        await demo.says(member.id, "touch", "/made/x")
        ended, _ = await demo.run(member.id, "touch", "/seen/y")

        assert not ended.ok
        assert [one.name for one in (home.path / "made").iterdir()] == ["x"]


async def test_a_one_off_has_what_it_is_told_beside_the_service(home: Home) -> None:
    text = app("environment: {A: service, B: service}\n    restart: always\n    volumes: ['data:/data']",
               more="volumes: {data: }")  # fmt: skip
    oneoff = OneOff(
        command=("sh", "-c", 'echo "$A $B $PWD"; ls /more; exit 9'),
        environment=(("B", "run"),),
        working_dir="/tmp",
        volumes=("data:/more",),
    )
    async with real(home, text) as demo:
        await demo.prepared()
        member = await demo.create("app", oneoff=oneoff)
        await demo.start(member)
        ended = await demo.place.wait(member.id)

        assert (member.oneoff, member.number, ended.code) == (True, 0, 9)
        assert await demo.log(member.id) == ["service run /tmp", "app.db", "inner"]


async def test_an_external_volume_that_has_gone_meanwhile_is_not_made(home: Home) -> None:
    text = app("volumes: ['data:/data']", more="volumes: {data: {external: true}}")
    async with real(home, text) as demo:
        await demo.place.runtime.create_volume("data", {}, mode=0o755)
        ready = await demo.place.prepare(demo.project, demo.project.services, ImageWishes(), demo.events)
        await demo.place.runtime.remove_volume("data")
        with pytest.raises(NotFound, match="external volume"):
            await demo.place.create_volumes(demo.project, ready, demo.events)


async def test_the_volumes_of_others_are_never_removed(home: Home) -> None:
    text = app("volumes: ['data:/data']", more="volumes: {data: {external: true}}")
    async with real(home, text) as demo:
        await demo.place.runtime.create_volume("data", {}, mode=0o755)
        await demo.started("app")
        assert await demo.place.remove_volumes(demo.project, demo.events) == 0
        assert len(await demo.place.runtime.list_volumes({})) == 1
