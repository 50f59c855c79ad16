"""PostStart: the hook runs beside the main process and holds everything up that comes after it."""

from __future__ import annotations

from boathook.conformance import lines
from boathook.conformance.case_run import CaseRun
from boathook.conformance.cases import case
from boathook.conformance.manifests import AGNHOST, container, pod
from boathook.conformance.observing import is_ready
from boathook.conformance.scripts import ending, hook, main, probe

FAILED = "PostStartHook failed"


@case(
    "poststart_basic_execution_test",
    title="PostStart Basic Execution Test",
    description="A PostStart hook runs right after its container was started, and has ended when the container runs.",
    steps=(
        "The container is started, and its PostStart hook runs",
        "When the container is reported as running, the hook has written its file",
    ),
    manifest=pod(
        container(
            "app",
            main("app"),
            post_start={"exec": {"command": ["sh", "-c", "echo 'PostStart Hook Executed' > /shared/poststart"]}},
        )
    ),
)
async def basic_execution(run: CaseRun) -> None:
    await run.create()
    await run.until("the pod runs", _runs)
    run.expect_file("poststart", "PostStart Hook Executed")
    await run.running()
    await run.no_event("FailedPostStartHook")
    run.log(lines.POST_START_RAN)


def _runs(pod: object) -> bool | None:
    from boathook.conformance.observing import container_of

    app = container_of(pod if isinstance(pod, dict) else None, "app")
    return True if app is not None and app.state == "running" else None


@case(
    "poststart_failure_always_test",
    title="PostStart Failure Always Test",
    description="A container whose PostStart hook fails is killed; with the restart policy Always it is started again.",
    steps=(
        "The PostStart hook writes to both of its outputs and exits with code 3",
        "The events FailedPostStartHook and Killing are recorded",
        "The container waits with the reason PostStartHookError, whose message has the hook's exit code and output",
        "The container is restarted, later with a back-off",
    ),
    manifest=pod(
        container("app", main("app"), post_start=hook("app", "postStart", "sleep 1; echo out; echo err >&2", code=3)),
        restart="Always",
    ),
)
async def failure_always(run: CaseRun) -> None:
    await run.create()
    app = await run.container(
        "app", "app waits with PostStartHookError", lambda app: app.reason == "PostStartHookError"
    )
    for part in ("exited with 3", "out", "err"):
        run.expect(f"the message has {part}", "yes", app.message, ok=part in app.message)
    await run.event("FailedPostStartHook", FAILED)
    await run.event("Killing", "FailedPostStartHook")
    await run.container("app", "app has been restarted", lambda app: app.restarts >= 1, within=20)
    await run.container(
        "app", "app waits with CrashLoopBackOff", lambda app: app.reason == "CrashLoopBackOff", within=40
    )
    run.log(lines.event("FailedPostStartHook", FAILED))
    run.log(lines.event("Killing", "FailedPostStartHook"))
    run.log(lines.post_start_failed(3))
    run.log(lines.restarted("app", 1))


@case(
    "poststart_failure_never_test",
    title="PostStart Failure Never Test",
    description="A container whose PostStart hook fails is killed; with the restart policy Never that is its end.",
    steps=(
        "The PostStart hook exits with code 3",
        "The container is told to stop, and exits with the code that its program has for that",
        "The Pod has failed, and nothing was restarted",
    ),
    manifest=pod(
        container("app", {"args": ["pause"]}, image=AGNHOST, post_start=hook("app", "postStart", "sleep 1", code=3))
    ),
)
async def failure_never(run: CaseRun) -> None:
    await run.create()
    await run.phase("Failed")
    app = run.seen("app")
    run.expect("the exit code", 2, app.exit_code)
    run.expect("restarts", 0, app.restarts)
    await run.event("FailedPostStartHook", FAILED)
    run.log(lines.post_start_failed(3))
    run.log(lines.exited("app", 2))
    run.log(lines.phase("Failed"))


@case(
    "poststart_failure_exit_zero_test",
    title="PostStart Failure Exit Zero Test",
    description="What counts after a failed PostStart hook is how the main process answers SIGTERM, not the hook.",
    steps=(
        "The PostStart hook exits with code 3",
        "The main process answers SIGTERM with code 0",
        "With the restart policy OnFailure the container is not restarted, and the Pod succeeds",
    ),
    manifest=pod(
        container("app", main("app"), post_start=hook("app", "postStart", "sleep 1", code=3)), restart="OnFailure"
    ),
)
async def failure_exit_zero(run: CaseRun) -> None:
    await run.create()
    await run.phase("Succeeded")
    app = run.seen("app")
    run.expect("the exit code", 0, app.exit_code)
    run.expect("restarts", 0, app.restarts)
    run.log(lines.post_start_failed(3))
    run.log(lines.exited("app", 0))
    run.log(lines.phase("Succeeded"))


@case(
    "poststart_failure_runs_prestop_test",
    title="PostStart Failure Runs PreStop Test",
    description="A container that is killed because its PostStart hook failed is stopped with its PreStop hook.",
    steps=(
        "The PostStart hook exits with code 3",
        "The PreStop hook runs before the container is told to stop",
    ),
    manifest=pod(
        container(
            "app",
            main("app"),
            post_start=hook("app", "postStart", "sleep 1", code=3),
            pre_stop=hook("app", "preStop"),
        )
    ),
)
async def failure_runs_prestop(run: CaseRun) -> None:
    await run.create()
    await run.phase("Succeeded")
    run.expect_order("app postStart end", "app preStop begin", "app preStop end", "app main term")
    await run.event("FailedPostStartHook", FAILED)
    await run.event("Killing", "FailedPostStartHook")
    run.log(lines.post_start_failed(3))
    run.log(lines.PRE_STOP_RAN)


