"""The grace period, second by second: what counts in it, and what happens at its end."""

from __future__ import annotations

from typing import Any

from boathook.conformance import lines
from boathook.conformance.case_run import CaseRun
from boathook.conformance.cases import case
from boathook.conformance.manifests import container, pod
from boathook.conformance.model import Need
from boathook.conformance.scripts import IDLE, TRACE, hook, ignoring, main

KILLED = 137


@case(
    "prestop_hook_overrun_test",
    title="PreStop Hook Overrun Test",
    description="A PreStop hook that takes longer than the grace period is not waited for.",
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted with a grace period of 5 seconds, and its PreStop hook takes 60",
        "After 5 seconds the container gets SIGTERM, and 2 seconds later SIGKILL, which ends the hook, too",
    ),
    manifest=pod(container("app", ignoring("app"), pre_stop=hook("app", "preStop", "sleep 60")), grace=5),
    timing=True,
)
async def hook_overrun(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.traced("app main term")
    await run.no_event("FailedPreStopHook")
    await run.gone(at_least=7, within=8)
    run.expect_after_delete("app main term", 5, 6)
    run.expect("the hook came to its end", 0, run.said("app preStop end"))
    run.expect("the exit code", KILLED, run.seen("app").exit_code)
    run.log(lines.PRE_STOP_CUT_OFF)
    run.log(lines.killed("app"))


@case(
    "prestop_consumes_grace_test",
    title="PreStop Consumes Grace Test",
    description="What a PreStop hook takes is taken from the grace period: only the rest is left for the main process.",
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted with a grace period of 10 seconds, and its PreStop hook takes 8",
        "The container gets SIGTERM after 8 seconds, and SIGKILL after 10",
    ),
    manifest=pod(container("app", ignoring("app"), pre_stop=hook("app", "preStop", "sleep 8")), grace=10),
    timing=True,
)
async def consumes_grace(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.gone(at_least=10, within=11)
    run.expect_after_delete("app main term", 8, 9)
    run.expect("the exit code", KILLED, run.seen("app").exit_code)
    run.log(lines.PRE_STOP_RAN)
    run.log(lines.received("app"))
    run.log(lines.killed("app"))


@case(
    "prestop_force_delete_test",
    title="PreStop Force Delete Test",
    description="A Pod that is deleted by force is gone from the API at once; its containers get a second, and 2 more.",
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted with --force --grace-period=0, and its object is gone at once",
        "The PreStop hook begins, and is cut off",
        "The container is killed after about 3 seconds",
    ),
    manifest=pod(
        container(
            "app",
            main("app", on_term="", work="while :; do t app main tick 0; sleep 0.2; done"),
            pre_stop=hook("app", "preStop", "sleep 5"),
        )
    ),
    timing=True,
)
async def force_delete(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.force_delete()
    await run.until("the pod is gone", lambda pod: True if pod is None else None, within=1)
    await run.traced("app preStop begin")
    await run.sleep(5.5)
    run.expect("the hook came to its end", 0, run.said("app preStop end"))
    last = [line.at for line in run.trace() if line.what == "app main tick"][-1]
    # Its last sign of life comes at most one tick before its end.
    run.expect_between("the container was killed, after the deletion", last - run.deleted_at, 2.5, 3.5)
    run.log(lines.PRE_STOP_CUT_OFF)


@case(
    "prestop_short_delete_grace_test",
    title="PreStop Short Delete Grace Test",
    description="The grace period that a deletion names counts instead of the Pod's own.",
    steps=(
        "A Pod with a grace period of 60 seconds should start successfully; its PreStop hook takes 20",
        "It is deleted with a grace period of 4 seconds",
        "The container gets SIGTERM after 4 seconds, and SIGKILL after 6",
    ),
    manifest=pod(container("app", ignoring("app"), pre_stop=hook("app", "preStop", "sleep 20")), grace=60),
    timing=True,
)
async def short_delete_grace(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete(grace=4)
    await run.gone(at_least=6, within=7)
    run.expect_after_delete("app main term", 4, 5)
    run.expect("the hook came to its end", 0, run.said("app preStop end"))
    run.expect("the exit code", KILLED, run.seen("app").exit_code)
    run.log(lines.PRE_STOP_CUT_OFF)
    run.log(lines.killed("app"))


def _told_by(signal: str) -> Any:
    script = f"{TRACE}\ntrap 't app main {signal} 0; exit 0' {signal}\nt app main begin 0\n{IDLE}\n"
    return {"command": ["sh", "-c", script]}


@case(
    "stop_signal_test",
    title="Stop Signal Test",
    description="A container may name the signal that stops it.",
    steps=(
        "A Pod that names a stop signal, but no operating system, is refused",
        "This Pod, which names both, should start successfully",
        "It is deleted; after the PreStop hook its main process gets SIGUSR1 instead of SIGTERM, and exits with code 0",
    ),
    manifest=pod(
        container(
            "app",
            _told_by("USR1"),
            lifecycle={"preStop": hook("app", "preStop"), "stopSignal": "SIGUSR1"},
        ),
        os={"name": "linux"},
    ),
    needs=(Need.STOP_SIGNAL,),
)
async def stop_signal(run: CaseRun) -> None:
    whole = run.pods[0]
    spec = whole["spec"]
    assert isinstance(spec, dict)
    without = whole | {"spec": {key: value for key, value in spec.items() if key != "os"}}
    refusal = "lifecycle.stopSignal: Forbidden: may not be set for containers with empty `spec.os.name`"
    await run.refused(without, "a stop signal and no operating system", refusal)
    await run.create()
    await run.running()
    await run.delete()
    await run.gone(within=2)
    run.expect_order("app preStop end", "app main USR1")
    run.expect("the exit code", 0, run.seen("app").exit_code)
    run.log(lines.received("app", "SIGUSR1"))
    run.log(lines.exited("app", 0))


@case(
    "termination_message_hook_test",
    title="Termination Message Hook Test",
    description="What a PreStop hook writes to the termination log stands in the container's final state.",
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted, and its PreStop hook appends to /dev/termination-log",
        "The message of the terminated container has the text",
    ),
    manifest=pod(
        container(
            "app", main("app"), pre_stop=hook("app", "preStop", "echo 'PreStop was here' >> /dev/termination-log")
        )
    ),
)
async def termination_message(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.gone(within=2)
    run.expect("the termination message", "PreStop was here", run.seen("app").message.strip())
    run.log(lines.PRE_STOP_RAN)
