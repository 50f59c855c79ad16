"""The projects of compose-corpus/ to the real Docker Compose and to ``boathook compose config``.

The differences that are wanted stand with their reasons in compose-differences.toml.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from boathook.cli.compose import compose
from boathook.model import JsonObject, JsonValue
from tests.peers.compose import run_compose

pytestmark = pytest.mark.peer

CORPUS = Path(__file__).parent / "compose-corpus"
CASES = sorted(path.name for path in CORPUS.iterdir())
DIFFERENCES = tomllib.loads((Path(__file__).parent / "compose-differences.toml").read_text())


@dataclass(frozen=True)
class Case:
    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]

    @property
    def directory(self) -> Path:
        return CORPUS / self.name


def a_case(name: str) -> Case:
    written = CORPUS / name / "case.json"
    said = json.loads(written.read_text()) if written.exists() else {}
    return Case(name, tuple(said.get("arguments", ())), said.get("environment", {}))


def theirs(case: Case, *arguments: str, stdin: str | None = None) -> tuple[int, str]:
    ended = run_compose(
        *case.arguments, "config", *arguments, cwd=case.directory, environment=case.environment, stdin=stdin
    )
    return ended.returncode, ended.stdout


def ours(case: Case, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.chdir(case.directory)
    for name in os.environ.keys() - {"PATH"}:
        monkeypatch.delenv(name)
    for name, value in ({"HOME": "/nowhere"} | case.environment).items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(compose, [*case.arguments, "config", *arguments])


def normal(text: str) -> JsonObject:
    """The value, in which the order of keys says nothing."""
    loaded = yaml.safe_load(text)
    assert isinstance(loaded, dict)
    return loaded


def without_extensions(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return {key: without_extensions(one) for key, one in value.items() if not key.startswith("x-")}
        case list():
            return [without_extensions(one) for one in value]
        case _:
            return value


@pytest.mark.behaviour("deps:29")
@pytest.mark.parametrize("name", [name for name in CASES if name not in DIFFERENCES])
def test_the_project_is_understood_as_the_peer_understands_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = a_case(name)
    code, expected = theirs(case)

    result = ours(case, monkeypatch)

    assert (result.exit_code, code) == ((1, 1) if name.startswith("bad-") else (0, 0)), result.output
    if code == 0:
        assert normal(result.stdout) == normal(expected)


@pytest.mark.parametrize("name", ["hooks", "networks", "deploy", "merge-everything", "secrets-and-configs"])
def test_the_json_is_that_of_the_peer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = a_case(name)

    expected = json.loads(theirs(case, "--format", "json")[1])

    # The peer's JSON, other than its YAML, has no extensions of hooks.
    assert without_extensions(json.loads(ours(case, monkeypatch, "--format", "json").stdout)) == expected


@pytest.mark.parametrize("name", ["depends-on", "merge-everything", "builds", "profiles-all", "volumes"])
@pytest.mark.parametrize("option", ["--services", "--volumes", "--networks", "--images", "--profiles"])
def test_lists_are_those_of_the_peer(name: str, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = a_case(name)

    expected = theirs(case, option)[1].split()

    assert sorted(ours(case, monkeypatch, option).stdout.split()) == sorted(expected)


@pytest.mark.behaviour("compose:24")
@pytest.mark.parametrize(
    "name",
    [name for name in CASES if not name.startswith("bad-") and DIFFERENCES.get(name, {}).get("ours") != "refused"],
)
def test_the_output_reads_back_as_the_same_project(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ours(a_case(name), monkeypatch).stdout
    (tmp_path / "compose.yaml").write_text(first)

    again = CliRunner().invoke(compose, ["--profile", "*", "-f", str(tmp_path / "compose.yaml"), "config"])

    assert normal(again.stdout) == normal(first)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_wanted_difference_is_still_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = a_case(name)
    code, expected = theirs(case)

    result = ours(case, monkeypatch)

    refused = (DIFFERENCES[name].get("ours") == "refused", DIFFERENCES[name]["peer"] == "refused")
    assert (result.exit_code == 1, code == 1) == refused, result.output
    assert any(refused) or normal(result.stdout) != normal(expected)
