"""Hooks in files: how several files come together, and what is refused."""

from __future__ import annotations

from boathook.compose.options import UpOptions
from boathook.conformance.cases import project_case
from boathook.conformance.project_run import NONE, ProjectRun


@project_case(
    "compose_merge_test",
    title="Merge Test",
    description="The hooks of a further file are added to those of the files before it, unless it says otherwise.",
    steps=(
        "`add`: the hook of `compose.override.yaml` runs after that of `compose.yaml`",
        "`replace`: `!override` puts the list in place of the other one",
        "`reset`: `!reset` takes the list away",
        "`keep`: an empty list adds nothing",
    ),
    file="""
    services:
      add:
        image: busybox:1.36
        command: /demo/serve add
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook add-one
      replace:
        image: busybox:1.36
        command: /demo/serve replace
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook replace-one
      reset:
        image: busybox:1.36
        command: /demo/serve reset
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook reset-one
      keep:
        image: busybox:1.36
        command: /demo/serve keep
        volumes: [./demo:/demo]
        post_start:
          - command: /demo/hook keep-one
    """,
    beside=(
        (
            "compose.override.yaml",
            """
            services:
              add:
                post_start:
                  - command: /demo/hook add-two
              replace:
                post_start: !override
                  - command: /demo/hook replace-two
              reset:
                post_start: !reset []
              keep:
                post_start: []
            """,
        ),
    ),
)
async def merge(run: ProjectRun) -> None:
    await run.do(UpOptions())
    run.see("add-one begins", "add-one ends", "add-two begins", "add-two ends")
    run.see("replace-two begins", "replace-two ends")
    run.see("keep-one begins", "keep-one ends")
    run.never("replace-one begins")
    run.never("reset-one begins")


@project_case(
    "compose_extends_test",
    title="Extends Test",
    description="A service that extends another one has its hooks first, and then its own.",
    steps=("The hook of `base.yaml` runs, and after it the service's own",),
    file="""
    services:
      app:
        extends: {file: base.yaml, service: base}
        command: /demo/serve app
        post_start:
          - command: /demo/hook own
    """,
    beside=(
        (
            "base.yaml",
            """
            services:
              base:
                image: busybox:1.36
                volumes: [./demo:/demo]
                post_start:
                  - command: /demo/hook inherited
            """,
        ),
    ),
)
async def extends(run: ProjectRun) -> None:
    await run.do(UpOptions())
    run.see("inherited begins", "inherited ends", "own begins", "own ends")


@project_case(
    "compose_refused_hooks_test",
    title="Refused Hooks Test",
    description="A hook that cannot mean anything is refused when the file is read, with its place in it.",
    steps=(
        "A hook without a program, and one whose quotes are not closed",
        "A key that there is not, and a list that is none",
        "Nothing has been created",
    ),
    file="""
    services:
      app:
        image: busybox:1.36
        command: /demo/serve app
        volumes: [./demo:/demo]
        post_start:
          - command: []
    """,
)
async def refused(run: ProjectRun) -> None:
    await run.do(UpOptions(), fails="services.app.post_start[0].command")
    for before, after, where in (
        ("command: []", 'command: sh -c "echo', "services.app.post_start[0].command"),
        ('command: sh -c "echo', "command: [echo]\n        retries: 3", "services.app.post_start[0]"),
        ("- command: [echo]\n        retries: 3", "command: [echo]", "services.app.post_start"),
    ):
        run.change(before, after)
        await run.do(UpOptions(), fails=where)
    await run.expect_states(app=NONE)
