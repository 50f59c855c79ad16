from __future__ import annotations

from pathlib import Path

import pytest

from boathook.errors import ImageUnavailable, NotFound, UsageError
from boathook.home import Home
from boathook.images import ImageResolver, ImageStore, PullPolicy
from boathook.images.reference import parse
from tests.images.build import docker_archive, entry, laid, layer, tree
from tests.images.registries import OwnRegistry, RunningRegistry, an_image

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
        (PullPolicy.ALWAYS, True, "no pulling (offline)"),
    ],
)
async def test_an_unknown_image_is_an_error_with_what_was_tried_and_the_remedy(
    home: Home, policy: PullPolicy, offline: bool, tried: str
) -> None:
    with pytest.raises(ImageUnavailable) as missing:
        await a_resolver(home, offline).resolve("team/nope:1", policy)

    assert str(missing.value) == (
        f'image "team/nope:1" not found: tried image map (empty), local store, {tried}, '
        "stand-ins (agnhost, alpine, busybox)"
    )
    assert missing.value.reason == ("ErrImageNeverPull" if policy is PullPolicy.NEVER else "ErrImagePull")
    assert "boathook image import" in str(missing.value.hint)
    assert "--image-map team/nope:1=rootfs:DIR" in str(missing.value.hint)


@pytest.mark.parametrize("source", ["oci:", "docker-daemon:x", "rootfs:", "nonsense", "docker-archive"])
async def test_a_source_that_cannot_be_used_is_refused_by_name(home: Home, source: str) -> None:
    with pytest.raises(UsageError, match=f'source "{source}" is '):
        await a_resolver(home, app=source).resolve("app", LOCAL)