@case(
    "poststart_blocks_next_container_test",
    title="PostStart Blocks Next Container Test",
    description="The next container of a Pod is started only when the PostStart hook of the one before it has ended.",
    steps=(
        "The first container is started, and its PostStart hook takes 5 seconds",
        "The second container is started after that",
    ),
    manifest=pod(
        container("c1", main("c1"), post_start=hook("c1", "postStart", "sleep 5")),
        container("c2", main("c2")),
    ),
    timing=True,
)
async def blocks_next_container(run: CaseRun) -> None:
    await run.create()
    await run.running()
    run.expect_order("c1 main begin", "c1 postStart end", "c2 main begin")
    waited = run.when("c2 main begin") - run.when("c1 postStart begin")
    run.expect_between("c2 starts after the begin of the hook", waited, 5, 6)
    run.log(lines.POST_START_RAN)
    run.log(lines.order("c1", "PostStart-c1 end", "c2"))


@case(
    "poststart_concurrent_with_entrypoint_test",
    title="PostStart Concurrent With Entrypoint Test",
    description="A PostStart hook does not hold up the main process of its own container.",
    steps=(
        "The main process and the PostStart hook run at the same time",
        "The main process works on while the hook sleeps",
    ),
    manifest=pod(
        container(
            "app",
            main("app", work="while :; do t app main tick 0; sleep 0.2; done"),
            post_start=hook("app", "postStart", "sleep 2"),
        )
    ),
)
async def concurrent_with_entrypoint(run: CaseRun) -> None:
    await run.create()
    await run.running()
    begin, end = run.when("app postStart begin"), run.when("app postStart end")
    during = [line for line in run.trace() if line.what == "app main tick" and begin < line.at < end]
    run.expect("the main process works while the hook runs", "3 times or more", len(during), ok=len(during) >= 3)
    run.log(lines.order("PostStart begin", "main", "PostStart end"))


@case(
    "poststart_blocks_readiness_test",
    title="PostStart Blocks Readiness Test",
    description="A container is not probed, and not ready, before its PostStart hook has ended.",
    steps=(
        "The container is started, and its PostStart hook takes 5 seconds",
        "The container is shown as waiting, and its readiness probe does not run meanwhile",
        "The first probe runs after the hook, and makes the Pod ready",
    ),
    manifest=pod(
        container(
            "app",
            main("app"),
            post_start=hook("app", "postStart", "sleep 5"),
            readinessProbe=probe("app", "readiness", periodSeconds=1),
        )
    ),
    timing=True,
)
async def blocks_readiness(run: CaseRun) -> None:
    await run.create()
    await run.traced("app postStart begin")
    await run.sleep(2)
    app = await run.container("app", "app is waiting", lambda app: app.state == "waiting", within=1)
    run.expect("why it waits", "ContainerCreating", app.reason)
    run.expect("it is ready", False, app.ready)
    await run.until("the pod is ready", lambda pod: is_ready(pod) or None)
    run.expect_order("app postStart begin", "app postStart end", "app readiness end")
    run.log(lines.POST_START_RAN)
    run.log(lines.order("PostStart end", "first probe"))


@case(
    "poststart_hang_and_delete_test",
    title="PostStart Hang And Delete Test",
    description="A PostStart hook has no time limit, and a deletion waits for it.",
    steps=(
        "The container is started, and its PostStart hook takes 30 seconds",
        "The Pod is deleted after 3 seconds, with a grace period of 5",
        "The hook goes on to its end; only then the container is stopped",
    ),
    manifest=pod(container("app", main("app"), post_start=hook("app", "postStart", "sleep 30")), grace=5),
    timing=True,
)
async def hang_and_delete(run: CaseRun) -> None:
    await run.create()
    began = await run.traced("app postStart begin")
    await run.sleep(3)
    await run.delete()
    await run.gone(at_least=26, within=29)
    run.expect_between("the hook took", run.when("app postStart end") - began, 30, 31)
    run.expect_order("app postStart begin", "app postStart end", "app main term")
    run.expect("the exit code", 0, run.seen("app").exit_code)
    run.log(lines.POST_START_RAN)
    run.log(lines.exited("app", 0))


@case(
    "poststart_runs_on_each_restart_test",
    title="PostStart Runs On Each Restart Test",
    description="A PostStart hook runs each time its container is started.",
    steps=(
        "The main process exits with code 1 after 5 seconds, and is restarted twice",
        "The PostStart hook has run once for each of the three",
    ),
    manifest=pod(
        container("app", ending("app", after=5, code=1), post_start=hook("app", "postStart")), restart="Always"
    ),
)
async def runs_on_each_restart(run: CaseRun) -> None:
    await run.create()
    await run.traced("app postStart end", count=3, within=50)
    app = await run.container("app", "app has been restarted twice", lambda app: app.restarts >= 2)
    run.expect("restarts", 2, app.restarts)
    run.expect("how often the hook ran", 3, run.said("app postStart end"))
    for _ in range(3):
        run.log(lines.POST_START_RAN)
    run.log(lines.restarted("app", 2))
