"""How a failed hook is told, and how much of what it wrote."""

from __future__ import annotations

from datetime import timedelta

import pytest

from boathook.compose.failures import helper_failure, hook_failure, tail, together
from boathook.errors import BoathookError, OperationFailed, PlaceError
from boathook.model import Exec, Hook, HookPoint, HookResult, OnFailure, Outcome, Output, SeenBy, Source, Target


def output(text: str) -> Output:
    return Output(text=text, total_bytes=len(text), omitted_bytes=0)


def result(
    outcome: Outcome = Outcome.FAILED, code: int | None = 3, *, out: str = "", err: str = "", reason: str | None = None
) -> HookResult:
    handler = Exec(command=("x",), user=None, privileged=False, working_dir=None, environment=())
    source = Source(file="compose.yaml", line=1, column=1, path="services.app.post_start[0]")
    return HookResult(
        hook=Hook(
            point=HookPoint.POST_START,
            name="pre_start[1]",
            handler=handler,
            timeout=None,
            on_failure=OnFailure.STOP,
            source=source,
        ),
        target=Target(kind="container", scope="demo", name="app-1", instance="1"),
        outcome=outcome,
        exit_code=code,
        signal=None,
        stdout=output(out),
        stderr=output(err),
        started=None,
        duration=timedelta(0),
        budget_left=None,
        reason=reason,
        seen_by=SeenBy.RUN,
    )


@pytest.mark.behaviour("compose:67", "compose:7")
@pytest.mark.parametrize(
    ("failed", "message"),
    [
        (result(), "app hook exited with status 3"),
        (result(out="said\n"), "app hook exited with status 3: said"),
        (result(out="said\n", err="broke\n"), "app hook exited with status 3: broke"),
        (
            result(Outcome.COULD_NOT_START, None, reason='exec: "/nope": no such file'),
            'app hook exited with status 126: exec: "/nope": no such file',
        ),
        (result(Outcome.TIMED_OUT, None, reason="timed out after 5s"), "app hook timed out after 5s"),
        (
            result(Outcome.UNKNOWN, None, reason="the connection broke"),
            "app hook did not end as it should: the connection broke",
        ),
    ],
)
def test_a_failed_hook_is_told_by_its_service_and_status(failed: HookResult, message: str) -> None:
    assert str(hook_failure("app", "demo-app-1", failed, running=True)) == message


@pytest.mark.behaviour("compose:9")
def test_a_hook_that_found_no_running_container_says_so() -> None:
    failed = result(Outcome.COULD_NOT_START, None, reason="is not running")

    assert str(hook_failure("app", "demo-app-1", failed, running=False)) == "container demo-app-1 is not running"


@pytest.mark.behaviour("compose:61")
def test_a_failed_helper_is_told_by_its_hook_and_the_container_that_is_kept() -> None:
    message = str(helper_failure("app", result(code=17, err="broke\n"), "0123456789ab"))

    assert message == (
        'service "app" pre_start[1] exited with code 17: broke (hook container 0123456789ab retained for inspection)'
    )
    assert str(helper_failure("app", result(code=17), "")) == 'service "app" pre_start[1] exited with code 17'


@pytest.mark.behaviour("compose:67")
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("\n \n", ""),
        ("".join(f"{number}\n" for number in range(12)), "\n".join(str(number) for number in range(2, 12))),
        ("a\n\n\nb\n", "a\nb"),
        ("10%\r50%\r100%\n", "100%"),
        ("windows\r\n", "windows"),
        ("bad \ufffdbyte", "bad byte"),
        ("x" * 3000, "x" * 2048),
    ],
)
def test_the_tail_is_the_last_ten_lines_of_at_most_two_kilobytes(text: str, kept: str) -> None:
    assert tail(output(text)) == kept


def test_several_failures_are_one_error_in_which_nothing_is_said_twice() -> None:
    failed = OperationFailed("app hook exited with status 3", results=(result(),))
    gone: BoathookError = PlaceError("the engine is gone", hint="start it")

    found = together([failed, gone, gone])

    assert isinstance(found, OperationFailed)
    assert str(found) == "app hook exited with status 3\nthe engine is gone"
    assert (found.results, found.hint) == (failed.results, "start it")
    assert together([gone]) is gone
