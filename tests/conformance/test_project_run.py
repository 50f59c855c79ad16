"""How cases of projects are run: what is noted of them, and what is left. On the simulated runtime, in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from boathook.clock import LoopClock, run_virtual
from boathook.compose.embedded import EmbeddedPlace
from boathook.compose.options import DownOptions, StopOptions, UpOptions
from boathook.compose.place import ProjectPlace
from boathook.conformance.model import Case, CaseFile, CaseResult, ProjectCase, Status
from boathook.conformance.place import project_place, projects_only
from boathook.conformance.programs import PROGRAMS
from boathook.conformance.project_run import ProjectRun
from boathook.conformance.runner import run_cases
from boathook.conformance.suites import project_cases
from boathook.runtimes.assumptions import Assumptions
from boathook.runtimes.simulated import SimulatedRuntime
from tests.conformance.documents.build import a_case, a_project_case

PROJECT = """\
services:
  app:
    image: busybox
    post_start:
      - command: register
    pre_stop:
      - command: drain
"""
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "compose-hooks.md"


@dataclass(slots=True)
class Outcome:
    """What came of a case, and what was left of its project."""

    result: CaseResult | None = None
    run: ProjectRun | None = None
    left: list[str] = field(default_factory=list)


def a_case_of(run: Callable[[ProjectRun], Awaitable[None]], **files: str) -> ProjectCase:
    return ProjectCase(
        name="made_up_test",
        suite="compose",
        title="Made Up",
        description="",
        steps=(),
        files=tuple(CaseFile(name=f"{one}.yaml", text=text) for one, text in (files or {"compose": PROJECT}).items()),
        needs=frozenset(),
        timing=False,
        run=run,
    )


def outcome_of(root: Path, run: Callable[[ProjectRun], Awaitable[None]], assume: tuple[str, ...] = ()) -> Outcome:
    outcome = Outcome()

    async def noted(found: ProjectRun) -> None:
        outcome.run = found
        await run(found)

    async def work() -> None:
        async with SimulatedRuntime(Assumptions.parse(assume)) as runtime:
            place: ProjectPlace = EmbeddedPlace(runtime, host_paths=False, clock=LoopClock())
            places = projects_only(project_place(place, name="simulated", slack=0), "no pods here")
            (outcome.result,) = await run_cases(
                [a_case_of(noted)], places, root, parallel=1, on_result=lambda result: None
            )
            assert outcome.run is not None
            outcome.left = [one.name for one in await place.members(outcome.run.name)]

    run_virtual(work)
    return outcome


def test_what_a_case_does_is_shown_as_commands_with_what_came_of_them(tmp_path: Path) -> None:
    async def lives(run: ProjectRun) -> None:
        await run.do(UpOptions())
        await run.expect_states(app="running")
        await run.do(DownOptions())
        await run.expect_states(app="gone")

    outcome = outcome_of(tmp_path, lives)

    assert outcome.result is not None
    assert (outcome.result.status, outcome.result.reason) == (Status.PASSED, "")
    assert outcome.result.log == (
        "$ boathook compose up -d",
        "app is running",
        "$ boathook compose down",
        "app is gone",
    )
    assert any("post_start[0]" in line for line in outcome.result.timeline)


def test_nothing_is_left_of_a_case_that_ends_half_way(tmp_path: Path) -> None:
    async def fails(run: ProjectRun) -> None:
        await run.do(UpOptions())
        run.expect("the answer", 42, 41)

    outcome = outcome_of(tmp_path, fails)

    assert outcome.result is not None
    assert outcome.result.reason == "the answer: expected 42, observed 41"
    assert outcome.left == []


def test_a_command_that_must_fail_is_shown_with_its_message_and_nothing_of_the_run_in_it(tmp_path: Path) -> None:
    async def fails(run: ProjectRun) -> None:
        run.change("- command: register", "- command: []")
        await run.do(UpOptions(), fails="post_start[0].command")

    outcome = outcome_of(tmp_path, fails)

    assert outcome.result is not None
    assert outcome.result.reason == ""
    assert outcome.result.log[-1] == (
        "(exit code 1) compose.yaml:5:18: services.app.post_start[0].command: the command is empty, "
        "expected a program to run"
    )


@pytest.mark.parametrize(
    ("fails", "reason"),
    [
        ("app hook", "up -d fails: expected app hook, observed it succeeded"),
        ("", "stop nope succeeds: expected it succeeded, observed no such service: nope"),
    ],
)
def test_a_command_that_ends_otherwise_than_it_must_ends_the_case(tmp_path: Path, fails: str, reason: str) -> None:
    async def otherwise(run: ProjectRun) -> None:
        await run.do(UpOptions(), fails=fails)
        await run.do(StopOptions(services=("nope",)))

    outcome = outcome_of(tmp_path, otherwise)

    assert outcome.result is not None
    assert (outcome.result.status, outcome.result.reason) == (Status.FAILED, reason)


def test_what_was_said_before_a_command_is_not_taken_for_what_it_did(tmp_path: Path) -> None:
    async def says(run: ProjectRun) -> None:
        (run.shared / "trace").write_text("1.00 app starts 0\n2.00 hook begins 0\n3.00 hook ends 3\n")
        run.see("app starts", "hook begins", "hook ends")
        await run.do(UpOptions())
        run.never("hook begins")

    outcome = outcome_of(tmp_path, says)

    assert outcome.result is not None
    assert outcome.result.reason == ""
    assert outcome.result.log[:3] == ("  app starts", "  hook begins", "  hook ends with 3")


@pytest.mark.parametrize(("together", "lines"), [(True, "bbee"), (False, "bebe")])
def test_runs_of_a_hook_are_seen_to_take_turns_or_to_run_together(tmp_path: Path, together: bool, lines: str) -> None:
    said = "".join(f"{at}.00 drain {'begins' if one == 'b' else 'ends'} 0\n" for at, one in enumerate(lines, start=1))

    async def turns(run: ProjectRun) -> None:
        (run.shared / "trace").write_text(said)
        run.expect_turns("drain", 2, together=together)

    async def wrongly(run: ProjectRun) -> None:
        (run.shared / "trace").write_text(said)
        run.expect_turns("drain", 2, together=not together)

    seen, missed = outcome_of(tmp_path, turns).result, outcome_of(tmp_path, wrongly).result

    assert seen is not None
    assert missed is not None
    assert (seen.status, missed.status) == (Status.PASSED, Status.FAILED)


def test_cases_of_what_a_place_has_not_are_skipped_with_the_reason(tmp_path: Path) -> None:
    results: list[CaseResult] = []

    async def work() -> None:
        async with SimulatedRuntime(Assumptions(())) as runtime:
            place = project_place(EmbeddedPlace(runtime), name="far", slack=0, files="it is far away")
            cases: list[Case] = [a_case(), a_project_case()]
            results.extend(
                await run_cases(
                    cases, projects_only(place, "no pods"), tmp_path, parallel=1, on_result=lambda result: None
                )
            )

    run_virtual(work)

    assert [(one.status, one.reason) for one in results] == [
        (Status.SKIPPED, "no pods"),
        (Status.SKIPPED, "it is far away"),
    ]


def test_the_page_shows_the_programs_of_all_projects() -> None:
    page = PAGE.read_text()

    for name, text in PROGRAMS.items():
        assert f"`demo/{name}`:\n\n```sh\n{text}```\n" in page


def test_the_programs_that_projects_use_are_there() -> None:
    used = {
        word.removeprefix("/demo/")
        for case in project_cases()
        for file in case.files
        for word in file.text.replace('"', " ").replace(";", " ").replace(",", " ").split()
        if word.startswith("/demo/")
    }

    assert {"serve", "endure", "hook", "say"} <= used
