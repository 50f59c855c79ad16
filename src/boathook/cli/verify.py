"""``boathook verify``: the cases that show what hooks do, run here, by an engine or on a cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boathook.cli.documents import DocumentOptions, document_options
from boathook.cli.session import Session, run, told
from boathook.errors import UsageError
from boathook.settings import Settings, find_settings

if TYPE_CHECKING:
    from boathook.conformance.model import Case, CaseResult
    from boathook.conformance.place import CasePlaces
    from boathook.model import JsonObject

LOCAL, DOCKER, KUBERNETES = "local", "docker", "kubernetes"
PARALLEL = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The place that was asked for."""

    on: str
    kubeconfig: Path | None
    context: str | None
    restart_kubelet: str

    def __post_init__(self) -> None:
        """Raises ``UsageError`` where an option is about a cluster and none was asked for."""
        given = {
            "--kubeconfig": self.kubeconfig,
            "--context": self.context,
            "--restart-kubelet": self.restart_kubelet,
        }
        for option, value in given.items():
            if value and self.on != KUBERNETES:
                raise UsageError(f"{option} is about a cluster", hint=f"add --on {KUBERNETES}")

    def check(self, settings: Settings) -> None:
        """Raises ``UsageError`` where a setting contradicts the place."""
        if self.on == DOCKER and settings.image_map:
            raise UsageError(
                "--image-map is not supported with --on docker: images are the engine's own",
                hint="docker load or docker import what is to be used, and docker tag it with the image's name",
            )

    def open(self, session: Session) -> AbstractAsyncContextManager[CasePlaces]:
        from boathook.conformance.place import open_docker, open_kubernetes, open_local

        if self.on == KUBERNETES:
            return open_kubernetes(self.kubeconfig, self.context, restart_kubelet=self.restart_kubelet)
        if self.on == DOCKER:
            return open_docker(session.settings, session.home)
        return open_local(session.settings, session.home)


