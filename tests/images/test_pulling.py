from __future__ import annotations

import gzip
import json
import multiprocessing
import os
from pathlib import Path

import anyio
import pytest

from boathook.errors import NotFound, RegistryFailure, UsageError
from boathook.home import Home
from boathook.images import ImageStore
from boathook.images.manifest import Platform
from boathook.images.model import Image
from boathook.images.pulling import Progress, Pulled, pull
from boathook.images.reference import parse
from tests.images.build import entry, layer, tree
from tests.images.registries import (
    OwnRegistry,
    RunningRegistry,
    an_image,
    an_index,
    digest_of,
    running_registry,
)

pytestmark = pytest.mark.anyio

HERE = str(Platform.of_this_machine())
ELSEWHERE = "linux/s390x"


def found(home: Home, name: str) -> Image:
    image = ImageStore(home).find(parse(name))
    assert image is not None
    return image


async def pulled(home: Home, name: str, told: list[Progress] | None = None) -> Pulled:
    return await pull(ImageStore(home), parse(name), told.append if told is not None else None)


async def test_an_image_is_pulled_with_its_configuration_and_all_its_layers(
    home: Home, registry: RunningRegistry
) -> None:
    lower = layer(entry("etc"), entry("etc/old", "1"), entry("etc/kept", "1"), compressed=True)
    upper = layer(entry("etc/.wh.old", ""), entry("etc/new", "2", mode=0o640), compressed=True)
    config = {"Entrypoint": ["/run"], "Cmd": ["x"], "Env": ["A=b"], "User": "5", "WorkingDir": "/etc"}
    digest = registry.push("first/app", "1", an_image(lower, upper, config=config))

    result = await pulled(home, f"{registry.name}/first/app:1")

    image = found(home, f"{registry.name}/first/app:1")
    assert (result.fresh, result.digest, len(image.layers)) == (True, digest, 2)
    assert (image.config.entrypoint, image.config.command, image.config.user) == (("/run",), ("x",), "5")
    assert image.config.working_dir == "/etc"
    assert (image.layers[1] / "etc/new").stat().st_mode & 0o777 == 0o640
    assert os.listdir(home.images / "blobs") == []
    assert found(home, f"{registry.name}/first/app@{digest}").layers == image.layers


async def test_what_is_here_already_is_not_pulled_again(home: Home, registry: RunningRegistry) -> None:
    base, top, other = layer(entry("base", "b")), layer(entry("top", "t")), layer(entry("other", "o"))
    registry.push("again/one", "1", an_image(base, top))
    registry.push("again/two", "1", an_image(base, other))
    told: list[Progress] = []

    await pulled(home, f"{registry.name}/again/one:1")
    again = await pulled(home, f"{registry.name}/again/one:1")
    await pulled(home, f"{registry.name}/again/two:1", told)

    assert not again.fresh
    assert [each.state for each in told if each.state != "fetching"] == ["exists", "fetched", "complete"]
    assert len(os.listdir(home.images / "layers")) == 3
    one, two = (found(home, f"{registry.name}/again/{name}:1") for name in ("one", "two"))
    assert one.layers[0] == two.layers[0]


@pytest.mark.parametrize("oci", [True, False])
async def test_of_a_multi_platform_index_this_machines_image_is_taken(
    home: Home, registry: RunningRegistry, oci: bool
) -> None:
    repository = f"many/{'oci' if oci else 'docker'}"
    images = {
        ELSEWHERE: an_image(layer(entry("there", "x")), oci=oci),
        HERE: an_image(layer(entry("here", "x")), oci=oci),
    }
    for number, image in enumerate(images.values()):
        registry.push(repository, f"part{number}", image)
    digest = registry.push_manifest(repository, "1", *an_index(images, oci=oci))

    result = await pulled(home, f"{registry.name}/{repository}:1")

    assert result.digest == digest
    assert tree(found(home, f"{registry.name}/{repository}:1").layers[0]) == {"here": "x"}


