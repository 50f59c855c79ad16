from __future__ import annotations

from pathlib import Path

import pytest

from boathook.errors import NotFound, UsageError
from boathook.home import Home
from boathook.images import ImageResolver, ImageStore, PullPolicy
from boathook.images.reference import parse
from tests.images.build import docker_archive, entry, layer, tree

pytestmark = pytest.mark.anyio

LOCAL = PullPolicy.IF_NOT_PRESENT


def a_resolver(home: Home, offline: bool = False, **image_map: str) -> ImageResolver:
    return ImageResolver(home, image_map, offline=offline)


def stored(home: Home, tmp_path: Path, name: str) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (source / "from-store").touch()
    ImageStore(home).import_directory(source, parse(name), base=None, changes=())


async def test_the_image_map_comes_before_the_store_and_the_store_before_stand_ins(home: Home, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()

    assert (await a_resolver(home).resolve("busybox", LOCAL)).origin == "stand-in"
    stored(home, tmp_path, "busybox")
    assert (await a_resolver(home).resolve("busybox", LOCAL)).origin == "local store"
    assert (await a_resolver(home, busybox=f"rootfs:{root}").resolve("busybox", LOCAL)).origin == "image map"


async def test_an_entry_by_name_comes_before_a_pattern(home: Home, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    resolver = ImageResolver(home, {"app*": "host", "app:1": f"rootfs:{tmp_path}/one"}, offline=False)

    assert (await resolver.resolve("app:1", LOCAL)).layers == (tmp_path / "one",)
    assert (await resolver.resolve("app:2", LOCAL)).host_system


@pytest.mark.parametrize("key", ["team/app:1", "team/app", "docker.io/team/app:1", "*/app:*", "docker.io/team/*"])
async def test_an_entry_may_be_written_in_any_spelling(home: Home, key: str) -> None:
    image = await ImageResolver(home, {key: "host"}, offline=False).resolve("team/app:1", LOCAL)

    assert (image.reference, image.stand_in, image.host_system) == ("team/app:1", False, True)


@pytest.mark.behaviour("deps:23")
async def test_an_archive_in_the_map_is_unpacked_once(home: Home, tmp_path: Path) -> None:
    archive = docker_archive(tmp_path / "a.tar", layer(entry("f", "x")), config={"Cmd": ["/f"]})
    resolver = a_resolver(home, app=f"docker-archive:{archive}")

    first = await resolver.resolve("app", LOCAL)
    inode = (first.layers[0] / "f").stat().st_ino
    second = await resolver.resolve("app", LOCAL)

    assert (first.origin, first.config.command, tree(first.layers[0])) == ("image map", ("/f",), {"f": "x"})
    assert second == first
    assert (second.layers[0] / "f").stat().st_ino == inode


@pytest.mark.behaviour("deps:22")
@pytest.mark.parametrize(
    ("policy", "offline", "tried"),
    [
        (PullPolicy.NEVER, False, "no pulling (imagePullPolicy Never)"),
        (PullPolicy.IF_NOT_PRESENT, True, "no pulling (offline)"),
        (PullPolicy.ALWAYS, False, "pulling (not there yet)"),
    ],
)
async def test_an_unknown_image_is_an_error_with_what_was_tried_and_the_remedy(
    home: Home, policy: PullPolicy, offline: bool, tried: str
) -> None:
    with pytest.raises(NotFound) as missing:
        await a_resolver(home, offline).resolve("team/nope:1", policy)

    assert str(missing.value) == (
        f'image "team/nope:1" not found: tried image map (empty), local store, {tried}, '
        "stand-ins (agnhost, alpine, busybox)"
    )
    assert "boathook image import" in str(missing.value.hint)
    assert "--image-map team/nope:1=rootfs:DIR" in str(missing.value.hint)


@pytest.mark.parametrize("source", ["oci:/x", "docker-daemon:x", "rootfs:", "nonsense", "docker-archive"])
async def test_a_source_that_cannot_be_used_is_refused_by_name(home: Home, source: str) -> None:
    with pytest.raises(UsageError, match=f'source "{source}" is '):
        await a_resolver(home, app=source).resolve("app", LOCAL)


async def test_a_source_that_is_missing_is_told(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such directory"):
        await a_resolver(home, app=f"rootfs:{tmp_path}/nope").resolve("app", LOCAL)
    with pytest.raises(NotFound, match="no such file"):
        await a_resolver(home, app=f"docker-archive:{tmp_path}/nope").resolve("app", LOCAL)


async def test_what_is_known_can_be_asked_before_anything_is_made(home: Home, tmp_path: Path) -> None:
    resolver = a_resolver(home, mapped="host")
    stored(home, tmp_path, "mine:1")

    assert [resolver.known(name) for name in ("mapped", "mine:1", "alpine:3")] == [True, True, True]
    assert resolver.check("mine:2") is not None
    assert resolver.check("BAD") == 'image "BAD": invalid reference format: repository name must be lowercase'
    assert not (home.images / "stand-in").exists()
