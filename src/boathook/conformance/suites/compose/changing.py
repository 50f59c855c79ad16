"""Hooks of containers that are restarted, replaced, or become more or fewer."""

from __future__ import annotations

from boathook.compose.options import RestartOptions, UpOptions
from boathook.conformance.cases import project_case
from boathook.conformance.model import CaseFile
from boathook.conformance.project_run import NONE, ProjectRun


@project_case(
    "compose_restart_test",
    title="Restart Test",
    description="`restart` runs the pre_stop hook, starts the container again, and runs the post_start hook.",
    steps=(
        "On `restart app` the hook `drain` of `app` runs, its program gets SIGTERM and starts again, `register` runs",
        "Then `web` is restarted in the same way, for it depends on `app` with `restart: true`",
        "With `--no-deps` `web` is left alone",
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
      web:
        image: busybox:1.36
        command: /demo/serve web
        volumes: [./demo:/demo]
        depends_on:
          app: {condition: service_started, restart: true}
        post_start:
          - command: /demo/hook web-register
        pre_stop:
          - command: /demo/hook web-drain
    """,
)
async def restart(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts")
    await run.traced("web starts")
    await run.do(RestartOptions(services=("app",)))
    run.see("drain begins", "drain ends", "app gets SIGTERM", "register begins", "register ends")
    run.see("web-drain begins", "web-drain ends", "web gets SIGTERM", "web-register begins", "web-register ends")
    run.expect_order("register ends", "web-drain begins")
    await run.traced("app starts")
    await run.traced("web starts")
    await run.do(RestartOptions(services=("app",), deps=False))
    run.see("drain begins", "drain ends", "app gets SIGTERM", "register begins", "register ends")
    run.never("web-drain begins")


@project_case(
    "compose_force_recreate_test",
    title="Force Recreate Test",
    description="A container that another one replaces is stopped as any other is: with its pre_stop hook.",
    steps=(
        "On `up --force-recreate` the hook `drain` runs in the old container, which is stopped and removed",
        "The new container is started, and the hook `register` runs in it",
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
async def force_recreate(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts")
    before = await run.member("app")
    await run.do(UpOptions(force_recreate=True))
    run.see("drain begins", "drain ends", "app gets SIGTERM", "register begins", "register ends")
    after = await run.member("app")
    run.expect("the container is another one", True, before.id != after.id)
    await run.expect_states(app="running")


@project_case(
    "compose_hook_change_test",
    title="Hook Change Test",
    description="A hook is part of what a container is made of: another hook makes another container.",
    steps=(
        "`up` with the same file changes nothing, and no hook runs",
        "The post_start hook is changed, and nothing else: `up` replaces the container, and the new hook runs",
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
async def hook_change(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts")
    before = await run.member("app")
    await run.do(UpOptions())
    run.never("register begins")
    run.never("drain begins")
    run.expect("the container is the same", before.id, (await run.member("app")).id)
    run.change("hook register", "hook announce")
    await run.do(UpOptions())
    run.see("drain begins", "drain ends", "app gets SIGTERM", "announce begins", "announce ends")
    run.expect("the container is another one", True, before.id != (await run.member("app")).id)


@project_case(
    "compose_scale_test",
    title="Scale Test",
    description="More containers: hooks run in the new ones only. Fewer: pre_stop hooks run in those that go.",
    steps=(
        "From one container to three: two hooks, one after another",
        "From three to four: one hook",
        "From four to two: the hooks of the two with the highest numbers, which wait for each other",
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
          - command: /demo/meet drain 2
    """,
)
async def scale(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.do(UpOptions(scale={"app": 3}))
    run.expect_turns("register", 2, together=False)
    await run.do(UpOptions(scale={"app": 4}))
    run.expect_turns("register", 1, together=False)
    await run.traced("app starts")
    await run.do(UpOptions(scale={"app": 2}))
    run.expect_turns("drain", 2, together=True)
    run.never("register begins")
    numbers = sorted(one.number for one in await run.members("app"))
    run.expect("the containers that are left", [1, 2], numbers)
    run.log("the containers 1 and 2 are left")


@project_case(
    "compose_orphans_test",
    title="Orphans Test",
    description="A container whose service is in no file any more has no hooks that could be run, and that is said.",
    steps=(
        "The service `old` is taken out of the file; `up` says that its container is left over",
        "`up --remove-orphans` removes it, says that no hook was run, and runs none",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
      old:
        image: busybox:1.36
        command: /demo/serve old
        volumes: [./demo:/demo]
        pre_stop:
          - command: /demo/hook drain
    """,
)
async def orphans(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("old starts")
    (whole,) = run.case.files
    run.write(CaseFile(name=whole.name, text=whole.text.partition("  old:\n")[0]))
    run.log("# the service old is taken out of the file")
    await run.do(UpOptions())
    run.expect_notice("Found orphan containers")
    await run.expect_states(app="running", old="running")
    await run.do(UpOptions(remove_orphans=True))
    run.expect_notice("is stopped without hooks")
    run.never("drain begins")
    await run.expect_states(app="running", old=NONE)


@project_case(
    "compose_restart_policy_test",
    title="Restart Policy Test",
    description="A container that its restart policy starts again runs no hook.",
    steps=(
        "The program of `app` waits for the hook, and exits with code 1 two seconds later",
        "It is started again, twice, and no hook runs",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: sh -c "until grep -q 'register ends' /demo/trace; do sleep 0.1; done; exec /demo/serve app 2 1"
        restart: always
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook register
        pre_stop:
          - command: /demo/hook drain
    """,
    timing=True,
)
async def restart_policy(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts", count=3)
    run.expect_said("register begins", 1)
    run.never("drain begins")
    run.see("register begins", "register ends")
    run.log("  app starts, three times")
