"""pre_stop: when the hook runs, what it delays, and what a failing one leads to."""

from __future__ import annotations

from datetime import timedelta

from boathook.compose.options import DownOptions, KillOptions, RemoveOptions, RestartOptions, StopOptions, UpOptions
from boathook.conformance.cases import project_case
from boathook.conformance.noting import uptime
from boathook.conformance.project_run import NONE, ProjectRun


@project_case(
    "compose_pre_stop_before_signal_test",
    title="pre_stop Before Signal Test",
    description="A pre_stop hook runs while its container is fully up. The stop signal is sent when it has ended.",
    steps=(
        "On `stop` the two hooks run one after another",
        "The second one finds the program of the container alive",
        "Then the program gets SIGTERM",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        pre_stop:
          - command: /demo/hook drain 1
          - command: sh -c "kill -0 1 && /demo/say app lives 0"
    """,
)
async def before_signal(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts")
    await run.do(StopOptions())
    run.see("drain begins", "drain ends", "app lives", "app gets SIGTERM")
    await run.expect_states(app="exited")


@project_case(
    "compose_grace_after_hook_test",
    title="Grace After Hook Test",
    description="The time that a container has for its end counts from the signal: a hook takes nothing from it.",
    steps=(
        "The hook takes 3 seconds, although `-t 1` gives the container only one",
        "Then SIGTERM is sent, and, since the program does not heed it, SIGKILL a second later",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/endure app
        volumes: [./demo:/demo]
        pre_stop:
          - command: /demo/hook drain 3
    """,
    timing=True,
)
async def grace_after_hook(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts")
    began = uptime()
    took = await run.do(StopOptions(grace=timedelta(seconds=1)))
    run.see("drain begins", "drain ends", "app gets SIGTERM")
    run.expect_between("SIGTERM came", run.when("app gets SIGTERM") - began, 3, 4)
    run.expect_between("SIGKILL came after SIGTERM", took - (run.when("app gets SIGTERM") - began), 0.9, 2)
    await run.expect_states(app="exited")


@project_case(
    "compose_stop_order_test",
    title="Stop Order Test",
    description="A service is stopped when those that depend on it have been stopped, hooks included.",
    steps=("`web` depends on `db`: its hook runs first, and it is stopped", "Then the hook of `db` runs"),
    file="""
    services:
      db:
        image: busybox:1.36
        command: /demo/serve db
        volumes: [./demo:/demo]
        pre_stop:
          - command: /demo/hook flush
      web:
        image: busybox:1.36
        command: /demo/serve web
        volumes: [./demo:/demo]
        depends_on: [db]
        pre_stop:
          - command: /demo/hook drain 1
    """,
)
async def stop_order(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("db starts")
    await run.traced("web starts")
    await run.do(DownOptions())
    run.see("drain begins", "drain ends", "web gets SIGTERM", "flush begins", "flush ends", "db gets SIGTERM")
    await run.expect_states(web=NONE, db=NONE)


_FAILING = """
    services:
      db:
        image: busybox:1.36
        command: /demo/serve db
        volumes: [./demo:/demo]
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        depends_on: [db]
        post_start:
          - command: /demo/hook register
        pre_stop:
          - command: /demo/hook save 0 4
          - command: /demo/hook drain
      other:
        image: busybox:1.36
        command: /demo/serve other
        volumes: [./demo:/demo]
    """


async def _running(run: ProjectRun) -> None:
    await run.do(UpOptions())
    for service in ("db", "app", "other"):
        await run.traced(f"{service} starts")


@project_case(
    "compose_pre_stop_failure_on_stop_test",
    title="pre_stop Failure On Stop Test",
    description="A container whose pre_stop hook fails is not stopped, and what it depends on goes on running with it.",
    steps=(
        "On `stop` the first hook of `app` exits with code 4; its second hook does not run",
        "`app` and `db` go on running, `other` is stopped, and the command fails",
    ),
    file=_FAILING,
)
async def failure_on_stop(run: ProjectRun) -> None:
    await _running(run)
    await run.do(StopOptions(), fails="app hook exited with status 4")
    run.see("save begins", "save ends")
    run.never("drain begins")
    run.never("app gets SIGTERM")
    await run.expect_states(app="running", db="running", other="exited")


@project_case(
    "compose_pre_stop_failure_on_down_test",
    title="pre_stop Failure On Down Test",
    description="`down` leaves a container whose pre_stop hook fails, and what it depends on. `kill` is a way out.",
    steps=(
        "On `down` the hook of `app` fails: `app` and `db` are left, `other` is removed, and the command fails",
        "`kill` runs no hook, and the next `down` has nothing to run one in: all containers are removed",
    ),
    file=_FAILING,
)
async def failure_on_down(run: ProjectRun) -> None:
    await _running(run)
    await run.do(DownOptions(), fails="app hook exited with status 4")
    await run.expect_states(app="running", db="running", other=NONE)
    await run.do(KillOptions())
    run.never("save begins")
    await run.do(DownOptions())
    run.never("save begins")
    await run.expect_states(app=NONE, db=NONE, other=NONE)


@project_case(
    "compose_pre_stop_failure_on_restart_test",
    title="pre_stop Failure On Restart Test",
    description="A container whose pre_stop hook fails is not restarted.",
    steps=("On `restart` the hook of `app` fails", "`app` goes on running, and its post_start hook does not run"),
    file=_FAILING,
)
async def failure_on_restart(run: ProjectRun) -> None:
    await _running(run)
    await run.do(RestartOptions(services=("app",)), fails="app hook exited with status 4")
    run.see("save begins", "save ends")
    run.never("app gets SIGTERM")
    run.never("register begins")
    await run.expect_states(app="running")


@project_case(
    "compose_pre_stop_failure_of_replica_test",
    title="pre_stop Failure Of Replica Test",
    description="When the pre_stop hook of one of several containers fails, the others are stopped all the same.",
    steps=(
        "The hook of whichever of the three containers comes first exits with code 5",
        "That one goes on running; the hooks of the two others meet and end well, and they are stopped",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        scale: 3
        volumes: [./demo:/demo]
        pre_stop:
          - command: sh -c "mkdir /demo/first && exit 5; /demo/meet drain 2"
    """,
)
async def failure_of_replica(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts", count=3)
    await run.do(StopOptions(), fails="app hook exited with status 5")
    run.expect_turns("drain", 2, together=True)
    states = sorted(one.status.value for one in await run.members("app"))
    run.expect("the containers", "exited, exited, running", ", ".join(states))
    run.log("one container is running, two are exited")


@project_case(
    "compose_kill_test",
    title="Kill Test",
    description="`kill` runs no hook.",
    steps=("`kill` ends the container at once", "`down` finds it ended, and removes it without a hook"),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        pre_stop:
          - command: /demo/hook drain
    """,
)
async def kill(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.do(KillOptions())
    run.never("drain begins")
    await run.until_state("app", "exited")
    await run.do(DownOptions())
    run.never("drain begins")
    await run.expect_states(app=NONE)


@project_case(
    "compose_pre_stop_of_exited_container_test",
    title="pre_stop Of Exited Container Test",
    description="A container that has ended by itself has nothing to stop, so its pre_stop hook does not run.",
    steps=("The program of `app` ends after a second", "`stop` and `down` succeed without a hook"),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app 1
        volumes: [./demo:/demo]
        pre_stop:
          - command: /demo/hook drain
    """,
)
async def exited_container(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.until_state("app", "exited")
    for command in (StopOptions(), DownOptions()):
        await run.do(command)
        run.never("drain begins")
    await run.expect_states(app=NONE)


@project_case(
    "compose_pre_stop_of_paused_container_test",
    title="pre_stop Of Paused Container Test",
    description="A paused container is let go on, so that its pre_stop hook can run, and is then stopped.",
    steps=("`pause` stops the program of `app` in its tracks", "On `stop` the hook runs, and then SIGTERM is sent"),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        pre_stop:
          - command: /demo/hook drain
    """,
)
async def paused_container(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts")
    await run.pause("app")
    await run.expect_states(app="paused")
    await run.do(StopOptions())
    run.see("drain begins", "drain ends", "app gets SIGTERM")
    await run.expect_states(app="exited")


@project_case(
    "compose_rm_test",
    title="Rm Test",
    description="`rm` stops nothing, so it runs no hook; `rm -s` stops, with the pre_stop hook.",
    steps=("`rm -f` leaves `app`, which runs, as it is", "`rm -fs` runs its hook, stops it and removes it"),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        pre_stop:
          - command: /demo/hook drain
    """,
)
async def remove(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts")
    await run.do(RemoveOptions())
    run.never("drain begins")
    await run.expect_states(app="running")
    await run.do(RemoveOptions(stop=True))
    run.see("drain begins", "drain ends", "app gets SIGTERM")
    await run.expect_states(app=NONE)