async def test_an_image_for_other_platforms_only_is_refused_with_those_there_are(
    home: Home, registry: RunningRegistry
) -> None:
    image = an_image(layer(entry("x", "x")))
    registry.push("other/app", "part", image)
    registry.push_manifest("other/app", "1", *an_index({ELSEWHERE: image, "windows/amd64": image}))

    with pytest.raises(NotFound, match=f"is not there for {HERE}: only for linux/s390x, windows/amd64"):
        await pulled(home, f"{registry.name}/other/app:1")


async def test_a_name_follows_its_tag_to_another_image(home: Home, registry: RunningRegistry) -> None:
    name = f"{registry.name}/moving/app:1"
    for text in ("old", "new"):
        registry.push("moving/app", "1", an_image(layer(entry("f", text))))
        await pulled(home, name)

    newest, oldest = ImageStore(home).list()
    assert tree(found(home, name).layers[0]) == {"f": "new"}
    assert (newest.tags, oldest.tags) == ((name,), ())
    assert len(oldest.digests) == 1


@pytest.mark.parametrize("name", ["missing/app:1", "there/app:2"])
async def test_what_the_registry_does_not_have_is_told(home: Home, registry: RunningRegistry, name: str) -> None:
    registry.push("there/app", "1", an_image(layer(entry("x", "x"))))

    with pytest.raises(NotFound, match=r"has no tag .*manifest unknown"):
        await pulled(home, f"{registry.name}/{name}")
    assert ImageStore(home).list() == ()


async def test_a_registry_that_nobody_is_at_fails_at_once_with_what_was_tried(home: Home) -> None:
    with anyio.fail_after(3), pytest.raises(RegistryFailure) as failure:
        await pulled(home, "127.0.0.1:1/app:1")

    assert failure.value.unreachable
    assert str(failure.value) == (
        "registry 127.0.0.1:1 cannot be reached: tried https://127.0.0.1:1/v2/, http://127.0.0.1:1/v2/: "
        "connection refused"
    )


async def test_a_name_that_does_not_resolve_fails_at_once(home: Home) -> None:
    with anyio.fail_after(6), pytest.raises(RegistryFailure, match=r"registry registry\.invalid cannot be reached"):
        await pulled(home, "registry.invalid/app:1")


async def test_a_password_is_given_to_a_registry_that_asks_for_one(
    home: Home, tmp_path: Path, no_credentials: Path
) -> None:
    htpasswd = "me:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"  # secret
    with running_registry(tmp_path / "registry", htpasswd=htpasswd, authorization="Basic bWU6c2VjcmV0") as guarded:
        guarded.push("app", "1", an_image(layer(entry("x", "x"))))
        with pytest.raises(RegistryFailure, match=r"denies access to app \(anonymously\)"):
            await pulled(home, f"{guarded.name}/app:1")
        keep(no_credentials, guarded.name, {"auth": "bWU6c2VjcmV0"})
        await pulled(home, f"{guarded.name}/app:1")

    assert tree(found(home, f"{guarded.name}/app:1").layers[0]) == {"x": "x"}


async def test_a_token_is_asked_for_with_the_kept_password(
    home: Home, own_registry: OwnRegistry, no_credentials: Path
) -> None:
    own_registry.users = {"me": "secret"}
    own_registry.put("app", "1", an_image(layer(entry("x", "x"))))
    keep(no_credentials, own_registry.name, {"auth": "bWU6c2VjcmV0"})

    await pulled(home, f"{own_registry.name}/app:1")

    assert own_registry.asked_for("GET /token") == 1
    assert tree(found(home, f"{own_registry.name}/app:1").layers[0]) == {"x": "x"}


async def test_a_token_is_asked_for_with_the_kept_identity_token(
    home: Home, own_registry: OwnRegistry, no_credentials: Path
) -> None:
    own_registry.users, own_registry.identity_token = {"me": "secret"}, "refresh"
    own_registry.put("app", "1", an_image(layer(entry("x", "x"))))
    keep(no_credentials, own_registry.name, {"identitytoken": "refresh"})

    await pulled(home, f"{own_registry.name}/app:1")

    assert own_registry.asked_for("POST /token") == 1


