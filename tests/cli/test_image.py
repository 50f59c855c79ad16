"""The ``boathook image`` commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from boathook.cli.main import main
from boathook.home import Home
from tests.images.build import docker_archive, entry, layer
from tests.images.registries import OwnRegistry, an_image, digest_of

pytestmark = pytest.mark.usefixtures("home", "no_credentials")


@pytest.fixture
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-config"))


@pytest.fixture
def own_registry() -> Iterator[OwnRegistry]:
    with OwnRegistry().serving() as serving:
        yield serving


def boathook(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["image", *arguments])


def an_imported_directory(path: Path) -> str:
    (path / "opt").mkdir(parents=True)
    (path / "opt/f").write_text("x" * 2048)
    return boathook("import", str(path), "team/app:1", "--base", "busybox", "--change", 'CMD ["/opt/f"]').output


def test_an_import_says_what_was_made_of_it(tmp_path: Path) -> None:
    output = an_imported_directory(tmp_path / "src")

    assert output.startswith("Imported team/app:1: sha256:")
    assert output.endswith(", 2.0 KiB\n")


def test_the_list_has_an_engines_columns_and_the_stand_ins(tmp_path: Path) -> None:
    an_imported_directory(tmp_path / "src")

    heading, *rows = boathook("list").output.splitlines()

    assert heading.split("   ")[0] == "REPOSITORY"
    assert heading.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert rows[0].split()[:2] == ["team/app", "1"]
    assert rows[0].endswith("2.0 KiB")
    assert [row.split() for row in rows[1:]] == [[name, "any", "stand-in"] for name in ("agnhost", "alpine", "busybox")]
    assert boathook("ls").output.splitlines()[1:] == rows


def test_the_list_as_json(tmp_path: Path) -> None:
    an_imported_directory(tmp_path / "src")

    stored, *stand_ins = json.loads(boathook("list", "-o", "json").output)

    assert (stored["tags"], stored["base"], stored["stand_in"]) == (["team/app:1"], "busybox", False)
    assert [entry["stand_in"] for entry in stand_ins] == [True, True, True]


def test_an_image_is_removed_by_name_or_id(tmp_path: Path) -> None:
    an_imported_directory(tmp_path / "src")
    (id,) = boathook("list", "-q").output.split()

    removed = boathook("rm", id)

    assert removed.exit_code == 0
    assert removed.output.splitlines()[0] == "Untagged: team/app:1"
    assert boathook("list", "-q").output == ""


def test_an_archive_brings_its_own_name(tmp_path: Path) -> None:
    archive = docker_archive(tmp_path / "a.tar", layer(entry("f", "x")), tags=("app:1", "app:2"))

    assert boathook("import", str(archive)).output.startswith("Imported app:1, app:2: sha256:")


def test_a_pull_tells_its_layers_and_the_digest(home: Home, own_registry: OwnRegistry) -> None:
    content = layer(entry("f", "x"))
    digest = own_registry.put("app", "1", an_image(content))
    name = f"{own_registry.name}/app:1"
    short = digest_of(content)[7:19]

    first, second = boathook("pull", name), boathook("pull", name)

    assert first.output.splitlines() == [
        f"1: Pulling from {own_registry.name}/app",
        f"{short}: Download complete, 10.0 KiB",
        f"{short}: Pull complete",
        f"Digest: {digest}",
        f"Status: Downloaded newer image for {name}",
        name,
    ]
    assert second.output.splitlines()[-2:] == [f"Status: Image is up to date for {name}", name]
    assert boathook("pull", "-q", name).output == f"{name}\n"
    assert json.loads(boathook("list", "-o", "json").output)[0]["digests"] == [f"{own_registry.name}/app@{digest}"]


def test_what_no_image_needs_is_pruned(tmp_path: Path, own_registry: OwnRegistry) -> None:
    own_registry.put("app", "1", an_image(layer(entry("f", "x" * 2048))))
    boathook("pull", f"{own_registry.name}/app:1")

    assert boathook("prune").output == "Total reclaimed space: 0 B\n"
    lines = boathook("prune", "--all").output.splitlines()

    assert [line.partition(":")[0] for line in lines] == ["Untagged", "Untagged", "Deleted", "Total reclaimed space"]
    assert lines[-1].endswith("2.0 KiB")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("import", "/nope", "app"), 1, 'error: image source "/nope": no such file or directory'),
        (("import", "/etc/default"), 2, "needs a name to be imported as"),
        (("import", "/etc/default", "BAD"), 2, "repository name must be lowercase"),
        (("import", "/etc/default", "app", "--change", "LABEL a=b"), 2, '"LABEL" is not supported'),
        (("import", "/etc/default", "app", "--base", "nope"), 1, 'base image "nope"'),
        (("pull", "BAD"), 2, "repository name must be lowercase"),
        (("pull", "127.0.0.1:1/app"), 4, "registry 127.0.0.1:1 cannot be reached: tried https://127.0.0.1:1/v2/"),
        (("rm", "nope"), 1, 'error: image "nope": no such image'),
    ],
)
def test_a_users_mistake_is_told_with_its_exit_code(arguments: tuple[str, ...], code: int, message: str) -> None:
    result = boathook(*arguments)

    assert result.exit_code == code
    assert message in result.output


def test_nothing_is_made_by_listing(home: Home) -> None:
    boathook("list")

    assert not home.images.exists()
