"""``boathook history``: the runs that the journal knows."""

from __future__ import annotations

import json
from datetime import timedelta

import click

from boathook.cli.durations import Age
from boathook.cli.session import told
from boathook.home import Home
from boathook.journal.history import RunRecord, past_runs
from boathook.model import JsonObject
from boathook.report import words

HEADINGS = ("RUN", "WHEN", "COMMAND", "TITLE", "RESULT", "DURATION", "HOOKS")


@click.group(invoke_without_command=True)
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", help="Format.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show so many, newest first.")
@click.option("-a", "--all", "everything", is_flag=True, help="The supervisor's own runs, too.")
@click.pass_context
def history(context: click.Context, output: str, limit: int, everything: bool) -> None:
    """List past runs, newest first.

    Kept are the runs of the last 30 days, and of them the newest 1,000; older ones are deleted now and then when a
    run begins. A run that goes on, or of which something is owed, is always kept.
    """
    if context.invoked_subcommand is not None:
        return
    runs = told(lambda: past_runs(Home.find(), limit=limit, supervisors=everything))
    if output == "json":
        click.echo(json.dumps([run_as_json(run) for run in runs], indent=2))
        return
    rows = [HEADINGS, *(_row(run) for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:
        click.echo("   ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


@history.command("prune", short_help="Delete old runs, with their events and the output of their hooks")
@click.option(
    "--older-than",
    type=Age(),
    metavar="AGE",
    help="Delete runs that began before this, e.g. 30d or 12h.  [default: 30d]",
)
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N", help="Delete all but the N newest runs.  [default: 1000]"
)
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", help="Format.")
def prune_command(older_than: timedelta | None, keep: int | None, dry_run: bool, output: str) -> None:
    """Delete old runs with their events, and with the output of their hooks.

    With neither option both defaults count; with one of them, only that one. A run that goes on, or of which
    something is owed, is kept: boathook recover settles what is owed.
    """
    from boathook.clock import SystemClock
    from boathook.journal.retention import DEFAULT, Retention, prune_runs

    is_default = older_than is None and keep is None
    retention = DEFAULT if is_default else Retention(age=older_than, count=keep)
    pruned = told(lambda: prune_runs(Home.find(), retention, SystemClock().now(), dry_run=dry_run))
    if output == "json":
        facts: JsonObject = {
            "runs": list(pruned.runs),
            "events": pruned.events,
            "hook_results": pruned.hook_results,
            "needed": pruned.needed,
            "dry_run": dry_run,
        }
        click.echo(json.dumps(facts, indent=2))
        return
    would = "would be " if dry_run else ""
    click.echo(f"{words.plural(len(pruned.runs), 'run')} {would}deleted, with {words.plural(pruned.events, 'event')}")
    if pruned.needed:
        click.echo(f"{words.plural(pruned.needed, 'run')} kept: still going on, or something of it is owed")


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
