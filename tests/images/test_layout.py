from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from boathook.errors import NotFound, UsageError
from boathook.home import Home
from boathook.images import ImageResolver, ImageStore, PullPolicy
from boathook.images.importing import import_source
from boathook.images.layout import split_layout
from boathook.images.manifest import Platform
from boathook.images.reference import parse
from tests.images.build import entry, laid, layer
from tests.images.registries import PushedImage, an_image, an_index, described, digest_of

HERE = str(Platform.of_this_machine())
BASE = layer(entry("etc"), entry("etc/gone", "1"), entry("etc/kept", "1"))
TOP = layer(entry("etc/.wh.gone", ""), entry("etc/new", "2"), compressed=True)
LAID = {"etc": "/", "etc/kept": "1", "etc/new": "2"}


def an_oci_layout(directory: Path, **images: PushedImage) -> Path:
    """Images by their names."""
    entries = []
    put(directory)
    for name, image in images.items():
        put(directory, image.manifest, *image.blobs)
        named = {"annotations": {"org.opencontainers.image.ref.name": name}} if name != "unnamed" else {}
        entries.append(described(image.manifest, image.media_type) | named)
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    return directory


def put(directory: Path, *blobs: bytes) -> None:
    (directory / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    for blob in blobs:
        (directory / "blobs/sha256" / hashlib.sha256(blob).hexdigest()).write_bytes(blob)


@pytest.mark.anyio
@pytest.mark.behaviour("deps:23")
async def test_a_layout_in_the_image_map_is_unpacked_once(home: Home, tmp_path: Path) -> None:
    place = an_oci_layout(tmp_path / "oci", v1=an_image(BASE, TOP, config={"Cmd": ["/x"]}, oci=True))
    resolver = ImageResolver(home, {"app": f"oci:{place}:v1"}, offline=False)

    first = await resolver.resolve("app", PullPolicy.IF_NOT_PRESENT)
    inode = (first.layers[1] / "etc/new").stat().st_ino
    second = await resolver.resolve("app", PullPolicy.IF_NOT_PRESENT)

    assert (first.origin, first.config.command, laid(first.layers)) == ("image map", ("/x",), LAID)
    assert second == first
    assert (second.layers[1] / "etc/new").stat().st_ino == inode


@pytest.mark.parametrize("source", ["{}", "oci:{}", "oci:{}:v1"])
def test_a_layout_is_imported_under_the_given_name(home: Home, tmp_path: Path, source: str) -> None:
    place = an_oci_layout(tmp_path / "oci", v1=an_image(BASE, TOP, oci=True))

    (stored,) = import_source(home, source.format(place), "team/app:2", base=None, changes=())

    assert stored.tags == ("docker.io/team/app:2",)
    image = ImageStore(home).find(parse("team/app:2"))
    assert image is not None
    assert laid(image.layers) == LAID


def test_images_of_a_layout_that_have_whole_names_are_all_imported(home: Home, tmp_path: Path) -> None:
    images = {"registry.test/a:1": an_image(BASE, oci=True), "registry.test/b:1": an_image(BASE, TOP, oci=True)}
    place = an_oci_layout(tmp_path / "oci", **images)

    stored = import_source(home, str(place), None, base=None, changes=())

    assert [image.tags for image in stored] == [("registry.test/a:1",), ("registry.test/b:1",)]


def test_an_archived_layout_is_imported(home: Home, tmp_path: Path) -> None:
    place = an_oci_layout(tmp_path / "oci", v1=an_image(BASE, TOP, oci=True))
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(place, arcname=".")

    import_source(home, str(tmp_path / "a.tar"), "app", base=None, changes=())

    image = ImageStore(home).find(parse("app"))
    assert image is not None
    assert laid(image.layers) == LAID
    assert not list(home.images.glob("new-*"))


def test_of_an_index_in_a_layout_this_machines_image_is_taken(home: Home, tmp_path: Path) -> None:
    images = {"linux/s390x": an_image(TOP, oci=True), HERE: an_image(BASE, oci=True)}
    place = an_oci_layout(tmp_path / "oci")
    index, kind = an_index(images)
    put(place, index, *(blob for image in images.values() for blob in (image.manifest, *image.blobs)))
    (place / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described(index, kind)]}))

    import_source(home, str(place), "app", base=None, changes=())

    image = ImageStore(home).find(parse("app"))
    assert image is not None
    assert "etc/gone" in laid(image.layers)


def test_a_layout_without_a_name_needs_one(home: Home, tmp_path: Path) -> None:
    for name in ("unnamed", "v1"):
        place = an_oci_layout(tmp_path / name, **{name: an_image(BASE, oci=True)})
        with pytest.raises(UsageError, match="needs a name to be imported as"):
            import_source(home, str(place), None, base=None, changes=())


def test_what_a_layout_does_not_have_is_told_with_what_it_has(home: Home, tmp_path: Path) -> None:
    place = an_oci_layout(tmp_path / "oci", one=an_image(BASE, oci=True), two=an_image(TOP, oci=True))

    with pytest.raises(NotFound, match='has no image "three": it has one, two'):
        import_source(home, f"oci:{place}:three", "app", base=None, changes=())
    with pytest.raises(NotFound, match="has several images: one, two"):
        import_source(home, f"oci:{place}", "app", base=None, changes=())


@pytest.mark.parametrize("victim", range(3))
def test_a_blob_that_is_not_what_it_is_called_is_refused(home: Home, tmp_path: Path, victim: int) -> None:
    image = an_image(BASE, oci=True)
    place = an_oci_layout(tmp_path / "oci", v1=image)
    name = digest_of((image.manifest, *image.blobs)[victim]).partition(":")[2]
    (place / "blobs/sha256" / name).write_bytes(b"evil")

    with pytest.raises(UsageError, match="is refused"):
        import_source(home, str(place), "app", base=None, changes=())
    (place / "blobs/sha256" / name).unlink()
    with pytest.raises(UsageError, match="is incomplete"):
        import_source(home, str(place), "app", base=None, changes=())
    assert ImageStore(home).list() == ()


def test_a_colon_in_a_directorys_own_name_is_no_tag(tmp_path: Path) -> None:
    (tmp_path / "a:b").mkdir()

    assert split_layout(f"{tmp_path}/a:b") == (tmp_path / "a:b", "")
    assert split_layout(f"{tmp_path}/a:b:c") == (tmp_path / "a:b", "c")
    assert split_layout(f"{tmp_path}/none") == (tmp_path / "none", "")


def test_base_and_change_are_not_for_a_layout(home: Home, tmp_path: Path) -> None:
    place = an_oci_layout(tmp_path / "oci", v1=an_image(BASE, oci=True))

    with pytest.raises(UsageError, match="has its own configuration"):
        import_source(home, str(place), "app", base=None, changes=("USER 1",))
