"""Native sidecars: their hooks run with all others; they are stopped after the regular containers, last one first."""

from __future__ import annotations

from boathook.conformance import lines
from boathook.conformance.case_run import CaseRun
from boathook.conformance.cases import case
from boathook.conformance.manifests import container, pod, sidecar
from boathook.conformance.model import Need
from boathook.conformance.scripts import ending, hook, ignoring, main

KILLED = 137


def _slow(name: str, seconds: int) -> str:
    """What a main process does on SIGTERM: it takes a while, and says when it ends."""
    return f"sleep {seconds}; t {name} main end 0; exit 0"


@case(
    "sidecar_prestop_order_test",
    title="Sidecar PreStop Order Test",
    description="The PreStop hooks of a Pod all begin together; then its containers are stopped one after another.",
    steps=(
        "This Pod, with a main container and two sidecars, should start successfully",
        "The Pod is deleted, and all three PreStop hooks begin",
        "The main container is told to stop first; when it has ended the second sidecar, and then the first",
    ),
    manifest=pod(
        container("main", main("main", on_term=_slow("main", 2)), pre_stop=hook("main", "preStop", "sleep 1")),
        init=[
            sidecar(name, main(name, on_term=_slow(name, 2)), pre_stop=hook(name, "preStop", "sleep 1"))
            for name in ("sidecar-1", "sidecar-2")
        ],
    ),
    needs=(Need.SIDECARS,),
    timing=True,
)
async def prestop_order(run: CaseRun) -> None:
    names = ("main", "sidecar-1", "sidecar-2")
    await run.create()
    await run.running()
    await run.delete()
    await run.gone(at_least=7, within=9)
    begins = [run.when(f"{name} preStop begin") for name in names]
    run.expect_between("between the first and the last begin of a hook", max(begins) - min(begins), 0, 0.5)
    run.expect_order(
        "main main term",
        "main main end",
        "sidecar-2 main term",
        "sidecar-2 main end",
        "sidecar-1 main term",
        "sidecar-1 main end",
    )
    run.log(lines.pre_stop_ran_in("sidecar-1"))
    run.log(lines.pre_stop_ran_in("sidecar-2"))
    run.log(lines.order("main", "sidecar-2", "sidecar-1"))


@case(
    "sidecar_overrun_test",
    title="Sidecar Overrun Test",
    description="At the end of the grace period all containers that still wait for their turn are stopped at once.",
    steps=(
        "This Pod, with a main container and two sidecars, should start successfully",
        "The Pod is deleted with a grace period of 6 seconds, and the main container does not obey SIGTERM",
        "After 6 seconds it is killed, and both sidecars get SIGTERM",
        "2 seconds later they are killed, too",
    ),
    manifest=pod(
        container("main", ignoring("main")),
        init=[sidecar(name, main(name, on_term=_slow(name, 5))) for name in ("sidecar-1", "sidecar-2")],
        grace=6,
    ),
    needs=(Need.SIDECARS,),
    timing=True,
)
async def overrun(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.gone(at_least=8, within=9)
    run.expect_after_delete("main main term", 0, 1)
    for name in ("sidecar-1", "sidecar-2"):
        run.expect_after_delete(f"{name} main term", 6, 7)
    for name in ("main", "sidecar-1", "sidecar-2"):
        run.expect(f"the exit code of {name}", KILLED, run.seen(name).exit_code)
        run.log(lines.killed(name))


@case(
    "sidecar_on_main_completion_test",
    title="Sidecar On Main Completion Test",
    description=(
        "When all regular containers have ended, the sidecars are stopped with their hooks; how they end does not "
        "count."
    ),
    steps=(
        "The main container exits with code 0 after 3 seconds",
        "The sidecar is stopped, with its PreStop hook, and exits with code 2",
        "The Pod has succeeded",
    ),
    manifest=pod(
        container("main", ending("main", after=3, code=0)),
        init=[sidecar("sidecar", main("sidecar", on_term="exit 2"), pre_stop=hook("sidecar", "preStop"))],
    ),
    needs=(Need.SIDECARS,),
)
async def on_main_completion(run: CaseRun) -> None:
    await run.create()
    await run.phase("Succeeded")
    run.expect_order("main main end", "sidecar preStop begin", "sidecar preStop end", "sidecar main term")
    run.expect("the exit code of sidecar", 2, run.seen("sidecar").exit_code)
    run.log(lines.pre_stop_ran_in("sidecar"))
    run.log(lines.phase("Succeeded"))


@case(
    "sidecar_poststart_gates_init_test",
    title="Sidecar PostStart Gates Init Test",
    description="The init container after a sidecar is started only when the sidecar's PostStart hook has ended.",
    steps=(
        "The sidecar is started, and its PostStart hook takes 3 seconds",
        "The plain init container runs after that, and then the main container",
    ),
    manifest=pod(
        container("main", main("main")),
        init=[
            sidecar("sidecar", main("sidecar"), post_start=hook("sidecar", "postStart", "sleep 3")),
            container("init", ending("init", after=0, code=0)),
        ],
    ),
    needs=(Need.SIDECARS,),
    timing=True,
)
async def poststart_gates_init(run: CaseRun) -> None:
    await run.create()
    await run.running()
    run.expect_order("sidecar postStart begin", "sidecar postStart end", "init main begin", "main main begin")
    waited = run.when("init main begin") - run.when("sidecar postStart begin")
    run.expect_between("init starts after the begin of the hook", waited, 3, 4)
    run.log(lines.POST_START_RAN)
    run.log(lines.order("PostStart-sidecar end", "init"))
