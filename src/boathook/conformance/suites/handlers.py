"""What a handler may be, what it runs as, and where its output goes."""

from __future__ import annotations

from boathook.conformance import lines
from boathook.conformance.case_run import CaseRun
from boathook.conformance.cases import case
from boathook.conformance.manifests import container, pod
from boathook.conformance.scripts import hook, main


@case(
    "hook_exec_missing_binary_test",
    title="Hook Exec Missing Binary Test",
    description="A hook whose program does not exist fails at once, and the stop goes on.",
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted, and the program of its PreStop hook is not there",
        "A FailedPreStopHook event is recorded, and the container is told to stop at once",
    ),
    manifest=pod(container("app", main("app"), pre_stop={"exec": {"command": ["/nope"]}})),
)
async def exec_missing_binary(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.gone(within=2)
    failed = await run.event("FailedPreStopHook", "PreStopHook failed")
    run.expect("how often the hook failed", 1, failed.count)
    run.expect("the exit code", 0, run.seen("app").exit_code)
    run.log(lines.event("FailedPreStopHook", "PreStopHook failed"))
    run.log(lines.exited("app", 0))


@case(
    "hook_tcp_socket_fails_test",
    title="Hook TCP Socket Fails Test",
    description="A tcpSocket hook passes the validation and fails whenever it is to run: nothing runs such hooks.",
    steps=(
        "A Pod with a tcpSocket handler as its PostStart hook is accepted",
        "The hook fails without opening a connection, and the container is killed",
    ),
    manifest=pod(container("app", main("app"), post_start={"tcpSocket": {"port": 80}}), restart="Always"),
)
async def tcp_socket_fails(run: CaseRun) -> None:
    await run.create()
    await run.event("FailedPostStartHook", "PostStartHook failed", within=20)
    app = await run.container(
        "app", "app waits with PostStartHookError", lambda app: app.reason == "PostStartHookError", within=40
    )
    begins = "Cannot run handler: invalid handler"
    run.expect("the message", begins, app.message, ok=app.message.startswith(begins))
    run.log(lines.event("FailedPostStartHook", "PostStartHook failed"))


@case(
    "hook_output_not_in_logs_test",
    title="Hook Output Not In Logs Test",
    description=(
        "What a hook prints does not come into the container's log, unless it writes to the main process's own output."
    ),
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted; its PreStop hook prints one line, and writes another one to /proc/1/fd/1",
        "The container's log has only the second line",
    ),
    manifest=pod(
        container(
            "app",
            main("app", on_term="sleep 4; exit 0"),
            pre_stop=hook("app", "preStop", "echo hello-hook; echo hello-log > /proc/1/fd/1"),
        )
    ),
)
async def output_not_in_logs(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.traced("app main term")
    log = await run.logs("app")
    run.expect("hello-log stands in the log", "yes", "yes" if "hello-log" in log else f"no: {log!r}")
    run.expect("hello-hook stands in the log", "no", "yes" if "hello-hook" in log else "no")
    await run.gone(within=5)
    run.log(lines.PRE_STOP_RAN)


@case(
    "hook_identity_test",
    title="Hook Identity Test",
    description="An exec hook runs as its container's user, in its working directory and with its environment.",
    steps=(
        "The container runs as user and group 1000, in /tmp, with an environment variable of its own",
        "Its PostStart hook writes down who and where it is",
        "The program and its arguments are taken as they stand: no shell, and no $(VAR), is looked for in them",
    ),
    manifest=pod(
        container(
            "app",
            main("app"),
            post_start={
                "exec": {
                    "command": [
                        "sh",
                        "-c",
                        'id -u > /shared/uid; id -g > /shared/gid; pwd > /shared/pwd; echo "$GREETING" > /shared/env; '
                        'echo "$0" > /shared/argument',
                        "$(GREETING)",
                    ]
                }
            },
            env=[{"name": "GREETING", "value": "hello"}],
            workingDir="/tmp",
        )
    ),
)
async def identity(run: CaseRun) -> None:
    await run.create()
    await run.running()
    run.expect_file("uid", "1000")
    run.expect_file("gid", "1000")
    run.expect_file("pwd", "/tmp")
    run.expect_file("env", "hello")
    run.expect_file("argument", "$(GREETING)")
    run.log(lines.POST_START_RAN)


@case(
    "background_child_test",
    title="Background Child Test",
    description=(
        "A hook has ended when its program has and nobody holds its output any more: what runs on in silence does not "
        "count."
    ),
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted; its PreStop hook leaves a program behind that runs for 20 seconds, with its output closed",
        "The container is told to stop at once",
    ),
    manifest=pod(
        container("app", main("app"), pre_stop=hook("app", "preStop", "sleep 20 > /dev/null 2>&1 < /dev/null &"))
    ),
    timing=True,
)
async def background_child(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.delete()
    await run.gone(within=2)
    run.expect_after_delete("app main term", 0, 1)
    await run.no_event("FailedPreStopHook")
    run.log(lines.PRE_STOP_RAN)