async def test_a_source_that_is_missing_is_told(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such directory"):
        await a_resolver(home, app=f"rootfs:{tmp_path}/nope").resolve("app", LOCAL)
    with pytest.raises(NotFound, match='OCI layout "/nope": it has no "oci-layout"'):
        await a_resolver(home, app="oci:/nope").resolve("app", LOCAL)
    with pytest.raises(NotFound, match="no such file"):
        await a_resolver(home, app=f"docker-archive:{tmp_path}/nope").resolve("app", LOCAL)


async def test_what_is_known_can_be_asked_before_anything_is_made(home: Home, tmp_path: Path) -> None:
    resolver = a_resolver(home, mapped="host")
    stored(home, tmp_path, "mine:1")

    assert [resolver.known(name) for name in ("mapped", "mine:1", "alpine:3")] == [True, True, True]
    assert not resolver.known("mine:2")
    assert resolver.check("mine:2") is None
    assert ImageResolver(home, {}, offline=True).check("mine:2") is not None
    assert resolver.check("BAD") == 'image "BAD": invalid reference format: repository name must be lowercase'
    assert not (home.images / "stand-in").exists()


@pytest.mark.behaviour("deps:22")
async def test_an_image_is_pulled_once_and_then_comes_from_the_store(home: Home, own_registry: OwnRegistry) -> None:
    own_registry.put("app", "1", an_image(layer(entry("f", "x")), config={"Cmd": ["/f"]}))
    name = f"{own_registry.name}/app:1"

    first = await a_resolver(home).resolve(name, PullPolicy.IF_NOT_PRESENT)
    asked = len(own_registry.requests)
    second = await a_resolver(home).resolve(name, PullPolicy.IF_NOT_PRESENT)

    assert (first.origin, first.config.command, laid(first.layers)) == ("pulled", ("/f",), {"f": "x"})
    assert (second.origin, second.layers) == ("local store", first.layers)
    assert len(own_registry.requests) == asked


@pytest.mark.behaviour("deps:22")
@pytest.mark.parametrize(("policy", "offline"), [(PullPolicy.NEVER, False), (PullPolicy.ALWAYS, True)])
async def test_nothing_is_asked_where_nothing_may_be_pulled(
    home: Home, own_registry: OwnRegistry, policy: PullPolicy, offline: bool
) -> None:
    own_registry.put("app", "1", an_image(layer(entry("f", "x"))))
    name = f"{own_registry.name}/app:1"

    with pytest.raises(ImageUnavailable):
        await a_resolver(home, offline).resolve(name, policy)
    assert own_registry.requests == []
    await a_resolver(home).resolve(name, PullPolicy.IF_NOT_PRESENT)
    assert (await a_resolver(home, offline).resolve(name, policy)).origin == "local store"


async def test_always_asks_the_registry_for_what_the_name_stands_for_now(home: Home, own_registry: OwnRegistry) -> None:
    name = f"{own_registry.name}/app:1"
    own_registry.put("app", "1", an_image(layer(entry("f", "old"))))
    await a_resolver(home).resolve(name, PullPolicy.ALWAYS)
    own_registry.put("app", "1", an_image(layer(entry("f", "new"))))

    assert laid((await a_resolver(home).resolve(name, PullPolicy.IF_NOT_PRESENT)).layers) == {"f": "old"}
    newer = await a_resolver(home).resolve(name, PullPolicy.ALWAYS)
    same = await a_resolver(home).resolve(name, PullPolicy.ALWAYS)

    assert (newer.origin, same.origin) == ("pulled", "local store")
    assert laid(same.layers) == {"f": "new"}


async def test_always_does_not_take_a_pulled_image_unasked(home: Home, own_registry: OwnRegistry) -> None:
    name = f"{own_registry.name}/app:1"
    own_registry.put("app", "1", an_image(layer(entry("f", "x"))))
    await a_resolver(home).resolve(name, PullPolicy.ALWAYS)
    own_registry.manifests.clear()

    with pytest.raises(ImageUnavailable, match="is in the local store, but imagePullPolicy Always") as failure:
        await a_resolver(home).resolve(name, PullPolicy.ALWAYS)

    assert failure.value.reason == "ErrImagePull"
    assert "--offline" in str(failure.value.hint)


async def test_always_takes_what_was_imported_and_says_why(home: Home, tmp_path: Path) -> None:
    stored(home, tmp_path, "127.0.0.1:1/app")

    image = await a_resolver(home).resolve("127.0.0.1:1/app", PullPolicy.ALWAYS)

    assert image.origin == "local store"
    assert "connection refused" in image.note


@pytest.mark.parametrize("policy", [PullPolicy.IF_NOT_PRESENT, PullPolicy.ALWAYS])
async def test_an_unreachable_registry_is_asked_once_where_a_stand_in_is_at_hand(
    home: Home, own_registry: OwnRegistry, policy: PullPolicy
) -> None:
    nowhere = "127.0.0.1:1/e2e/agnhost:2"

    first = await a_resolver(home).resolve(nowhere, policy)
    remembered = (home.images / "unreachable.json").read_text()
    second = await a_resolver(home).resolve(nowhere, policy)

    assert (first.origin, first.stand_in, first.note) == ("stand-in", True, second.note)
    assert "registry 127.0.0.1:1 cannot be reached: tried https://127.0.0.1:1/v2/" in first.note
    assert (home.images / "unreachable.json").read_text() == remembered
    with pytest.raises(ImageUnavailable, match="connection refused"):
        await a_resolver(home).resolve("127.0.0.1:1/other:2", policy)


async def test_a_registry_that_has_a_listed_name_comes_before_its_stand_in(
    home: Home, registry: RunningRegistry
) -> None:
    registry.push("e2e/agnhost", "2", an_image(layer(entry("agnhost", "real"))))

    image = await a_resolver(home).resolve(f"{registry.name}/e2e/agnhost:2", LOCAL)
    other = await a_resolver(home).resolve(f"{registry.name}/e2e/agnhost:3", LOCAL)

    assert (image.stand_in, laid(image.layers)) == (False, {"agnhost": "real"})
    assert (other.stand_in, 'has no tag "3"' in other.note) == (True, True)


async def test_content_that_is_not_what_it_says_has_no_stand_in(home: Home, own_registry: OwnRegistry) -> None:
    own_registry.put("busybox", "1", an_image(layer(entry("f", "x"))))
    own_registry.blobs = {digest: bytes(len(blob)) for digest, blob in own_registry.blobs.items()}

    with pytest.raises(UsageError, match="is refused"):
        await a_resolver(home).resolve(f"{own_registry.name}/busybox:1", LOCAL)
