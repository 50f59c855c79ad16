"""Runs cases on a place, several at once, and cleans up after each of them, whatever became of it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import assert_never

import anyio

from boathook.cluster.base import ObjectKey
from boathook.conformance.case_run import CaseRun
from boathook.conformance.model import Case, CaseResult, PodCase, ProjectCase, Status
from boathook.conformance.noting import Noting, Unexpected, uptime
from boathook.conformance.place import CasePlace, CasePlaces, PodCasePlace, ProjectCasePlace, new_namespace
from boathook.conformance.project_run import ProjectRun
from boathook.errors import BoathookError, NotFound
from boathook.model import JsonObject
from boathook.runtimes.temporary_homes import fresh_directory

CLEAN_SECONDS = 20.0
NAMESPACE_SECONDS = 60.0

OnResult = Callable[[CaseResult], None]


@contextmanager
def shared_root() -> Iterator[Path]:
    """What the shared directories of cases are made in. To be left after the place: what ends late may still write."""
    with fresh_directory(Path(tempfile.gettempdir()), "boathook-cases-") as made:
        yield made.path


async def run_cases(
    cases: Sequence[Case], places: CasePlaces, root: Path, *, parallel: int, on_result: OnResult
) -> tuple[CaseResult, ...]:
    """Run all of them; ``on_result`` is told of each as it ends. The results are in the order of the cases."""
    results: dict[str, CaseResult] = {}
    free, timing = anyio.CapacityLimiter(parallel), anyio.CapacityLimiter(min(places.timing_parallel, parallel))

    async def one(case: Case) -> None:
        # Who waits for the few places of timing cases keeps nobody else from running.
        async with _turn(timing if case.timing else None), _turn(free):
            results[case.name] = result = await _result_of(case, places, root)
        on_result(result)

    async with anyio.create_task_group() as tasks:
        for case in cases:
            tasks.start_soon(one, case)
    return tuple(results[case.name] for case in cases)


@asynccontextmanager
async def _turn(limiter: anyio.CapacityLimiter | None) -> AsyncIterator[None]:
    if limiter is None:
        yield
        return
    async with limiter:
        yield


async def _result_of(case: Case, places: CasePlaces, root: Path) -> CaseResult:
    match case:
        case PodCase():
            if places.pods is None:
                return _without_run(case, places.name, Status.SKIPPED, places.no_pods)
            return await _pod_result(case, places.pods, root)
        case ProjectCase():
            if places.projects is None:
                return _without_run(case, places.name, Status.SKIPPED, places.no_projects)
            return await _project_result(case, places.projects, root)
        case _:
            assert_never(case)


async def _pod_result(case: PodCase, place: PodCasePlace, root: Path) -> CaseResult:
    if why := place.why_not(case):
        return _without_run(case, place.name, Status.SKIPPED, why)
    try:
        with anyio.fail_after(NAMESPACE_SECONDS):
            namespace = await new_namespace(place)
    except BoathookError as error:
        return _without_run(case, place.name, Status.FAILED, str(error))
    except TimeoutError:
        why = f"a namespace was not ready within {NAMESPACE_SECONDS:g} s"
        return _without_run(case, place.name, Status.FAILED, why)
    run = CaseRun(case, place, namespace=namespace, shared=_shared_directory(root))
    try:
        reason = await _run(lambda: case.run(run), place)
        told = place.told(run.namespace, run.began_wall) or await _events(run)
        return _result(case, place, reason, run, told, run.shown_pods)
    finally:
        with anyio.move_on_after(CLEAN_SECONDS, shield=True):
            await _clean(run)


async def _project_result(case: ProjectCase, place: ProjectCasePlace, root: Path) -> CaseResult:
    if why := place.why_not(case):
        return _without_run(case, place.name, Status.SKIPPED, why)
    run = ProjectRun(case, place, directory=_shared_directory(root))
    try:
        reason = await _run(lambda: case.run(run), place)
        return _result(case, place, reason, run, run.told(), ())
    finally:
        with anyio.move_on_after(CLEAN_SECONDS, shield=True):
            await run.clean()


def _result(
    case: Case,
    place: CasePlace,
    reason: str,
    run: Noting,
    told: Sequence[tuple[float, str]],
    pods: tuple[JsonObject, ...],
) -> CaseResult:
    return CaseResult(
        case=case,
        status=Status.FAILED if reason else Status.PASSED,
        reason=reason,
        place=place.name,
        pods=pods,
        log=tuple(run.logged),
        observations=tuple(run.observations),
        timeline=_timeline(run, told),
        duration=timedelta(seconds=uptime() - run.began),
    )


def _shared_directory(root: Path) -> Path:
    """One for a case. Programs in containers have another user than we."""
    shared = Path(tempfile.mkdtemp(dir=root))
    shared.chmod(0o1777)
    return shared


async def _run(work: Callable[[], Awaitable[None]], place: CasePlace) -> str:
    """Why it failed; empty when it did not."""
    try:
        with anyio.fail_after(place.deadline):
            await work()
    except Unexpected as unexpected:
        return str(unexpected)
    except BoathookError as error:
        return f"{type(error).__name__}: {error}"
    except TimeoutError:
        return f"it took longer than {place.deadline:g} s"
    return ""


async def _clean(run: CaseRun) -> None:
    """Take away what the case has made. What has gone already is no matter."""
    cluster = run.place.cluster
    for name in run.created:
        key = run.key(name)
        with suppress(NotFound):
            await cluster.patch(key, {"metadata": {"finalizers": None}})
        if run.place.makes_namespaces:
            await _until_gone(run, key)
        with suppress(NotFound):
            await cluster.delete(key, grace=timedelta(0))
    if run.place.makes_namespaces:
        with suppress(NotFound):
            await cluster.delete(ObjectKey(kind="Namespace", namespace="", name=run.namespace))


async def _until_gone(run: CaseRun, key: ObjectKey) -> None:
    """A force deletion leaves containers behind for a while, which still write."""
    with suppress(NotFound), anyio.move_on_after(CLEAN_SECONDS / 2):
        await run.place.cluster.delete(key, grace=timedelta(seconds=1))
        await run.place.cluster.wait_until(key, lambda pod: True if pod is None else None)


def _timeline(run: Noting, told: Sequence[tuple[float, str]]) -> tuple[str, ...]:
    """What the case did, what was said in its containers, and what the place tells of it, in order."""
    entries = [*run.done, *((line.at - run.began, f"  {line}") for line in run.trace()), *told]
    return tuple(f"{at:8.2f}  {text}" for at, text in sorted(entries, key=lambda entry: entry[0]))


async def _events(run: CaseRun) -> list[tuple[float, str]]:
    """Events have whole seconds."""
    from datetime import datetime

    found: list[tuple[float, str]] = []
    for name in run.created:
        with suppress(BoathookError):
            for one in await run.place.cluster.object_events(run.key(name)):
                seen = str(one.get("lastTimestamp") or one.get("eventTime") or "")
                if not seen:
                    continue
                at = (datetime.fromisoformat(seen) - run.began_wall).total_seconds()
                found.append((at, f"  {one.get('type')} {one.get('reason')}: {one.get('message')}"))
    return found


def _without_run(case: Case, place: str, status: Status, reason: str) -> CaseResult:
    return CaseResult(
        case=case,
        status=status,
        reason=reason,
        place=place,
        pods=(),
        log=(),
        observations=(),
        timeline=(),
        duration=timedelta(0),
    )
