"""A project that one of the two tools has begun is seen, stopped and taken down by the other (behaviour 52)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.peers.docker import IMAGE, TestEngine
from tests.peers.lifecycle.engine import EngineView
from tests.peers.lifecycle.observing import prepare
from tests.peers.lifecycle.steps import read_step
from tests.peers.lifecycle.tools import Done, Place, Tool, do, ours, the_peer

pytestmark = [pytest.mark.peer, pytest.mark.root, pytest.mark.slow, pytest.mark.behaviour("compose:52")]

FILES = Path(__file__).parent / "compose-together"
NAMES = ["app-1", "app-2", "db-1"]


@dataclass(slots=True)
class Together:
    """One project for both tools."""

    place: Place
    peer: Tool
    ours: Tool
    seen_marks: int = 0
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, tool: Tool, command: str) -> Done:
        """Do it with one of the two; it must end well."""
        words = " ".join([*(f"{name}={value}" for name, value in self.variables.items()), command])
        done = do(read_step(f"> {words}"), tool, self.place)
        assert done.code == 0, f"{tool.name} {command}: {done.stderr}{done.stdout}"
        return done

    @property
    def view(self) -> EngineView:
        return EngineView(self.place.engine)

    def containers(self) -> dict[str, dict[str, Any]]:
        """By their short names."""
        found = self.view.containers(self.place.project)
        return {str(one["Name"]).removeprefix(f"/{self.place.project}-"): one for one in found}

    def ids(self) -> dict[str, str]:
        return {name: str(one["Id"]) for name, one in self.containers().items()}

    def states(self) -> dict[str, str]:
        return {name: str(one["State"]["Status"]) for name, one in self.containers().items()}

    def marks(self) -> list[str]:
        """Those since the last time."""
        found = self.place.marks()[self.seen_marks :]
        self.seen_marks += len(found)
        return sorted(found)

    def left(self) -> int:
        project = self.place.project
        return len(self.view.containers(project) + self.view.networks(project) + self.view.volumes(project))


@pytest.fixture
def together(engine_with_images: TestEngine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Together]:
    place = prepare(
        FILES, tmp_path / "project", f"together-{abs(hash(request.node.name)) % 10**8}", engine_with_images.address
    )
    try:
        yield Together(place, the_peer(), ours(tmp_path / "home"))
    finally:
        EngineView(place.engine).clear(place.project)


@pytest.fixture(params=["ours first", "the peer first"])
def turns(request: pytest.FixtureRequest, together: Together) -> tuple[Tool, Tool]:
    """Who brings the project up, and the other one."""
    return (together.ours, together.peer) if request.param == "ours first" else (together.peer, together.ours)


def test_the_other_sees_its_containers(together: Together, turns: tuple[Tool, Tool]) -> None:
    first, other = turns
    together.run(first, "up -d")

    rows = [json.loads(line) for line in together.run(other, "ps --format json").stdout.splitlines()]

    assert sorted(row["Name"].removeprefix(f"{together.place.project}-") for row in rows) == NAMES
    assert {row["Service"]: row["State"] for row in rows} == {"app": "running", "db": "running"}
    assert "app-1  | app says" in together.run(other, "logs --no-color").stdout.replace("app-1 |", "app-1  |")
    assert together.run(other, "port app 80").stdout.startswith("127.0.0.1:")
    listed = json.loads(together.run(other, "ls --format json").stdout)
    assert {"Name": together.place.project, "Status": "running(3)"}.items() <= listed[0].items()
    assert listed[0]["ConfigFiles"] == str(together.place.directory / "compose.yaml")


def test_the_other_runs_its_hooks_and_leaves_nothing(together: Together, turns: tuple[Tool, Tool]) -> None:
    first, other = turns
    together.run(first, "up -d")
    assert together.marks() == ["app-post", "app-post"]

    together.run(other, "stop")
    stopped = together.states()
    stop_marks = together.marks()
    together.run(first, "start")
    start_marks = together.marks()
    together.run(other, "down -v")

    assert stopped == dict.fromkeys(NAMES, "exited")
    assert stop_marks == ["app-pre", "app-pre", "app-term", "app-term", "db-pre", "db-term"]
    assert start_marks == ["app-post", "app-post"]
    assert together.marks() == stop_marks
    assert together.left() == 0


def test_the_other_kills_restarts_and_removes(together: Together, turns: tuple[Tool, Tool]) -> None:
    first, other = turns
    together.run(first, "up -d")

    together.run(other, "restart app")
    together.run(other, "exec --index 2 app sh /marks/note app-exec")
    together.run(other, "kill db")
    together.run(other, "rm -f db")

    assert together.states() == {"app-1": "running", "app-2": "running"}
    assert together.marks() == sorted(["app-post"] * 4 + ["app-pre", "app-term"] * 2 + ["app-exec"])


def test_containers_of_the_peer_are_taken_over_as_they_are(together: Together) -> None:
    together.run(together.peer, "up -d")
    before = together.ids()
    together.marks()

    together.run(together.ours, "up -d")

    assert together.ids() == before
    assert together.marks() == []


@pytest.mark.parametrize("variables", [{"A": "2"}])
def test_a_container_of_the_peer_that_the_file_wants_otherwise_is_made_anew(
    together: Together, variables: dict[str, str]
) -> None:
    together.run(together.peer, "up -d")
    before = together.ids()
    together.marks()
    together.variables = variables

    together.run(together.ours, "up -d")

    after = together.ids()
    assert sorted(after) == NAMES
    assert after["db-1"] == before["db-1"]
    assert after["app-1"] != before["app-1"]
    assert together.marks() == sorted(["app-pre", "app-term", "app-post"] * 2)


def test_what_the_peer_has_made_is_scaled_further(together: Together) -> None:
    together.run(together.peer, "up -d")
    before = together.ids()

    together.run(together.ours, "up -d --scale app=3")
    more = together.ids()
    together.run(together.ours, "up -d --scale app=1")

    assert sorted(more) == ["app-1", "app-2", "app-3", "db-1"]
    assert before.items() <= more.items()
    assert sorted(together.ids()) == ["app-1", "db-1"]


def test_the_peers_up_makes_our_containers_anew(together: Together) -> None:
    """Its hash of a service is not ours: mixed use is for all but its ``up`` (docs/reference/compose.md)."""
    together.run(together.ours, "up -d")
    before = together.ids()

    together.run(together.peer, "up -d")

    after = together.ids()
    assert sorted(after) == NAMES
    assert not set(after.values()) & set(before.values())
    together.run(together.ours, "up -d")
    assert together.ids() == after


@pytest.mark.behaviour("compose:53")
def test_a_container_without_a_hash_is_nobodys(
    together: Together, turns: tuple[Tool, Tool], engine_with_images: TestEngine
) -> None:
    labels = {"project": together.place.project, "service": "app", "oneoff": "False", "container-number": "7"}
    given = [word for key, value in labels.items() for word in ("--label", f"com.docker.compose.{key}={value}")]
    engine_with_images.docker("create", "--name", f"{together.place.project}-stray", *given, IMAGE, "true")
    first, other = turns

    together.run(first, "up -d db")
    listed = together.run(other, "ps -a -q").stdout.split()
    together.run(other, "down")

    assert len(listed) == 1
    assert list(together.ids()) == ["stray"]
