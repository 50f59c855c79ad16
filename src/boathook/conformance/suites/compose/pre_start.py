"""pre_start: containers that run to their end before a service is started."""

from __future__ import annotations

from boathook.compose.options import DownOptions, UpOptions
from boathook.conformance.cases import project_case
from boathook.conformance.project_run import NONE, ProjectRun


async def _kept(run: ProjectRun) -> int:
    """How many containers of pre_start hooks are still there; none of them afterwards."""
    return await run.place.projects.remove_helpers(run.name, ["app"])


@project_case(
    "compose_pre_start_test",
    title="pre_start Test",
    description="A pre_start hook runs to its end in a container of its own, with the volumes of its service.",
    steps=(
        "The hooks run one after another, with the image of the service, since they name none",
        "The program of `app` finds what the first one has left in the volume",
        "The containers of the hooks are removed",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: sh -c "cat /data/state > /demo/found; exec /demo/serve app"
        volumes: [./demo:/demo, data:/data]
        pre_start:
          - command: sh -c "/demo/hook prepare 1; echo ready > /data/state"
          - command: /demo/hook check
    volumes:
      data:
    """,
)
async def pre_start(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts")
    run.see("prepare begins", "prepare ends", "check begins", "check ends", "app starts")
    run.expect_file("found", "ready")
    run.log("  demo/found: ready")
    run.expect("containers of hooks that are left", 0, await _kept(run))


@project_case(
    "compose_pre_start_failure_test",
    title="pre_start Failure Test",
    description="When a pre_start hook fails its service is not started, nor is any that depends on it.",
    steps=(
        "The first hook ends well, the second one exits with code 17, the third one does not run",
        "`app` and `web` are created, and not started; the container of the failed hook is kept to be looked at",
        "`down` removes it, too",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        pre_start:
          - command: /demo/hook prepare
          - command: /demo/hook check 0 17
          - command: /demo/hook warm-up
      web:
        image: busybox:1.36
        command: /demo/serve web
        volumes: [./demo:/demo]
        depends_on: [app]
    """,
)
async def failure(run: ProjectRun) -> None:
    await run.do(UpOptions(), fails='service "app" pre_start[1] exited with code 17')
    run.see("prepare begins", "prepare ends", "check begins", "check ends")
    run.never("warm-up begins")
    run.never("app starts")
    await run.expect_states(app="created", web="created")
    run.expect("containers of hooks that are left", 1, await _kept(run))
    await run.do(UpOptions(), fails='service "app" pre_start[1] exited with code 17')
    await run.do(DownOptions())
    run.expect("containers of hooks that are left", 0, await _kept(run))
    await run.expect_states(app=NONE, web=NONE)


@project_case(
    "compose_pre_start_once_test",
    title="pre_start Once Test",
    description="A pre_start hook runs once for all containers of a service, while none of them runs.",
    steps=(
        "Two containers are started: the hook runs once",
        "`up` again, and one container more: it does not run",
        "`up --force-recreate`: it runs again",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        scale: 2
        volumes: [./demo:/demo]
        pre_start:
          - command: /demo/hook prepare
    """,
)
async def once(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts", count=2)
    run.expect_said("prepare begins", 1)
    run.see("prepare begins", "prepare ends", "app starts")
    await run.do(UpOptions())
    run.never("prepare begins")
    await run.do(UpOptions(scale={"app": 3}))
    await run.traced("app starts")
    run.never("prepare begins")
    await run.expect_states(app="running, running, running")
    await run.do(UpOptions(scale={"app": 3}, force_recreate=True))
    run.expect_said("prepare begins", 1)
    run.see("prepare begins", "prepare ends")


@project_case(
    "compose_pre_start_after_dependencies_test",
    title="pre_start After Dependencies Test",
    description="A pre_start hook runs when those that its service depends on have reached their conditions.",
    steps=("`db` is started, and its post_start hook runs", "Then the pre_start hook of `app` runs"),
    file="""
    services:
      db:
        image: busybox:1.36
        command: /demo/serve db
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook migrate 1
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        depends_on: [db]
        pre_start:
          - command: /demo/hook prepare
    """,
)
async def after_dependencies(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts")
    run.see("migrate begins", "migrate ends", "prepare begins", "prepare ends", "app starts")


@project_case(
    "compose_pre_start_tmpfs_test",
    title="pre_start Tmpfs Test",
    description="A service with memory among its volumes has its pre_start hooks like any other.",
    steps=("The hook runs, and has a `/scratch` of its own",),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes:
          - ./demo:/demo
          - type: tmpfs
            target: /scratch
        pre_start:
          - command: sh -c "/demo/hook prepare && touch /scratch/file"
    """,
)
async def tmpfs(run: ProjectRun) -> None:
    await run.do(UpOptions())
    await run.traced("app starts")
    run.see("prepare begins", "prepare ends", "app starts")


@project_case(
    "compose_pre_start_per_replica_test",
    title="pre_start Per Replica Test",
    description="A pre_start hook for each container of a service is not supported yet, and is refused.",
    steps=("`up` is refused", "Nothing has been created"),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        pre_start:
          - command: /demo/hook prepare
            per_replica: true
    """,
)
async def per_replica(run: ProjectRun) -> None:
    await run.do(
        UpOptions(),
        fails='service "app" pre_start[0]: per_replica is not yet supported; remove per_replica or set it to false',
    )
    run.never("prepare begins")
    await run.expect_states(app=NONE)