async def test_a_wrong_password_is_told_and_not_tried_twice(
    home: Home, own_registry: OwnRegistry, no_credentials: Path
) -> None:
    own_registry.users = {"me": "secret"}
    keep(no_credentials, own_registry.name, {"username": "me", "password": "wrong"})

    with pytest.raises(RegistryFailure, match=r'denies access to app \(as "me"\): wrong password') as failure:
        await pulled(home, f"{own_registry.name}/app:1")

    assert "docker login" in str(failure.value.hint)
    assert own_registry.asked_for("GET /token") == 1


async def test_a_download_that_breaks_off_goes_on_where_it_was(home: Home, own_registry: OwnRegistry) -> None:
    content = layer(entry("big", "x" * 300_000))
    own_registry.put("app", "1", an_image(content))
    own_registry.break_after = {digest_of(content): [100_000, 50_000, 0]}

    await pulled(home, f"{own_registry.name}/app:1")

    asked = [request.rpartition(" ")[2] for request in own_registry.requests if digest_of(content) in request]
    assert asked[1:] == ["bytes=100000-", "bytes=150000-", "bytes=150000-"]
    assert (found(home, f"{own_registry.name}/app:1").layers[0] / "big").stat().st_size == 300_000


async def test_a_download_that_was_given_up_is_gone_on_with_by_the_next_pull(
    home: Home, own_registry: OwnRegistry
) -> None:
    content = layer(entry("big", "x" * 300_000))
    own_registry.put("app", "1", an_image(content))
    own_registry.break_after = {digest_of(content): [100_000, 0, 0, 0]}

    with pytest.raises(RegistryFailure, match="broke off"):
        await pulled(home, f"{own_registry.name}/app:1")
    await pulled(home, f"{own_registry.name}/app:1")

    assert own_registry.requests[-1].endswith("bytes=100000-")


async def test_a_server_without_ranges_sends_all_of_it_again(home: Home, own_registry: OwnRegistry) -> None:
    content = layer(entry("big", "x" * 300_000))
    own_registry.put("app", "1", an_image(content))
    own_registry.break_after, own_registry.no_ranges = {digest_of(content): [100_000]}, True

    await pulled(home, f"{own_registry.name}/app:1")

    assert (found(home, f"{own_registry.name}/app:1").layers[0] / "big").stat().st_size == 300_000


async def test_what_a_crash_damaged_is_fetched_again(home: Home, own_registry: OwnRegistry) -> None:
    content = layer(entry("big", "x" * 300_000))
    own_registry.put("app", "1", an_image(content))
    (home.images / "blobs").mkdir(parents=True)
    (home.images / "blobs" / f"{digest_of(content).replace(':', '-')}.part").write_bytes(b"\0" * 1000)

    await pulled(home, f"{own_registry.name}/app:1")

    assert own_registry.asked_for(digest_of(content)) == 2


async def test_content_with_a_wrong_digest_is_refused(home: Home, own_registry: OwnRegistry) -> None:
    content = layer(entry("x", "good"))
    image = an_image(content)
    own_registry.put("app", "1", image)
    own_registry.blobs[digest_of(content)] = layer(entry("x", "evil"))

    with pytest.raises(UsageError, match="is refused: what came has digest sha256:"):
        await pulled(home, f"{own_registry.name}/app:1")

    assert ImageStore(home).list() == ()
    assert not (home.images / "layers").exists()


async def test_a_manifest_with_a_wrong_digest_is_refused(home: Home, own_registry: OwnRegistry) -> None:
    digest = own_registry.put("app", "1", an_image(layer(entry("x", "good"))))
    evil = an_image(layer(entry("x", "evil")))
    own_registry.manifests[f"app@{digest}"] = (evil.manifest, evil.media_type)

    with pytest.raises(UsageError, match="is refused: its digest is"):
        await pulled(home, f"{own_registry.name}/app@{digest}")


