"""Which commands run hooks, and which do not."""

from __future__ import annotations

from boathook.compose.options import DownOptions, OneOff, RunOptions, StartOptions, StopOptions, UpOptions
from boathook.conformance.cases import project_case
from boathook.conformance.project_run import NONE, ProjectRun


@project_case(
    "compose_commands_without_hooks_test",
    title="Commands Without Hooks Test",
    description="What neither starts nor stops a container runs no hook.",
    steps=(
        "`create` makes the container, and runs nothing",
        "`start` runs the post_start hook",
        "`pause`, `unpause` and `exec` run none",
        "`stop` and `start` run the hooks again",
    ),
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
async def commands_without_hooks(run: ProjectRun) -> None:
    await run.do(UpOptions(start=False))
    run.never("register begins")
    await run.expect_states(app="created")
    await run.do(StartOptions())
    run.see("register begins", "register ends")
    await run.traced("app starts")
    await run.pause("app")
    run.never("drain begins")
    await run.unpause("app")
    run.never("register begins")
    ran = await run.exec("app", "echo", "hello")
    run.expect("what the program wrote", "hello", ran.stdout.strip())
    run.never("register begins")
    await run.do(StopOptions())
    run.see("drain begins", "drain ends", "app gets SIGTERM")
    await run.do(StartOptions())
    run.see("register begins", "register ends")


@project_case(
    "compose_run_test",
    title="Run Test",
    description="A container of `run` has the hooks of its service, and so have the services that it depends on.",
    steps=(
        "`run` starts `db` with its hook, and then the container with the hooks of `task`",
        "`stop` leaves that container running",
        "`down --remove-orphans` stops it, with the pre_stop hook",
    ),
    file="""
    services:
      db:
        image: busybox:1.36
        command: /demo/serve db
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook migrate
      task:
        image: busybox:1.36
        command: /demo/serve task
        volumes: [./demo:/demo]
        depends_on: [db]
        post_start:
          - command: /demo/hook register
        pre_stop:
          - command: /demo/hook drain
    """,
)
async def one_off(run: ProjectRun) -> None:
    await run.do(RunOptions(service="task", oneoff=OneOff(command=("/demo/serve", "one-off"))))
    run.see("migrate begins", "migrate ends", "register begins", "register ends")
    await run.traced("one-off starts")
    await run.do(StopOptions())
    run.never("drain begins")
    await run.expect_states(db="exited")
    (left,) = [one for one in await run.members("task") if one.oneoff]
    run.expect("the container of run", "running", left.status.value)
    await run.do(DownOptions(remove_orphans=True))
    run.see("drain begins", "drain ends", "one-off gets SIGTERM")
    run.expect("containers that are left", 0, len(await run.members()))
    await run.expect_states(db=NONE)
