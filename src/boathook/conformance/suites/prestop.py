"""PreStop: when the hook runs, when it does not, and what comes after it."""

from __future__ import annotations

import anyio

from boathook.conformance import lines
from boathook.conformance.case_run import CaseRun
from boathook.conformance.cases import case
from boathook.conformance.manifests import AGNHOST, DATA, NODE_DIRECTORY, RESTRICTED, container, manifest, pod
from boathook.conformance.model import Need
from boathook.conformance.scripts import ending, hook, main
from boathook.model import JsonObject


def _reference_container(name: str, script: str) -> JsonObject:
    """As the reference page has it."""
    return {
        "name": name,
        "image": AGNHOST,
        "args": ["pause"],
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", script]}}},
        "resources": {},
        "securityContext": RESTRICTED,
        "volumeMounts": [{"name": "shared-data", "mountPath": "/data"}],
    }


def _reference_pod(*containers: JsonObject, data: JsonObject = DATA) -> str:
    volume = {**data, "name": "shared-data"}
    return manifest(
        "prestop-pod", {"containers": [*containers], "terminationGracePeriodSeconds": 60, "volumes": [volume]}
    )


PAUSE_ANSWERS_TERM_WITH = 2


@case(
    "prestop_basic_execution_test",
    title="PreStop Basic Execution Test",
    description=(
        "When you have a PreStop hook defined on your container, it will execute before the container is terminated."
    ),
    steps=(
        "This Pod should start successfully and run for some time",
        "When the container is terminated, the PreStop hook will be triggered within the grace period",
        "Once the PreStop hook is successfully executed, the container terminates successfully",
    ),
    manifest=_reference_pod(
        _reference_container(
            "prestop-container", "echo 'PreStop Hook Executed' > /data/prestop_hook_executed; sleep 10"
        )
    ),
    timing=True,
)
async def basic_execution(run: CaseRun) -> None:
    await run.create()
    await run.running()
    before = await run.exec("prestop-container", "cat", "/data/prestop_hook_executed")
    run.expect("the file before the deletion", "none", before.stdout or "none")
    await run.delete()
    await _has_written(run, "prestop-container", "/data/prestop_hook_executed", "PreStop Hook Executed")
    await run.gone(at_least=10, within=11)
    await run.event("Killing", "Stopping container prestop-container")
    await run.no_event("FailedPreStopHook")
    run.expect("the exit code", PAUSE_ANSWERS_TERM_WITH, run.seen("prestop-container").exit_code)
    run.log(lines.PRE_STOP_RAN)


