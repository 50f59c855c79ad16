"""``boathook show RUN``: the timeline of a past run, with the output of its hooks."""

from __future__ import annotations

import json

import click

from boathook.cli.history import run_as_json, when
from boathook.cli.session import told
from boathook.codec import to_json
from boathook.events import HookOutput, HookStarted, Stamped
from boathook.home import Home
from boathook.journal.history import RunRecord, events_of, find_run, without_end
from boathook.report import words
from boathook.report.terminal import render_timeline


@click.command()
@click.argument("run")
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", help="Format.")
def show(run: str, output: str) -> None:
    """Show one past run with the output of its hooks. RUN is its id, or the beginning of it."""
    record, events = told(lambda: _past(run))
    if output == "json":
        happened = [to_json(stamped) for stamped in events]
        click.echo(json.dumps({**run_as_json(record), "events": happened}, indent=2))
        return
    click.echo(_heading(record))
    click.echo()
    click.echo(render_timeline(events, output_lines=None), nl=False)
    for started in without_end(events):
        click.echo(f"{started.hook.name} of {started.target}: started, and nobody saw it end")
        for line in _output(started, events).splitlines():
            click.echo(f"  | {line}")


def _past(prefix: str) -> tuple[RunRecord, tuple[Stamped, ...]]:
    record = find_run(Home.find(), prefix)
    return record, events_of(Home.find(), record.id)


def _heading(record: RunRecord) -> str:
    facts = [f"run {record.id}", record.command, when(record), record.result]
    if record.duration is not None:
        facts.append(words.duration(record.duration))
    if record.message:
        facts.append(record.message)
    return ", ".join(fact for fact in facts if fact)


def _output(started: HookStarted, events: tuple[Stamped, ...]) -> str:
    """What the hook had written when it was lost sight of."""
    return "".join(
        stamped.event.text
        for stamped in events
        if isinstance(stamped.event, HookOutput)
        and (stamped.event.target, stamped.event.hook) == (started.target, started.hook)
    )
