"""What Compose leaves open, and what can be said about it here."""

from __future__ import annotations

from datetime import timedelta

from boathook.compose.options import DownOptions, HookWishes, StopOptions, UpOptions
from boathook.conformance.cases import project_case
from boathook.conformance.project_run import NONE, ProjectRun
from boathook.model import OnFailure


@project_case(
    "compose_hook_timeout_test",
    title="Hook Timeout Test",
    description="A hook has all the time it needs, unless `x-boathook` sets a limit: then it is ended, and has failed.",
    steps=("The hook would take a minute, and is ended after a second", "The command fails, and the container runs"),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook register 60
            x-boathook: {timeout: 1s}
    """,
    timing=True,
)
async def timeout(run: ProjectRun) -> None:
    took = await run.do(UpOptions(), fails="app hook")
    run.expect_between("up took", took, 1, 5)
    run.see("register begins")
    run.never("register ends")
    await run.expect_states(app="running")


@project_case(
    "compose_hook_timeout_flag_test",
    title="Hook Timeout Flag Test",
    description="`--hook-timeout` is the limit of hooks that have none of their own, so that none can hold up `down`.",
    steps=(
        "The hook would take a minute; `down --hook-timeout 1s --hook-on-failure continue` ends it after a second",
        "The container is stopped and removed all the same",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        pre_stop:
          - command: /demo/hook drain 60
    """,
    timing=True,
)
async def timeout_flag(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts")
    wishes = HookWishes(timeout=timedelta(seconds=1), on_failure=OnFailure.CONTINUE)
    took = await run.do(DownOptions(hooks=wishes))
    run.expect_between("down took", took, 1, 6)
    run.see("drain begins", "app gets SIGTERM")
    run.never("drain ends")
    await run.expect_states(app=NONE)


@project_case(
    "compose_on_failure_test",
    title="On Failure Test",
    description="A hook of which `x-boathook` says so may fail: the command goes on.",
    steps=(
        "`register` exits with code 3; the hook after it runs, and `up` succeeds",
        "`drain` exits with code 4, and the container is stopped",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook register 0 3
            x-boathook: {on_failure: continue}
          - command: /demo/hook warm-up
        pre_stop:
          - command: /demo/hook drain 0 4
            x-boathook: {on_failure: continue}
    """,
)
async def on_failure(run: ProjectRun) -> None:
    await run.do(UpOptions())
    run.see("register begins", "register ends", "warm-up begins", "warm-up ends")
    await run.traced("app starts")
    await run.do(StopOptions())
    run.see("drain begins", "drain ends", "app gets SIGTERM")
    await run.expect_states(app="exited")


@project_case(
    "compose_no_hooks_test",
    title="No Hooks Test",
    description="With `--no-hooks` no hook runs, and each that is left out is said.",
    steps=("`up --no-hooks` starts the container, `stop --no-hooks` stops it",),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook register
        pre_stop:
          - command: /demo/hook drain
    """,
)
async def no_hooks(run: ProjectRun) -> None:
    await run.do(UpOptions(hooks=HookWishes(skip=True)))
    await run.traced("app starts")
    run.never("register begins")
    run.expect_notice("post_start")
    await run.do(StopOptions(hooks=HookWishes(skip=True)))
    run.never("drain begins")
    run.expect_notice("pre_stop")
    run.see("app gets SIGTERM")
    await run.expect_states(app="exited")


@project_case(
    "compose_wait_timeout_test",
    title="Wait Timeout Test",
    description="`--wait-timeout` is about what comes after the hooks: it does not cut one off.",
    steps=("The hook takes 3 seconds, although `up` is to wait for one", "`up` succeeds"),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook register 3
    """,
    timing=True,
)
async def wait_timeout(run: ProjectRun) -> None:
    took = await run.do(UpOptions(wait=True, wait_timeout=timedelta(seconds=1)))
    run.expect_between("up took", took, 3, 6)
    run.see("register begins", "register ends")
