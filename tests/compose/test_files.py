"""Which files and variables make a project, and ``compose config`` as a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from boathook.cli.compose import compose
from boathook.compose.parse import parse_loaded
from boathook.compose.reading.files import ProjectOptions, find_files, load_files
from boathook.errors import UsageError
from boathook.objects import mapping


def write(directory: Path, **files: str) -> None:
    for name, text in files.items():
        (directory / (name.replace("_", ".") + ".yaml")).write_text(text)


def image(options: ProjectOptions, environment: dict[str, str] | None = None) -> object:
    document = load_files(options, environment or {}).document
    return mapping(document.value, "services", "app").get("image")


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(compose, arguments, input=given)


APP = "services: {app: {image: '${I:-none}'}}"


def test_the_file_of_the_nearest_directory_and_its_override_file_are_found(tmp_path: Path) -> None:
    write(tmp_path, compose=APP, compose_override="services: {app: {image: over}}")
    (tmp_path / "a/b").mkdir(parents=True)

    assert find_files(tmp_path / "a/b") == (tmp_path / "compose.yaml", tmp_path / "compose.override.yaml")
    assert image(ProjectOptions(cwd=tmp_path / "a/b")) == "over"
    assert image(ProjectOptions(cwd=tmp_path, files=("compose.yaml",))) == "none"


def test_files_may_be_named_in_the_environment_and_in_the_dotenv_file(tmp_path: Path) -> None:
    write(tmp_path, one=APP, two="services: {app: {image: two}}")

    assert image(ProjectOptions(cwd=tmp_path), {"COMPOSE_FILE": "one.yaml:two.yaml"}) == "two"
    separated = {"COMPOSE_FILE": "one.yaml,two.yaml", "COMPOSE_PATH_SEPARATOR": ","}
    assert image(ProjectOptions(cwd=tmp_path), separated) == "two"
    (tmp_path / ".env").write_text("COMPOSE_FILE=one.yaml\nI=dot\n")
    assert image(ProjectOptions(cwd=tmp_path)) == "dot"


def test_variables_come_from_the_environment_then_the_last_environment_file(tmp_path: Path) -> None:
    write(tmp_path, compose=APP)
    (tmp_path / ".env").write_text("I=dot")
    (tmp_path / "one").write_text("I=one")
    (tmp_path / "two").write_text("I=two")
    here = ProjectOptions(cwd=tmp_path)

    assert image(here) == "dot"
    assert image(here, {"COMPOSE_DISABLE_ENV_FILE": "1"}) == "none"
    assert image(ProjectOptions(cwd=tmp_path, env_files=("one", "two"))) == "two"
    assert image(here, {"COMPOSE_ENV_FILES": "two,one"}) == "one"
    assert image(here, {"I": "shell"}) == "shell"
    with pytest.raises(UsageError, match="couldn't find env file"):
        image(ProjectOptions(cwd=tmp_path, env_files=("nope",)))


def test_environment_files_given_by_hand_are_remembered(tmp_path: Path) -> None:
    write(tmp_path, compose=APP)
    for name in (".env", "one", "two"):
        (tmp_path / name).write_text("I=x")
    here = ProjectOptions(cwd=tmp_path)

    assert load_files(here, {}).environment_files == ()
    assert load_files(here, {"COMPOSE_ENV_FILES": "two,one"}).environment_files == (
        str(tmp_path / "two"),
        str(tmp_path / "one"),
    )
    given = ProjectOptions(cwd=tmp_path / "sub", files=("../compose.yaml",), env_files=("../one",))
    assert parse_loaded(load_files(given, {})).project.environment_files == (str(tmp_path / "one"),)


@pytest.mark.behaviour("compose:55")
def test_the_directory_gives_the_project_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "My App"
    place.mkdir()
    write(place, compose=APP)
    monkeypatch.chdir(place)

    assert json.loads(run("config", "--format", "json").stdout)["name"] == "myapp"
    refused = run("-p", "Bad!", "config")
    assert refused.exit_code == 1
    assert 'invalid project name "Bad!"' in refused.stderr


def test_config_reads_the_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert run("-f", "-", "config", "--images", given=APP).stdout == "none\n"


def test_config_writes_to_a_file_or_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, compose=APP)
    monkeypatch.chdir(tmp_path)

    assert run("config", "-q").stdout == ""
    assert run("config", "-o", "out.yaml").stdout == ""
    assert "image: none" in (tmp_path / "out.yaml").read_text()


def test_config_leaves_variables_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, compose="services: {app: {image: '${I:?no}', command: echo $$x}}")
    monkeypatch.chdir(tmp_path)

    printed = run("config", "--no-interpolate").stdout

    assert "image: ${I:?no}" in printed
    assert "command: echo $$x" in printed


def test_config_of_named_services_has_what_they_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "services: {a: {image: a, depends_on: [b]}, b: {image: b}, c: {image: c, profiles: [p]}, d: {image: d}}"
    write(tmp_path, compose=text)
    monkeypatch.chdir(tmp_path)

    assert run("config", "--services", "a").stdout.split() == ["b", "a"]
    assert run("config", "--services", "c").stdout.split() == ["c"]
    assert run("config", "--profiles").stdout.split() == ["p"]
    assert run("config", "--services", "nope").exit_code == 1
    assert "no such service: nope" in run("config", "nope").stderr


def test_the_hash_of_a_service_changes_with_its_hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def hash_of(text: str) -> str:
        write(tmp_path, compose=text)
        return run("config", "--hash", "*").stdout

    assert hash_of("services: {a: {image: a, post_start: [{command: x}]}}") != hash_of("services: {a: {image: a}}")


@pytest.mark.behaviour("compose:57")
def test_a_wrong_file_ends_with_1_and_all_that_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, compose="services: {app: {image: a, foo: 1, bar: 2}}")
    monkeypatch.chdir(tmp_path)

    refused = run("config", "-q")

    assert refused.exit_code == 1
    assert "services.app.foo" in refused.stderr
    assert "services.app.bar" in refused.stderr
    assert run("-f", "nope.yaml", "config").exit_code == 1


def test_a_line_of_an_environment_file_that_says_nothing_is_refused_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, compose=APP)
    (tmp_path / ".env").write_text('I=x\nJ="open\nK=1\n')

    with pytest.raises(UsageError, match=r'\.env:2: found "J="open", expected NAME=VALUE'):
        image(ProjectOptions(cwd=tmp_path))
