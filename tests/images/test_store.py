from __future__ import annotations

import io
import multiprocessing
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from boathook.errors import Conflict, NotFound, UsageError
from boathook.home import Home
from boathook.images.archive import open_archive
from boathook.images.importing import import_source
from boathook.images.model import Image
from boathook.images.reference import parse
from boathook.images.store import ImageStore
from tests.images.build import docker_archive, docker_archive_of, entry, laid, layer, tree


@dataclass
class SteppingClock:
    time: datetime = field(default=datetime(2030, 1, 1, tzinfo=UTC))

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


def a_directory(path: Path, text: str = "x") -> Path:
    (path / "opt").mkdir(parents=True)
    (path / "opt/f").write_text(text)
    return path


def found(store: ImageStore, name: str) -> Image:
    image = store.find(parse(name))
    assert image is not None
    return image


def test_a_directory_becomes_an_image_with_the_given_configuration(home: Home, tmp_path: Path) -> None:
    source = a_directory(tmp_path / "src")
    source.chmod(0o700)

    (stored,) = import_source(home, str(source), "team/app:1", base=None, changes=("CMD sleep 5", "USER 1001"))

    image = found(ImageStore(home), "team/app:1")
    assert stored.tags == ("docker.io/team/app:1",)
    assert (image.origin, image.stand_in, image.host_system) == ("local store", False, False)
    assert image.config.command == ("/bin/sh", "-c", "sleep 5")
    assert image.config.user == "1001"
    assert tree(image.layers[0]) == {"opt": "/", "opt/f": "x"}
    assert image.layers[0].stat().st_mode & 0o777 == 0o755


@pytest.mark.behaviour("deps:23")
def test_a_docker_archive_and_a_directory_of_the_same_content_give_the_same_tree(home: Home, tmp_path: Path) -> None:
    archive = docker_archive(
        tmp_path / "a.tar",
        layer(entry("opt"), entry("opt/f", "old"), entry("opt/gone", "x")),
        layer(entry("opt/f", "x"), entry("opt/.wh.gone", "")),
        tags=("app:1", "app:latest"),
        config={"Entrypoint": ["/opt/f"], "Env": ["A=b"], "User": "5"},
    )

    (stored,) = import_source(home, f"docker-archive:{archive}", None, base=None, changes=())
    import_source(home, f"rootfs:{a_directory(tmp_path / 'src')}", "dir", base=None, changes=())

    store = ImageStore(home)
    assert stored.tags == ("docker.io/library/app:1", "docker.io/library/app:latest")
    assert laid(found(store, "app").layers) == tree(found(store, "dir").layers[0])
    config = found(store, "app:1").config
    assert (config.entrypoint, config.user) == (("/opt/f",), "5")
    assert dict(config.environment)["A"] == "b"


def test_an_image_over_a_stand_in_has_its_layers_configuration_and_the_hosts_system(home: Home, tmp_path: Path) -> None:
    import_source(home, str(a_directory(tmp_path / "src")), "backend", base="agnhost:2", changes=("USER 7",))
    import_source(home, str(a_directory(tmp_path / "more", "y")), "above", base="backend", changes=())

    store = ImageStore(home)
    backend, above = found(store, "backend"), found(store, "above")
    assert backend.host_system
    assert len(backend.layers) == 3
    assert (backend.config.entrypoint, backend.config.user) == (("/agnhost",), "7")
    assert above.layers[:3] == backend.layers
    assert above.config == backend.config
    assert (above.layers[-1] / "opt/f").read_text() == "y"


def test_an_unknown_base_is_refused_and_leaves_nothing(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match='base image "nope"'):
        import_source(home, str(a_directory(tmp_path / "src")), "app", base="nope", changes=())

    assert ImageStore(home).list() == ()