@click.command()
@click.argument("suites", nargs=-1, metavar="[SUITE]...")
@click.option("--case", "names", multiple=True, metavar="NAME", help="Run this case. May be repeated.")
@click.option("--list", "only_list", is_flag=True, help="List suites and cases, and run nothing.")
@click.option(
    "--on",
    type=click.Choice((LOCAL, DOCKER, KUBERNETES)),
    default=LOCAL,
    show_default=True,
    help="Where the cases run.",
)
@click.option(
    "--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="The cluster's kubeconfig."
)
@click.option("--context", metavar="NAME", help="A context of the kubeconfig.")
@click.option("--restart-kubelet", metavar="COMMAND", default="", help="What restarts the kubelet, for the case of it.")
@click.option(
    "--parallel", type=click.IntRange(min=1), default=PARALLEL, show_default=True, help="Run so many cases at once."
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write JUnit XML.")
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", help="Format of the results.")
@click.option("--image-map", multiple=True, metavar="REF=SOURCE", help="As for 'boathook pod run'. May be repeated.")
@click.option("--offline/--online", default=None, help="Never ask a registry.")
@document_options
def verify(
    suites: tuple[str, ...],
    names: tuple[str, ...],
    only_list: bool,
    on: str,
    kubeconfig: Path | None,
    context: str | None,
    restart_kubelet: str,
    parallel: int,
    junit: Path | None,
    output: str,
    image_map: tuple[str, ...],
    offline: bool | None,
    documents: DocumentOptions,
) -> None:
    """Run the cases that show what hooks do, and say which of them came out as they should.

    Without SUITE and --case all of them run. The exit code is 1 when a case has failed. A case that the place cannot
    run is skipped, with the reason.
    """
    from boathook.conformance.suites import all_cases, select

    cases, known = told(lambda: select(suites, names)), all_cases()
    if only_list:
        _list(cases, output)
        return
    where = told(lambda: Where(on=on, kubeconfig=kubeconfig, context=context, restart_kubelet=restart_kubelet))
    told(lambda: documents.prepare(known))
    settings = told(lambda: find_settings(on=None, network=None, image_map=image_map, offline=offline))
    told(lambda: where.check(settings))

    async def work(session: Session) -> int:
        results: tuple[CaseResult, ...] = ()
        if documents.needs_run:
            results = await _run(cases, where.open(session), parallel, told_as_text=output == "text")
        code = _finish(results, output, junit) if documents.needs_run else 0
        return max(code, documents.finish(results, known))

    run(work, settings, timeline=False)


async def _run(
    cases: Sequence[Case], opening: AbstractAsyncContextManager[CasePlaces], parallel: int, *, told_as_text: bool
) -> tuple[CaseResult, ...]:
    from boathook.conformance.runner import run_cases, shared_root

    tell = _tell if told_as_text else _keep_quiet
    with shared_root() as root:
        async with opening as places:
            return await run_cases(cases, places, root, parallel=parallel, on_result=tell)


def _keep_quiet(result: CaseResult) -> None: ...


def _tell(result: CaseResult) -> None:
    """One line as a case ends; what was expected, and what happened, when it has failed."""
    from boathook.conformance.model import Status

    took = f"{result.duration.total_seconds():6.1f} s" if result.status is not Status.SKIPPED else " " * 8
    click.echo(f"{result.status:<7} {took}  {result.case.name}" + _why(result))
    if result.status is not Status.FAILED:
        return
    for one in result.observations:
        if not one.ok:
            click.echo(f"    {one.what}\n      expected  {one.expected}\n      observed  {one.observed}")
    for line in result.timeline:
        click.echo(f"    {line}")


def _why(result: CaseResult) -> str:
    missed = any(not one.ok for one in result.observations)
    return f": {result.reason}" if result.reason and not missed else ""


def _finish(results: Sequence[CaseResult], output: str, junit: Path | None) -> int:
    from boathook.conformance.model import Status

    if junit is not None:
        _write_junit(results, junit)
    if output == "json":
        click.echo(json.dumps([_as_json(result) for result in results], indent=2, ensure_ascii=False))
    else:
        counts = {status: sum(result.status is status for result in results) for status in Status}
        said = [f"{count} {status}" for status, count in counts.items() if count]
        place = f" on {results[0].place}" if results else ""
        click.echo(f"{', '.join(said) or 'no case'}{place}")
    return 1 if any(result.status is Status.FAILED for result in results) else 0


def _write_junit(results: Sequence[CaseResult], file: Path) -> None:
    from boathook.conformance.model import Status
    from boathook.report.junit import TestEntry, junit_xml

    entries = [
        TestEntry(
            suite=result.case.suite,
            name=result.case.name,
            duration=result.duration,
            failed=result.reason if result.status is Status.FAILED else "",
            skipped=result.reason if result.status is Status.SKIPPED else "",
            details="\n".join(result.timeline),
            output="\n".join(result.log),
        )
        for result in results
    ]
    try:
        file.write_text(junit_xml("boathook", entries), encoding="utf-8")
    except OSError as error:
        raise UsageError(f'cannot write "{file}": {error.strerror}') from error


def _as_json(result: CaseResult) -> JsonObject:
    return {
        "name": result.case.name,
        "suite": result.case.suite,
        "title": result.case.title,
        "status": result.status.value,
        "reason": result.reason,
        "place": result.place,
        "seconds": round(result.duration.total_seconds(), 3),
        "log": [*result.log],
        "observations": [
            {"what": one.what, "expected": one.expected, "observed": one.observed, "ok": one.ok}
            for one in result.observations
        ],
        "timeline": [*result.timeline],
    }


def _as_listed(case: Case) -> JsonObject:
    """What is said of it, and what it is made of."""
    from boathook.conformance.model import ProjectCase

    listed: JsonObject = {
        "name": case.name,
        "suite": case.suite,
        "title": case.title,
        "description": case.description,
        "steps": [*case.steps],
        "needs": [*sorted(need.value for need in case.needs)],
    }
    if isinstance(case, ProjectCase):
        return listed | {"files": {file.name: file.text for file in case.files}}
    return listed | {"manifest": case.manifest}


def _list(cases: Sequence[Case], output: str) -> None:
    if output == "json":
        listed = [_as_listed(case) for case in cases]
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    for suite in dict.fromkeys(case.suite for case in cases):
        click.echo(suite)
        for case in cases:
            if case.suite == suite:
                click.echo(f"  {case.name:<44} {case.title}")
