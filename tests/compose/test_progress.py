"""Progress lines, with the peer's words and a line of its own for each hook."""

from __future__ import annotations

from boathook.compose.progress import Progress
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
