"""post_start: in which order hooks run, what waits for them, and what a failing one leads to."""

from __future__ import annotations

from boathook.compose.options import StopOptions, UpOptions
from boathook.conformance.cases import project_case
from boathook.conformance.project_run import ProjectRun


@project_case(
    "compose_post_start_order_test",
    title="post_start Order Test",
    description="post_start hooks run in the order of the file, each when the one before it has ended.",
    steps=(
        "The container is started, and its two hooks run one after another",
        "`up` returns when the last hook has ended",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook register 1
          - command: /demo/hook warm-up 1
    """,
    timing=True,
)
async def order(run: ProjectRun) -> None:
    took = await run.do(UpOptions())
    run.see("register begins", "register ends", "warm-up begins", "warm-up ends")
    run.expect_between("up took", took, 2, 5)
    await run.expect_states(app="running")


@project_case(
    "compose_dependants_wait_test",
    title="Dependants Wait Test",
    description="A service is started when the post_start hooks of those that it depends on have ended.",
    steps=(
        "`db` is started, and its hook takes 2 seconds",
        "`web` depends on `db`, and is started after the hook has ended",
    ),
    file="""
    services:
      db:
        image: busybox:1.36
        command: /demo/serve db
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook migrate 2
      web:
        image: busybox:1.36
        command: /demo/serve web
        volumes: [./demo:/demo]
        depends_on: [db]
    """,
)
async def dependants_wait(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("web starts")
    run.see("migrate begins", "migrate ends", "web starts")


@project_case(
    "compose_healthy_while_hooking_test",
    title="Healthy While Hooking Test",
    description="A service that is healthy already is waited for until its post_start hooks have ended, too.",
    steps=(
        "The first hook of `db` ends when the healthcheck has run twice: `db` is healthy",
        "`web` is started when the second one, which takes 3 seconds, has ended",
    ),
    file="""
    services:
      db:
        image: busybox:1.36
        command: /demo/serve db
        volumes: [./demo:/demo]
        healthcheck:
          test: echo checked >> /demo/meeting
          interval: 1s
        post_start:
          - command: /demo/meet await-checks 3
          - command: /demo/hook migrate 3
      web:
        image: busybox:1.36
        command: /demo/serve web
        volumes: [./demo:/demo]
        depends_on:
          db: {condition: service_healthy}
    """,
    timing=True,
)
async def healthy_while_hooking(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("web starts")
    run.see("await-checks begins", "await-checks ends", "migrate begins", "migrate ends", "web starts")


@project_case(
    "compose_independent_services_test",
    title="Independent Services Test",
    description="Services that do not depend on each other are started at the same time, with their hooks.",
    steps=("`one` and `two` are started", "Their hooks wait for each other: they run at the same time"),
    file="""
    services:
      one:
        image: busybox:1.36
        command: /demo/serve one
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/meet prepare-one 2
      two:
        image: busybox:1.36
        command: /demo/serve two
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/meet prepare-two 2
    """,
    timing=True,
)
async def independent_services(run: ProjectRun) -> None:
    await run.do(UpOptions())
    run.expect_overlap("prepare-one", "prepare-two")


@project_case(
    "compose_replicas_test",
    title="Replicas Test",
    description="The containers of a service are started one after another, each with its hooks, and stopped together.",
    steps=(
        "Three containers are started; the next one when the hook of the one before has ended",
        "On `stop` the hooks of all three wait for each other: they run at the same time",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        scale: 3
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook register 1
        pre_stop:
          - command: /demo/meet drain 3
    """,
    timing=True,
)
async def replicas(run: ProjectRun) -> None:
    await run.do(UpOptions())
    run.expect_turns("register", 3, together=False)
    await run.traced("app starts", count=3)
    await run.do(StopOptions())
    run.expect_turns("drain", 3, together=True)
    await run.expect_states(app="exited, exited, exited")


@project_case(
    "compose_post_start_failure_test",
    title="post_start Failure Test",
    description="When a post_start hook fails its container goes on running, and the command fails.",
    steps=(
        "The first hook of `app` exits with code 3; its second hook does not run",
        "`web`, which depends on `app`, is created and not started; `other` is started",
        "The next `up` starts `web`. It does not run the hooks of `app` again, for its container runs",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook register 0 3
          - command: /demo/hook warm-up
      web:
        image: busybox:1.36
        command: /demo/serve web
        volumes: [./demo:/demo]
        depends_on: [app]
      other:
        image: busybox:1.36
        command: /demo/serve other
        volumes: [./demo:/demo]
    """,
)
async def failure(run: ProjectRun) -> None:
    await run.do(UpOptions(), fails="app hook exited with status 3")
    run.see("register begins", "register ends")
    run.never("warm-up begins")
    await run.expect_states(app="running", other="running", web="created")
    await run.do(UpOptions())
    await run.expect_states(app="running", other="running", web="running")
    run.never("register begins")
    run.never("warm-up begins")


@project_case(
    "compose_rerun_failed_hooks_test",
    title="Rerun Failed Hooks Test",
    description="A post_start hook that failed is remembered, and is run again where that is asked for.",
    steps=(
        "The hook fails, as long as there is no `demo/ready`",
        "The next `up` says that it failed, and `up --rerun-failed-hooks` runs it again",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        post_start:
          - command: sh -c "/demo/hook register && test -e /demo/ready"
          - command: /demo/hook warm-up
    """,
)
async def rerun(run: ProjectRun) -> None:
    await run.do(UpOptions(), fails="app hook exited with status 1")
    (run.shared / "ready").touch()
    await run.do(UpOptions())
    run.never("register begins")
    run.expect_notice("did not end well")
    await run.do(UpOptions(rerun_hooks=True))
    run.see("register begins", "register ends", "warm-up begins", "warm-up ends")


@project_case(
    "compose_post_start_of_exited_container_test",
    title="post_start Of Exited Container Test",
    description="A hook cannot run in a container whose program has ended already.",
    steps=(
        "The program of `app` ends at once, and its first hook with it; that is let pass",
        "The second hook finds no container to run in, and the command fails",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: "true"
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook register 30
            x-boathook: {on_failure: continue}
          - command: /demo/hook warm-up
    """,
)
async def exited_container(run: ProjectRun) -> None:
    await run.do(UpOptions(), fails="is not running")
    run.never("warm-up begins")
    await run.until_state("app", "exited")
