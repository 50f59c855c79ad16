"""What the hooks of a project have written, as lines from the journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from boathook.clock import SystemClock
from boathook.compose.hook_log import HookLog
from boathook.events import HookOutput
from boathook.home import Home
from boathook.journal import Context
from boathook.model import Hook, Stream, Target
from tests.hooks.build import a_hook
from tests.journal.build import a_context

pytestmark = [pytest.mark.anyio, pytest.mark.behaviour("compose:48")]

APP = Target(kind="container", scope="shop", name="app-1", instance="1")


def of_service(service: str) -> Hook:
    hook = a_hook()
    return replace(hook, source=replace(hook.source, path=f"services.{service}.{hook.name}"))


def write(context: Context, text: str, target: Target = APP, stream: Stream = Stream.STDOUT) -> None:
    service = target.name.partition("-")[0]
    context.events.emit(HookOutput(target=target, hook=of_service(service), stream=stream, text=text))


def a_log(home: Home, *services: str, **changes: timedelta) -> HookLog:
    now = SystemClock().now()
    given = {name: now + offset for name, offset in changes.items()}
    return HookLog(home=home, project="shop", services=services, since=given.get("since"), until=given.get("until"))


def texts(log: HookLog, *, all_of_it: bool = True) -> list[str]:
    return [f"{line.source} {line.text}" for line in log.past(all_of_it=all_of_it)]


async def test_lines_are_put_together_by_run_and_stream(home: Home) -> None:
    async with a_context(home) as context:
        write(context, "one\ntw")
        write(context, "err\n", stream=Stream.STDERR)
        write(context, "o\nunended")

    assert texts(a_log(home)) == ["app-1 -> one", "app-1 -> err", "app-1 -> two", "app-1 -> unended"]


async def test_a_service_with_a_dot_in_its_name_is_found(home: Home) -> None:
    async with a_context(home) as context:
        hook = a_hook()
        hook = replace(hook, source=replace(hook.source, path=f"services[my.app].{hook.name}"))
        context.events.emit(HookOutput(target=APP, hook=hook, stream=Stream.STDOUT, text="told\n"))

    assert texts(a_log(home, "my.app")) == ["app-1 -> told"]


async def test_only_those_of_the_project_and_the_services_are_shown(home: Home) -> None:
    async with a_context(home) as context:
        write(context, "app\n")
        write(context, "db\n", replace(APP, name="db-1"))
        write(context, "other\n", replace(APP, scope="other"))

    assert texts(a_log(home)) == ["app-1 -> app", "db-1 -> db"]
    assert texts(a_log(home, "db")) == ["db-1 -> db"]


async def test_moments_bound_it(home: Home) -> None:
    async with a_context(home) as context:
        write(context, "now\n")

    assert texts(a_log(home, since=timedelta(minutes=1))) == []
    assert texts(a_log(home, until=-timedelta(minutes=1))) == []
    assert texts(a_log(home, since=-timedelta(minutes=1), until=timedelta(minutes=1))) == ["app-1 -> now"]


async def test_each_look_has_what_is_new_and_a_line_waits_for_its_end_once(home: Home) -> None:
    log = a_log(home)
    async with a_context(home) as context:
        write(context, "one\npart")
    first = texts(log, all_of_it=False)
    async with a_context(home, command="again") as context:
        write(context, "two\n")
    second, third = texts(log, all_of_it=False), texts(log, all_of_it=False)

    assert first == ["app-1 -> one"]
    assert sorted(second) == ["app-1 -> part", "app-1 -> two"]
    assert third == []


async def test_without_a_journal_there_is_nothing(home: Home) -> None:
    assert texts(a_log(home)) == []