async def test_a_layer_that_unpacks_to_something_else_is_refused(home: Home, own_registry: OwnRegistry) -> None:
    told, given = layer(entry("x", "good")), gzip.compress(layer(entry("x", "evil")))
    image = an_image(told)
    lying = type(image)(image.config, (given,))
    own_registry.put("app", "1", lying)

    with pytest.raises(UsageError, match="its configuration says"):
        await pulled(home, f"{own_registry.name}/app:1")

    assert not (home.images / "layers").exists()


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"schemaVersion": 1}, "version 1"),
        ({"schemaVersion": 2, "config": {}}, "malformed manifest"),
        (
            {"schemaVersion": 2, "config": {"mediaType": "a/chart", "digest": digest_of(b""), "size": 0}, "layers": []},
            'no container image but "a/chart"',
        ),
        (
            {"schemaVersion": 2, "config": {"mediaType": "a/b", "digest": "sha256:../../etc", "size": 0}},
            "none of sha256 or sha512",
        ),
    ],
)
async def test_a_manifest_that_is_no_images_is_refused(
    home: Home, own_registry: OwnRegistry, document: object, why: str
) -> None:
    own_registry.manifests["app:1"] = (json.dumps(document).encode(), "application/json")

    with pytest.raises(UsageError, match=why):
        await pulled(home, f"{own_registry.name}/app:1")


async def test_two_processes_may_pull_the_same_image_at_once(home: Home, own_registry: OwnRegistry) -> None:
    layers = tuple(layer(entry(f"f{number}", str(number) * 200_000)) for number in range(4))
    own_registry.put("app", "1", an_image(*layers))
    name = f"{own_registry.name}/app:1"
    spawning = multiprocessing.get_context("spawn")
    workers = [spawning.Process(target=_pull_in_child, args=(home.path, name)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        await anyio.to_thread.run_sync(worker.join)

    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(found(home, name).layers) == 4
    assert sorted(os.listdir(home.images)) == ["blobs", "layers", "lock", "pulls.lock", "store", "tags.json"]


def _pull_in_child(home: Path, name: str) -> None:
    anyio.run(pull, ImageStore(Home(home)), parse(name))


async def test_nothing_is_cleared_away_under_a_pull(home: Home, own_registry: OwnRegistry) -> None:
    content = layer(entry("x", "x" * 100_000))
    own_registry.put("app", "1", an_image(content))
    pruned = []

    def prune(progress: Progress) -> None:
        if progress.state == "complete":
            pruned.append(ImageStore(home).prune(everything=True).waiting)

    await pull(ImageStore(home), parse(f"{own_registry.name}/app:1"), prune)

    assert pruned == [True]
    assert len(found(home, f"{own_registry.name}/app:1").layers) == 1


def keep(directory: Path, registry: str, entry: dict[str, str]) -> None:
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps({"auths": {registry: entry}}))


async def test_a_pull_that_is_killed_is_gone_on_with_by_the_next(home: Home, own_registry: OwnRegistry) -> None:
    content = layer(entry("big", "x" * 300_000))
    own_registry.put("app", "1", an_image(content))
    own_registry.break_after = {digest_of(content): [100_000] + [0] * 100}
    name = f"{own_registry.name}/app:1"
    own_registry.awaited = "bytes=100000-"
    child = multiprocessing.get_context("spawn").Process(target=_pull_in_child, args=(home.path, name))
    child.start()
    assert await anyio.to_thread.run_sync(own_registry.seen.wait, 20)
    child.kill()
    await anyio.to_thread.run_sync(child.join)
    own_registry.break_after = {}
    own_registry.requests.clear()

    await pulled(home, name)

    assert own_registry.requests[-1].endswith("bytes=100000-")
    assert (found(home, name).layers[0] / "big").stat().st_size == 300_000
