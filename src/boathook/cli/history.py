"""``boathook history``: the runs that the journal knows."""

from __future__ import annotations

import json

import click

from boathook.cli.session import told
from boathook.home import Home
from boathook.journal.history import RunRecord, past_runs
from boathook.model import JsonObject
from boathook.report import words

HEADINGS = ("RUN", "WHEN", "COMMAND", "TITLE", "RESULT", "DURATION", "HOOKS")


@click.command()
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", help="Format.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show so many, newest first.")
@click.option("-a", "--all", "everything", is_flag=True, help="The supervisor's own runs, too.")
def history(output: str, limit: int, everything: bool) -> None:
    """List past runs, newest first."""
    runs = told(lambda: past_runs(Home.find(), limit=limit, supervisors=everything))
    if output == "json":
        click.echo(json.dumps([run_as_json(run) for run in runs], indent=2))
        return
    rows = [HEADINGS, *(_row(run) for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:
        click.echo("   ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def run_as_json(run: RunRecord) -> JsonObject:
    """A run as ``history`` and ``show`` print it."""
    return {
        "run": run.id,
        "began": run.began.isoformat(),
        "command": run.command,
        "title": run.title,
        "result": run.result,
        "message": run.message,
        "duration_seconds": None if run.duration is None else run.duration.total_seconds(),
        "hooks": run.hooks,
        "hooks_succeeded": run.hooks_succeeded,
    }


def when(run: RunRecord) -> str:
    """When it began, in local time."""
    return run.began.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _row(run: RunRecord) -> tuple[str, ...]:
    hooks = str(run.hooks) if run.hooks == run.hooks_succeeded else f"{run.hooks_succeeded}/{run.hooks}"
    duration = "" if run.duration is None else words.duration(run.duration)
    return (run.id, when(run), run.command, run.title, run.result, duration, hooks)
