"""What a hook runs: its program, its environment, its user and its directory."""

from __future__ import annotations

from boathook.compose.options import UpOptions
from boathook.conformance.cases import project_case
from boathook.conformance.model import Need
from boathook.conformance.project_run import ProjectRun


@project_case(
    "compose_missing_program_test",
    title="Missing Program Test",
    description="A hook whose program is not there has failed.",
    steps=(
        "The program of the hook of `app` is not in the container: status 126",
        "The shell of the hook of `web` does not find a program: status 127",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        post_start:
          - command: /nope
      web:
        image: busybox:1.36
        command: /demo/serve web
        volumes: [./demo:/demo]
        post_start:
          - command: sh -c "nope 2> /dev/null"
    """,
)
async def missing_program(run: ProjectRun) -> None:
    await run.do(UpOptions(services=("app",)), fails="app hook exited with status 126")
    await run.do(UpOptions(services=("web",)), fails="web hook exited with status 127")
    await run.expect_states(app="running", web="running")


@project_case(
    "compose_hook_directory_test",
    title="Hook Directory Test",
    description="A hook whose working directory is not there has failed.",
    steps=("The directory of the hook of `app` is not in the container: status 126",),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook register
            working_dir: /nope
    """,
)
async def missing_directory(run: ProjectRun) -> None:
    await run.do(UpOptions(), fails="app hook exited with status 126")
    run.never("register begins")


@project_case(
    "compose_hook_environment_test",
    title="Hook Environment Test",
    description="A hook has the environment of its container, and over it its own.",
    steps=(
        "`MODE` is set by the service, and otherwise by the hook",
        "`COLOUR` stands in the hook without a value: the hook does not have it, wherever else it is set",
        "`${GREETING}` is filled in when the file is read, `$$` is a dollar for the hook's shell",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        environment: {MODE: live, COLOUR: blue, SIZE: big}
        post_start:
          - command: sh -c 'echo "${GREETING} $$MODE $$SIZE $${COLOUR-unset}" > /demo/environment'
            environment:
              - MODE=hook
              - COLOUR
    """,
    beside=((".env", "GREETING=hello\nCOLOUR=red\n"),),
    needs=(Need.UNSETTING,),
)
async def environment(run: ProjectRun) -> None:
    await run.do(UpOptions())
    run.expect_file("environment", "hello hook big unset")
    run.log("  demo/environment: hello hook big unset")


@project_case(
    "compose_hook_user_test",
    title="Hook User Test",
    description="A hook runs as the user and in the directory of its service, unless it says otherwise.",
    steps=(
        "The first hook says nothing: it is `1001:1001` in `/tmp`, as the service",
        "The second one is root in `/etc`",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        user: "1001:1001"
        working_dir: /tmp
        volumes: [./demo:/demo]
        post_start:
          - command: sh -c 'echo "$$(id -u):$$(id -g) $$(pwd)" > /demo/service'
          - command: sh -c 'echo "$$(id -u):$$(id -g) $$(pwd)" > /demo/root'
            user: root
            working_dir: /etc
    """,
    needs=(Need.USERS,),
)
async def identity(run: ProjectRun) -> None:
    await run.do(UpOptions())
    run.expect_file("service", "1001:1001 /tmp")
    run.expect_file("root", "0:0 /etc")
    run.log("  demo/service: 1001:1001 /tmp")
    run.log("  demo/root: 0:0 /etc")


@project_case(
    "compose_command_string_test",
    title="Command String Test",
    description="A command that is a string is split into words. No shell reads it; what only a shell knows is lost.",
    steps=(
        "`app` runs its first hook: the words end at the semicolon, and the file is warned of",
        "A shell that is asked for runs both",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook first; /demo/hook second
          - command: sh -c "/demo/hook third; /demo/hook fourth"
    """,
)
async def command_string(run: ProjectRun) -> None:
    warnings = "\n".join(str(one) for one in run.load().warnings)
    run.expect("the file is warned of", "post_start[0].command", warnings, ok="post_start[0].command" in warnings)
    await run.do(UpOptions())
    run.see("first begins", "first ends", "third begins", "third ends", "fourth begins", "fourth ends")
    run.never("second begins")


@project_case(
    "compose_hook_output_test",
    title="Hook Output Test",
    description="What a hook writes is not in the logs of its container. The last lines of one that fails are told.",
    steps=(
        "The first hook writes a line, the second one twelve, and fails",
        "`up` says the last ten of them",
        "The logs have what the program of the container wrote, and nothing of its hooks",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: sh -c "echo from the service; exec /demo/serve app"
        volumes: [./demo:/demo]
        post_start:
          - command: echo from the hook
          - command: sh -c 'for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $$n; done; exit 3'
    """,
)
async def output(run: ProjectRun) -> None:
    await run.do(UpOptions(), fails="app hook exited with status 3: line 3")
    await run.traced("app starts")
    run.expect("what the hooks wrote", ["from the hook", "line 12"], [text[-1] for text in run.hook_outputs()])
    await run.expect_logs("app", "from the service")
