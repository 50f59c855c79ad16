"""``boathook plan``: what the hooks of a file would do, from the same code, in simulation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boathook.cli.session import told

if TYPE_CHECKING:
    from boathook.events import Stamped
    from boathook.model import Finding
    from boathook.runtimes.assumptions import Assumptions


@click.command(short_help="Show what a file's hooks would do, without doing it")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--assume",
    multiple=True,
    metavar="POINT:NAME=DURATION",
    help="How long something takes: preStop:app=40s, run:app=5s (a main process), copy:data=3s. May be repeated.",
)
@click.option("--set", "set_values", multiple=True, metavar="K=V", help="Value of a chart. May be repeated.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Format.")
def plan(path: Path, assume: tuple[str, ...], set_values: tuple[str, ...], output: str) -> None:
    """Show what would happen: nothing is started and no time passes.

    PATH is a pod manifest, a Compose file, a chart's directory, or a manifest with backup hooks. What is not assumed
    takes no time and succeeds, and is said at the end.
    """
    told(lambda: _plan(path, assume, set_values, output))


def _plan(path: Path, assume: tuple[str, ...], set_values: tuple[str, ...], output: str) -> None:
    from boathook.planning import find_planner
    from boathook.runtimes.assumptions import Assumptions

    assumptions = Assumptions.parse(assume)
    print_plan(find_planner(path, set_values, note=_note)(assumptions), assumptions, output)


def print_plan(stamped: tuple[Stamped, ...], assumptions: Assumptions, output: str) -> None:
    """The timeline and what was taken for granted, or all events as JSON."""
    if output == "json":
        from boathook.codec import to_json

        click.echo(json.dumps([to_json(one) for one in stamped], indent=2))
        return
    from boathook.report.timeline import render_timeline

    click.echo(render_timeline(stamped), nl=False)
    for line in assumption_lines(assumptions):
        click.echo(line)


def assumption_lines(assumptions: Assumptions) -> list[str]:
    """What the plan took for granted, and what was assumed in vain."""
    lines = []
    if assumptions.defaults_used:
        lines.append(f"assumed: {', '.join(assumptions.defaults_used)} (change with --assume POINT:NAME=DURATION)")
    lines.append("assumed: every hook succeeds, and a main process ends at once when it gets its stop signal")
    if assumptions.unused:
        lines.append(f"not used: {', '.join(assumptions.unused)} (nothing of that name was run)")
    return lines


def _note(finding: Finding) -> None:
    click.echo(f"{finding.severity}: {finding}", err=True)
