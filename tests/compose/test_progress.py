"""Progress lines, with the peer's words and a line of its own for each hook."""

from __future__ import annotations

from dataclasses import replace

from boathook.compose.showing.progress import Progress
from boathook.events import ImageProgress, Noted
from boathook.model import Finding, Severity, Source
from tests.compose.build import down, live, takes, up


def test_up_and_down_as_progress() -> None:
    lived = live(
        "services: {app: {image: a, volumes: [data:/d], post_start: [{command: hello}], pre_stop: [{command: bye}]}}\n"
        "volumes: {data: {}}",
        up,
        down,
        assume=(takes("post_start", "app", 1),),
    )
    shown: list[str] = []
    progress = Progress(shown.append, {"app-1": "demo-app-1"})

    for stamped in lived.stamped:
        progress(stamped)

    assert shown == [
        " Volume demo_data  Created",
        " Network demo_default  Created",
        " Container demo-app-1  Created",
        " Container demo-app-1  Starting",
        " Container demo-app-1  post_start[0] running: hello",
        " Container demo-app-1  post_start[0] ended well after 1.0s",
        " Container demo-app-1  Started",
        " Container demo-app-1  Stopping",
        " Container demo-app-1  pre_stop[0] running: bye",
        " Container demo-app-1  pre_stop[0] ended well after 0.000s",
        " Container demo-app-1  Stopped",
        " Container demo-app-1  Removed",
        " Network demo_default  Removed",
    ]


def test_a_failed_hook_says_why() -> None:
    lived = live(
        "services: {app: {image: a, post_start: [{command: hello}]}}",
        up,
        assume=(takes("post_start", "app", 0, exit_code=3),),
    )
    shown: list[str] = []
    progress = Progress(shown.append, {})

    for stamped in lived.stamped:
        progress(stamped)

    assert shown[-1].startswith(" Container demo-app-1  post_start[0] failed: exited with code 3")


def test_progress_as_json_is_one_object_a_line() -> None:
    lived = live("services: {app: {image: a}}", up)
    shown: list[str] = []
    progress = Progress(shown.append, {}, as_json=True)

    for stamped in lived.stamped:
        progress(stamped)

    assert shown[-1] == '{"id":"Container demo-app-1","status":"Started"}'


def test_what_others_still_use_is_told_as_the_peer_does() -> None:
    lived = live("services: {app: {image: a}}", up)
    shown: list[str] = []
    progress = Progress(shown.append, {})
    source = Source(file="compose.yaml", line=None, column=None, path="")
    message = "Network demo_default  Resource is still in use"
    finding = Finding(id="compose.used", severity=Severity.WARNING, source=source, message=message, remedy=None)

    progress(replace(lived.stamped[0], event=Noted(finding=finding)))

    assert shown == [" Network demo_default  Resource is still in use"]


def test_what_an_engine_tells_of_a_build_is_shown_in_whole_lines_unless_that_is_unwanted() -> None:
    shown: list[str] = []
    silent: list[str] = []
    listeners = Progress(shown.append, {}), Progress(silent.append, {}, quiet=frozenset({"build"}))

    lived = live("services: {app: {image: a}}", up)
    for text in ("Step 1", "/2 : FROM x\n", "done\n"):
        told = ImageProgress(service="app", image="a", act="build", text=text)
        for listener in listeners:
            listener(replace(lived.stamped[0], event=told))

    assert (shown, silent) == (["Step 1/2 : FROM x", "done"], [])
