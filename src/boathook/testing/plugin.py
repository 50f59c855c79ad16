"""The pytest plug-in. pytest loads it in every run, so nothing but pytest is imported until a fixture is used."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from boathook.settings import Settings
    from boathook.testing.embedded import EmbeddedPlaces, RunPod
    from boathook.testing.planned import Assume, PlannedPod, SimulatePod
    from boathook.testing.planned_projects import PlannedProject, SimulateProject
    from boathook.testing.projects import RunProject
    from boathook.testing.record import Record

RECORDS: pytest.StashKey[list[Record]] = pytest.StashKey()
"""The pods and projects of a test: their timelines stand in its report when it fails."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where and how tests run pods and projects, as ini options."""
    parser.addini("boathook_on", 'Where the projects of tests run: "local" (default) or "docker"')
    parser.addini("boathook_home", "State directory of the pods that tests run (default: a new one each session)")
    parser.addini("boathook_image_map", "REF=SOURCE per line: what stands for images in tests", type="linelist")
    parser.addini("boathook_offline", "Pull no images in tests", type="bool", default=None)
    parser.addini("boathook_network", '"pod" (default) or "host"')


@pytest.fixture(scope="session")
def boathook_places(pytestconfig: pytest.Config) -> Iterator[EmbeddedPlaces]:
    """The session's embedded runtime. ``with boathook_places.open(directory) as run_pod`` for fixtures of one's own."""
    from boathook.testing.embedded import open_places

    home = pytestconfig.getini("boathook_home")
    with open_places(_settings(pytestconfig), home=pytestconfig.rootpath / home if home else None) as places:
        yield places


@pytest.fixture
def run_pod(request: pytest.FixtureRequest, boathook_places: EmbeddedPlaces) -> Iterator[RunPod]:
    """``pod = run_pod("pod.yaml")``: runs a pod for real; what still runs at the test's end is ended then."""
    with boathook_places.open(*_directories(request), started=_records_of(request).append) as running:
        yield running


@pytest.fixture
def simulate_pod(request: pytest.FixtureRequest) -> SimulatePod:
    """``plan = simulate_pod("pod.yaml", assume={"preStop:app": "40s"})``: the same in virtual time."""
    from boathook.testing.planned import simulate

    records = _records_of(request)

    def simulated(
        path: str | Path,
        *,
        assume: Assume | None = None,
        stop_after: float | None = None,
        name: str | None = None,
    ) -> PlannedPod:
        __tracebackhide__ = True
        directories = _directories(request)
        plan = simulate(path, directories=directories, assume=assume, stop_after=stop_after, name=name)
        records.append(plan)
        return plan

    return simulated


@pytest.fixture
def run_project(request: pytest.FixtureRequest, boathook_places: EmbeddedPlaces) -> Iterator[RunProject]:
    """``project = run_project("compose.yaml")``: brings a Compose project up; nothing of it is left after the test."""
    from boathook.testing.projects import run_projects

    with run_projects(boathook_places, *_directories(request), started=_records_of(request).append) as running:
        yield running


@pytest.fixture
def simulate_project(request: pytest.FixtureRequest) -> SimulateProject:
    """``plan = simulate_project("compose.yaml", assume={"pre_stop:app": "40s"})``: the same in virtual time."""
    from boathook.testing.files import find_project
    from boathook.testing.planned_projects import simulate_project

    records = _records_of(request)

    def simulated(
        *files: str | Path,
        text: str | None = None,
        assume: Assume | None = None,
        stop_after: float | None = None,
        environment: Mapping[str, str] | None = None,
        profiles: Sequence[str] = (),
    ) -> PlannedProject:
        __tracebackhide__ = True
        source = find_project(
            files, text=text, environment=environment, profiles=profiles, directories=_directories(request)
        )
        plan = simulate_project(source, assume=assume, stop_after=stop_after)
        records.append(plan)
        return plan

    return simulated


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what happened to its pods and projects, unless its message does so already."""
    report = yield
    records = item.stash.get(RECORDS, [])
    if report.failed and records and call.excinfo is not None and not _tells_itself(call.excinfo.value):
        for one in records:
            report.sections.append((f'timeline of {one.kind} "{one.name}"', one.timeline or "nothing has happened"))
    return report


def _tells_itself(error: BaseException) -> bool:
    from boathook.testing.record import NotHappened

    return isinstance(error, NotHappened)


def _records_of(request: pytest.FixtureRequest) -> list[Record]:
    item: pytest.Item = request.node
    return item.stash.setdefault(RECORDS, [])


def _directories(request: pytest.FixtureRequest) -> tuple[Path, ...]:
    """Where a test's files are looked for: beside the test, then in the root of the project."""
    return request.path.parent, request.config.rootpath


def _settings(config: pytest.Config) -> Settings:
    """The ini options, over the environment and ``boathook.toml`` of the project."""
    from boathook.settings import find_settings

    return find_settings(
        on=config.getini("boathook_on") or None,
        network=config.getini("boathook_network") or None,
        image_map=tuple(config.getini("boathook_image_map")),
        offline=config.getini("boathook_offline"),
        directory=config.rootpath,
    )