def test_a_plain_archive_of_a_root_file_system_needs_a_name(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "root.tar"
    file.write_bytes(layer(entry("opt"), entry("opt/f", "x")))

    with pytest.raises(UsageError, match="needs a name"):
        import_source(home, str(file), None, base=None, changes=())
    import_source(home, str(file), "plain", base=None, changes=("CMD x",))

    assert tree(found(ImageStore(home), "plain").layers[0]) == {"opt": "/", "opt/f": "x"}


def test_the_same_content_twice_is_one_image_with_two_names(home: Home, tmp_path: Path) -> None:
    source = a_directory(tmp_path / "src")

    import_source(home, str(source), "one", base=None, changes=())
    (second,) = import_source(home, str(source), "two", base=None, changes=())

    assert second.tags == ("docker.io/library/one:latest", "docker.io/library/two:latest")
    assert len(ImageStore(home).list()) == 1


def test_a_name_that_is_given_again_moves_to_the_new_image(home: Home, tmp_path: Path) -> None:
    store = ImageStore(home, clock=SteppingClock())
    for number in (1, 2):
        source = a_directory(tmp_path / str(number), str(number))
        store.import_directory(source, parse("app"), base=None, changes=())

    newest, oldest = store.list()

    assert newest.tags == ("docker.io/library/app:latest",)
    assert oldest.tags == ()
    assert (found(store, "app").layers[0] / "opt/f").read_text() == "2"


def test_an_image_goes_with_its_last_name(home: Home, tmp_path: Path) -> None:
    source = a_directory(tmp_path / "src")
    store = ImageStore(home)
    for name in ("one", "two"):
        store.import_directory(source, parse(name), base=None, changes=())
    (stored,) = store.list()

    assert store.remove("one") == ("Untagged: one:latest",)
    assert store.remove("two") == ("Untagged: two:latest", f"Deleted: sha256:{stored.id}")
    assert store.list() == ()
    assert os.listdir(home.images / "store") == []


def test_an_image_can_be_removed_by_the_beginning_of_its_id(home: Home, tmp_path: Path) -> None:
    store = ImageStore(home)
    stored = store.import_directory(a_directory(tmp_path / "src"), parse("app"), base=None, changes=())

    assert store.remove(stored.short_id)[-1] == f"Deleted: sha256:{stored.id}"


def test_an_image_that_something_stands_on_is_kept(home: Home, tmp_path: Path) -> None:
    store = ImageStore(home)
    store.import_directory(a_directory(tmp_path / "src"), parse("base"), base=None, changes=())
    layer_in_use = found(store, "base").layers[0]

    with pytest.raises(Conflict, match="in use by a container"):
        store.remove("base", in_use=frozenset({layer_in_use}))
    store.import_directory(a_directory(tmp_path / "more", "y"), parse("above"), base="base", changes=())
    with pytest.raises(Conflict, match="is the base of"):
        store.remove("base")

    assert store.find(parse("base")) is not None


@pytest.mark.parametrize("name", ["nope", "UPPER", "0123456789ab"])
def test_removing_what_is_not_there_is_an_error(home: Home, name: str) -> None:
    with pytest.raises(NotFound, match="no such image"):
        ImageStore(home).remove(name)


def test_an_archive_of_several_images_is_imported_under_its_own_names(home: Home, tmp_path: Path) -> None:
    one, two = layer(entry("a", "1")), layer(entry("a", "2"))
    file = docker_archive_of(tmp_path / "a.tar", [(("one",), {}, (one,)), (("two",), {}, (one, two))])

    with pytest.raises(UsageError, match="holds 2 images"):
        import_source(home, str(file), "x", base=None, changes=())
    import_source(home, str(file), None, base=None, changes=())

    assert laid(found(ImageStore(home), "two").layers) == {"a": "2"}
    assert laid(found(ImageStore(home), "one").layers) == {"a": "1"}
    assert found(ImageStore(home), "two").layers[0] == found(ImageStore(home), "one").layers[0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.json", b"{", "is not JSON"),
        ("manifest.json", b"{}", "is not a list"),
        ("manifest.json", b"[{}]", "malformed"),
        ("manifest.json", b'[{"Config": "c", "Layers": []}]', '"c" is missing'),
    ],
)
def test_a_malformed_archive_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    file = tmp_path / "a.tar"
    file.write_bytes(layer(entry(name, content.decode())))

    with pytest.raises(UsageError, match=message), open_archive(file):
        pass


def test_a_failed_import_leaves_nothing_behind(home: Home, tmp_path: Path) -> None:
    file = docker_archive(tmp_path / "a.tar", layer(entry("ok", "x"), entry("../evil", "x")))

    with pytest.raises(UsageError, match="leads out of the root"):
        import_source(home, str(file), None, base=None, changes=())

    assert sorted(os.listdir(home.images)) == ["lock", "store"]
    assert os.listdir(home.images / "store") == []


def test_what_a_killed_import_left_is_removed_by_the_next(home: Home, tmp_path: Path) -> None:
    left = home.images / "new-left"
    (left / "root/d").mkdir(parents=True)
    (left / "root/d").chmod(0o000)

    import_source(home, str(a_directory(tmp_path / "src")), "app", base=None, changes=())

    assert not left.exists()


def test_several_processes_may_import_at_once(home: Home, tmp_path: Path) -> None:
    spawning = multiprocessing.get_context("spawn")
    workers = [
        spawning.Process(target=_import_in_child, args=(home.path, a_directory(tmp_path / str(n), str(n)), f"app:{n}"))
        for n in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert {tag for image in ImageStore(home).list() for tag in image.tags} == {
        f"docker.io/library/app:{n}" for n in range(3)
    }


def _import_in_child(home: Path, source: Path, name: str) -> None:
    import_source(Home(home), str(source), name, base=None, changes=())


def test_a_file_that_is_no_archive_is_refused(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    file.write_bytes(io.BytesIO(b"text").getvalue())

    with pytest.raises(UsageError, match="cannot be read"):
        import_source(home, str(file), "x", base=None, changes=())
    with pytest.raises(NotFound, match="no such file"):
        import_source(home, str(tmp_path / "nope"), "x", base=None, changes=())


def test_pruning_removes_what_has_no_name_and_what_no_image_needs(home: Home, tmp_path: Path) -> None:
    base, top = layer(entry("base", "b" * 1000)), layer(entry("top", "t" * 1000))
    kept = docker_archive(tmp_path / "kept.tar", base, tags=("kept:1",))
    gone = docker_archive(tmp_path / "gone.tar", base, top, tags=("gone:1",))
    store = ImageStore(home)
    for file in (kept, gone):
        import_source(home, str(file), None, base=None, changes=())
    import_source(home, str(a_directory(tmp_path / "src")), "gone:1", base=None, changes=())
    (home.images / "blobs").mkdir()
    (home.images / "blobs/sha256-0.part").write_bytes(b"x" * 10)

    pruned = store.prune(everything=False)

    assert [line.partition(":")[0] for line in pruned.lines] == ["Deleted"]
    assert (pruned.freed, pruned.waiting) == (1010, False)
    assert sorted(tag for image in store.list() for tag in image.tags) == [
        "docker.io/library/gone:1", "docker.io/library/kept:1",
    ]  # fmt: skip
    assert laid(found(store, "kept:1").layers) == {"base": "b" * 1000}
    assert os.listdir(home.images / "blobs") == []


def test_pruning_everything_keeps_what_containers_stand_on(home: Home, tmp_path: Path) -> None:
    base, top = layer(entry("base", "b")), layer(entry("top", "t"))
    import_source(home, str(docker_archive(tmp_path / "a.tar", base, top, tags=("used",))), None, base=None, changes=())
    import_source(home, str(docker_archive(tmp_path / "b.tar", base, tags=("below",))), None, base=None, changes=())
    import_source(home, str(a_directory(tmp_path / "src")), "unused", base=None, changes=())
    store = ImageStore(home)
    in_use = frozenset(found(store, "used").layers)

    store.prune(everything=True, in_use=in_use)

    assert [image.tags for image in store.list()] == [("docker.io/library/used:latest",)]
    assert all(path.is_dir() for path in in_use)


def test_a_layer_goes_with_the_last_image_that_has_it(home: Home, tmp_path: Path) -> None:
    base, top = layer(entry("base", "b")), layer(entry("top", "t"))
    import_source(home, str(docker_archive(tmp_path / "a.tar", base, top, tags=("one",))), None, base=None, changes=())
    import_source(home, str(docker_archive(tmp_path / "b.tar", base, tags=("two",))), None, base=None, changes=())
    store = ImageStore(home)

    store.remove("one")
    assert len(os.listdir(home.images / "layers")) == 1
    store.remove("two")
    assert os.listdir(home.images / "layers") == []


def test_an_image_of_an_older_store_is_as_if_it_were_not_there(home: Home) -> None:
    (home.images / "store/abcd").mkdir(parents=True)
    (home.images / "store/abcd/image.json").write_text("{}")
    (home.images / "tags.json").write_text('{"docker.io/library/app:latest": "abcd"}')

    assert ImageStore(home).find(parse("app")) is None
    assert ImageStore(home).list() == ()
