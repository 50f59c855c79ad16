"""``boathook plan``: what the hooks of a file would do, from the same code, in simulation."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boathook.cli.session import told
from boathook.errors import UsageError

if TYPE_CHECKING:
    from boathook.documents import Document
    from boathook.events import Stamped
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
    from boathook.runtimes.assumptions import Assumptions

    assumptions = Assumptions.parse(assume)
    planner = find_planner(path, set_values)
    stamped = planner(assumptions)
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


def find_planner(path: Path, set_values: tuple[str, ...]) -> Callable[[Assumptions], tuple[Stamped, ...]]:
    """Which dialect the path speaks. Raises ``UsageError`` when it speaks none of the four."""
    if path.is_dir():
        if (path / "Chart.yaml").is_file():
            return lambda assumptions: _plan_chart(path, set_values, assumptions)
        from boathook.compose.files import FILE_NAMES

        for name in FILE_NAMES:
            if (path / name).is_file():
                return lambda assumptions: _plan_project(path / name, assumptions)
        raise UsageError(f'nothing to plan in "{path}": neither a Chart.yaml nor a Compose file')
    if set_values:
        raise UsageError("--set is for charts, and this is none")
    text = read_text(path)
    documents = _documents(text, path)
    if any(isinstance(one.value, dict) and "services" in one.value for one in documents):
        return lambda assumptions: _plan_project(path, assumptions)
    from boathook.backup.parse import is_about_backups

    objects = [one.value for one in documents if isinstance(one.value, dict)]
    if is_about_backups(objects):
        return lambda assumptions: _plan_backup(path, text, assumptions)
    return lambda assumptions: _plan_pods(path, text, assumptions)


def read_text(path: Path) -> str:
    """Raises ``UsageError`` when there is no such text file."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f'cannot read "{path}": {reason}') from error


def _documents(text: str, path: Path) -> tuple[Document, ...]:
    from boathook.documents import Dialect, load

    # Compose's reading accepts all that Kubernetes' does; the dialect reads it again with its own.
    return load(text, str(path), Dialect.COMPOSE)


def _plan_pods(path: Path, text: str, assumptions: Assumptions) -> tuple[Stamped, ...]:
    from boathook.pods import parse_pods, simulate_pod

    return simulate_pod(parse_pods(text, str(path)), assumptions)


def _plan_project(path: Path, assumptions: Assumptions) -> tuple[Stamped, ...]:
    from boathook.compose import load_project, plan_project

    parsed = load_project(path, name=None, environment=os.environ)
    for finding in parsed.findings:
        click.echo(f"{finding.severity}: {finding}", err=True)
    return plan_project(parsed.project, assumptions)


def _plan_chart(path: Path, set_values: tuple[str, ...], assumptions: Assumptions) -> tuple[Stamped, ...]:
    from boathook.helm import GivenValue, plan_install

    values = tuple(GivenValue(kind="set", text=value) for value in set_values)
    return plan_install(path, values, assumptions)


def _plan_backup(path: Path, text: str, assumptions: Assumptions) -> tuple[Stamped, ...]:
    from boathook.backup.plan import plan_file

    return plan_file(text, str(path), assumptions)