@case(
    "prestop_basic_failure_test",
    title="PreStop Basic Failure Test",
    description="When a PreStop hook fails, the container is still terminated.",
    steps=(
        "This Pod should start successfully and run for some time",
        "When the container is terminated, the PreStop hook is triggered and exits with a non-zero code",
        "A FailedPreStopHook event is recorded and the container is stopped without waiting for the rest of the grace "
        "period",
    ),
    manifest=_reference_pod(
        _reference_container("prestop-container", "echo 'PreStop Hook Failing' > /data/prestop_hook_failed; exit 1"),
        data=NODE_DIRECTORY,
    ),
    timing=True,
)
async def basic_failure(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.gone(within=8)
    run.expect_file("prestop_hook_failed", "PreStop Hook Failing")
    failed = await run.event("FailedPreStopHook", "PreStopHook failed")
    run.expect("how often the hook failed", 1, failed.count)
    run.expect("the event is a warning", "Warning", failed.type)
    run.expect("the exit code", PAUSE_ANSWERS_TERM_WITH, run.seen("prestop-container").exit_code)
    run.log(lines.pre_stop_failed(1))
    run.log(lines.event("FailedPreStopHook", "PreStopHook failed"))
    run.log(lines.received("prestop-container"))
    run.log(lines.exited("prestop-container", PAUSE_ANSWERS_TERM_WITH))


@case(
    "prestop_multiple_containers_test",
    title="PreStop Multiple Container Test",
    description="When several containers of a Pod define a PreStop hook, the hooks run at the same time.",
    steps=(
        "This Pod should start successfully with both containers running",
        "When the Pod is deleted, both PreStop hooks are triggered in parallel",
        "Each container is stopped after its own PreStop hook has finished",
    ),
    manifest=_reference_pod(
        _reference_container("prestop-container-1", "echo 'PreStop Hook 1 Executed' > /data/prestop_hook_1; sleep 10"),
        _reference_container("prestop-container-2", "echo 'PreStop Hook 2 Executed' > /data/prestop_hook_2; sleep 10"),
    ),
    timing=True,
)
async def multiple_containers(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    for number in (1, 2):
        await _has_written(
            run, f"prestop-container-{number}", f"/data/prestop_hook_{number}", f"PreStop Hook {number} Executed"
        )
    began = await run.exec("prestop-container-1", "stat", "-c", "%Y", "/data/prestop_hook_1", "/data/prestop_hook_2")
    first, second = (int(line) for line in began.stdout.split())
    run.expect("the hooks begin within a second", "0 or 1", abs(first - second), ok=abs(first - second) <= 1)
    await run.gone(at_least=10, within=11)
    await run.no_event("FailedPreStopHook")
    for number in (1, 2):
        run.expect(
            f"the exit code of prestop-container-{number}",
            PAUSE_ANSWERS_TERM_WITH,
            run.seen(f"prestop-container-{number}").exit_code,
        )
        run.log(lines.pre_stop_ran_in(f"prestop-container-{number}"))
    run.log(lines.IN_PARALLEL)


@case(
    "prestop_multiple_containers_failure_test",
    title="PreStop Multiple Container Failure Test",
    description="When the PreStop hook of one container fails, those of the other containers are unaffected.",
    steps=(
        "This Pod should start successfully with both containers running",
        "When the Pod is deleted, both PreStop hooks are triggered in parallel, and the first one fails",
        "The first container is stopped at once, the second one after its own PreStop hook has finished",
    ),
    manifest=pod(
        container("app-1", main("app-1"), pre_stop=hook("app-1", "preStop", code=1)),
        container("app-2", main("app-2"), pre_stop=hook("app-2", "preStop", "sleep 3")),
    ),
    timing=True,
)
async def multiple_containers_failure(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.gone(at_least=3, within=4)
    failed = await run.event("FailedPreStopHook", "PreStopHook failed")
    run.expect("whose hook failed", "spec.containers{app-1}", failed.field)
    run.expect_order("app-1 preStop end", "app-1 main term", "app-2 preStop end", "app-2 main term")
    run.log(lines.pre_stop_failed(1))
    run.log(lines.event("FailedPreStopHook", "PreStopHook failed"))
    run.log(lines.received("app-1"))
    run.log(lines.pre_stop_ran_in("app-2"))


async def _has_written(run: CaseRun, name: str, path: str, content: str) -> None:
    """Look into the container while its hook still sleeps."""
    found = ""
    with anyio.move_on_after(4 + run.place.slack):
        while not found:
            found = (await run.exec(name, "cat", path)).stdout.strip()
    run.expect(f"the file {path} while the hook runs", content, found)


@case(
    "prestop_not_run_on_completion_test",
    title="PreStop Not Run On Completion Test",
    description="A container that ends by itself has nothing to stop, so its PreStop hook does not run.",
    steps=(
        "The main process exits with code 0, and the Pod succeeds",
        "The Pod is deleted, which is done at once",
        "The PreStop hook has not run",
    ),
    manifest=pod(container("app", ending("app", after=1, code=0), pre_stop=hook("app", "preStop"))),
)
async def not_run_on_completion(run: CaseRun) -> None:
    await run.create()
    await run.phase("Succeeded")
    await run.delete()
    await run.gone(within=2)
    run.expect("the hook has run", 0, run.said("app preStop begin"))
    run.log(lines.PRE_STOP_NOT_RUN)


@case(
    "prestop_not_run_on_crash_test",
    title="PreStop Not Run On Crash Test",
    description="A container that crashes and is restarted is not stopped by anybody: its PreStop hook does not run.",
    steps=(
        "The main process exits with code 1, again and again",
        "The container is restarted twice",
        "The PreStop hook has not run, and there is no Killing event",
    ),
    manifest=pod(container("app", ending("app", after=1, code=1), pre_stop=hook("app", "preStop")), restart="Always"),
)
async def not_run_on_crash(run: CaseRun) -> None:
    await run.create()
    await run.container("app", "app has been restarted twice", lambda app: app.restarts >= 2, within=35)
    run.expect("the hook has run", 0, run.said("app preStop begin"))
    await run.no_event("Killing")
    run.log(lines.PRE_STOP_NOT_RUN)
    run.log(lines.restarted("app", 2))


@case(
    "prestop_on_image_change_test",
    title="PreStop On Image Change Test",
    description="A container whose image is changed is stopped, with its PreStop hook, and started again.",
    steps=(
        "This Pod should start successfully",
        "The image of its container is changed to another name",
        "The PreStop hook runs, and the container is restarted, whatever the restart policy says",
    ),
    manifest=pod(container("app", main("app"), pre_stop=hook("app", "preStop"))),
)
async def on_image_change(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.change_image("app", "docker.io/library/busybox:1.36")
    message = "Container app definition changed, will be restarted"
    await run.event("Killing", message, within=20)
    await run.container("app", "app has been restarted", lambda app: app.restarts == 1 and app.state == "running")
    run.expect("how often the hook ran", 1, run.said("app preStop end"))
    run.expect_order("app preStop end", "app main term")
    run.log(lines.event("Killing", message))
    run.log(lines.PRE_STOP_RAN)
    run.log(lines.restarted("app", 1))


@case(
    "prestop_exits_pid1_test",
    title="PreStop Exits PID 1 Test",
    description=(
        "A PreStop hook may itself tell the main process to end: the container is then stopped, and the hook with it."
    ),
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted, and its PreStop hook sends SIGTERM to the main process",
        "The main process ends, and with it the hook, without waiting for the rest of it",
    ),
    manifest=pod(container("app", main("app"), pre_stop=hook("app", "preStop", "kill -TERM 1; sleep 10"))),
    timing=True,
)
async def exits_pid1(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.gone(within=3)
    run.expect("the hook came to its end", 0, run.said("app preStop end"))
    app = run.seen("app")
    run.expect("the exit code", 0, app.exit_code)
    run.expect("restarts", 0, app.restarts)
    run.log(lines.exited("app", 0))


@case(
    "prestop_sleep_action_test",
    title="PreStop Sleep Action Test",
    description="A sleep action delays the stop of a container and needs no program in its image.",
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted, and the PreStop hook sleeps for 5 seconds",
        "The container is told to stop after that",
    ),
    manifest=pod(
        container("app", {"args": ["pause"]}, image=AGNHOST, pre_stop={"sleep": {"seconds": 5}}), name="sleep-pod"
    ),
    needs=(Need.SLEEP,),
    timing=True,
)
async def sleep_action(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.gone(at_least=5, within=6)
    await run.no_event("FailedPreStopHook")
    run.expect("the exit code", PAUSE_ANSWERS_TERM_WITH, run.seen("app").exit_code)
    run.log(lines.PRE_STOP_RAN)
    run.log(lines.received("app"))


@case(
    "prestop_eviction_api_test",
    title="PreStop Eviction API Test",
    description="A Pod that is evicted through the API is stopped as one that is deleted.",
    steps=(
        "This Pod should start successfully",
        "The Pod is evicted",
        "The PreStop hook runs before the container is told to stop",
    ),
    manifest=pod(container("app", main("app"), pre_stop=hook("app", "preStop", "sleep 1"))),
)
async def eviction_api(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.evict()
    await run.gone(at_least=1, within=3)
    run.expect_order("app preStop begin", "app preStop end", "app main term")
    await run.event("Killing", "Stopping container app")
    run.log(lines.PRE_STOP_RAN)


@case(
    "prestop_kubelet_restart_test",
    title="PreStop Kubelet Restart Test",
    description="A PreStop hook that a restart of the kubelet cuts off runs again: at least once, not exactly once.",
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted, and the kubelet is restarted while the PreStop hook runs",
        "The hook runs to its end at least once before the container is stopped",
    ),
    manifest=pod(container("app", main("app"), pre_stop=hook("app", "preStop", "sleep 8"))),
    needs=(Need.CLUSTER,),
)
async def kubelet_restart(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.traced("app preStop begin")
    await run.restart_kubelet()
    await run.gone(at_least=8, within=60)
    run.expect(
        "the hook came to its end", "at least once", run.said("app preStop end"), ok=run.said("app preStop end") > 0
    )
    run.log(lines.PRE_STOP_RAN)
