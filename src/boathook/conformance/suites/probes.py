"""Probes and hooks: a failed probe stops a container with its PreStop hook, and most probes end with the deletion."""

from __future__ import annotations

from boathook.conformance import lines
from boathook.conformance.case_run import CaseRun
from boathook.conformance.cases import case
from boathook.conformance.manifests import container, pod
from boathook.conformance.scripts import hook, ignoring, main, probe


@case(
    "prestop_on_liveness_failure_test",
    title="PreStop On Liveness Failure Test",
    description=(
        "A container that fails its liveness probe is stopped with its PreStop hook, in the probe's grace period."
    ),
    steps=(
        "The liveness probe of the container fails after 5 seconds",
        "The PreStop hook runs, and the main process does not obey SIGTERM",
        "It is killed after the probe's 3 seconds, not after the Pod's 60, and the container is restarted",
    ),
    manifest=pod(
        container(
            "app",
            ignoring("app"),
            pre_stop=hook("app", "preStop"),
            livenessProbe=probe(
                "app",
                "liveness",
                code=1,
                initialDelaySeconds=5,
                periodSeconds=1,
                failureThreshold=1,
                terminationGracePeriodSeconds=3,
            ),
        ),
        grace=60,
        restart="Always",
    ),
    timing=True,
)
async def on_liveness_failure(run: CaseRun) -> None:
    message = "Container app failed liveness probe, will be restarted"
    await run.create()
    await run.event("Killing", message, within=20)
    again = await run.traced("app main begin", count=2, within=20)
    took = again - run.when("app preStop begin")
    run.expect_between("the restart, after the begin of the hook", took, 3, 5)
    run.expect_order("app liveness end", "app preStop begin", "app preStop end", "app main term")
    await run.container("app", "app has been restarted", lambda app: app.restarts == 1)
    run.log(lines.event("Killing", message))
    run.log(lines.PRE_STOP_RAN)
    run.log(lines.restarted("app", 1))


@case(
    "prestop_on_startup_failure_test",
    title="PreStop On Startup Failure Test",
    description="A container that fails its startup probe is stopped with its PreStop hook.",
    steps=(
        "The startup probe of the container fails",
        "The PreStop hook runs, and the container is told to stop",
        "With the restart policy Never nothing is restarted, and the Pod has failed",
    ),
    manifest=pod(
        container(
            "app",
            main("app", on_term="exit 1"),
            pre_stop=hook("app", "preStop"),
            startupProbe=probe("app", "startup", code=1, initialDelaySeconds=2, periodSeconds=1, failureThreshold=1),
        )
    ),
)
async def on_startup_failure(run: CaseRun) -> None:
    message = "Stopping container app"
    await run.create()
    await run.phase("Failed")
    await run.event("Killing", message)
    run.expect_order("app startup end", "app preStop begin", "app preStop end", "app main term")
    run.expect("restarts", 0, run.seen("app").restarts)
    run.log(lines.event("Killing", message))
    run.log(lines.PRE_STOP_RAN)
    run.log(lines.phase("Failed"))


@case(
    "readiness_during_prestop_test",
    title="Readiness During PreStop Test",
    description="While a Pod is stopped, readiness is still probed, and liveness is not.",
    steps=(
        "The container is probed for liveness and readiness each second",
        "The Pod is deleted, and its PreStop hook takes 5 seconds",
        "The readiness probe goes on while the hook runs, the liveness probe has stopped",
    ),
    manifest=pod(
        container(
            "app",
            main("app"),
            pre_stop=hook("app", "preStop", "sleep 5"),
            livenessProbe=probe("app", "liveness", periodSeconds=1),
            readinessProbe=probe("app", "readiness", periodSeconds=1),
        ),
        grace=60,
    ),
    timing=True,
)
async def readiness_during_prestop(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.traced("app liveness end")
    await run.traced("app readiness end")
    await run.delete()
    await run.gone(at_least=5, within=7)
    begin, end = run.when("app preStop begin"), run.when("app preStop end")
    # One that ran already when the deletion was noticed may still end.
    during = [line.what for line in run.trace() if begin + 1 < line.at < end]
    ready, alive = during.count("app readiness end"), during.count("app liveness end")
    run.expect("readiness probes while the hook runs", "2 or more", ready, ok=ready >= 2)
    run.expect("liveness probes while the hook runs", 0, alive)
    run.log(lines.PRE_STOP_RAN)
    run.log(lines.order("PreStop begin", "readiness probe", "PreStop end"))
