"""``boathook compose plan``: what up and down would do, hooks included, without doing it."""

from __future__ import annotations

import click

from boathook.cli.compose.flags import ERROR
from boathook.cli.compose.selection import Selection
from boathook.cli.plan import print_plan
from boathook.cli.session import always, told


@click.command("plan")
@click.option(
    "--assume",
    multiple=True,
    metavar="POINT:NAME=DURATION",
    help="How long something takes: post_start:app=40s, run:app=5s (a main process). May be repeated.",
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Format.")
@click.argument("services", nargs=-1)
@click.pass_obj
def plan_command(selection: Selection, assume: tuple[str, ...], output: str, services: tuple[str, ...]) -> None:
    """Show what up and then down would do to these services (all) and what they need; no time passes.

    What is not assumed takes no time and succeeds, and is said at the end.
    """
    told(lambda: _plan(selection, assume, output, services), codes=always(ERROR))


def _plan(selection: Selection, assume: tuple[str, ...], output: str, services: tuple[str, ...]) -> None:
    from boathook.compose.choosing import refuse_unknown
    from boathook.compose.plan import plan_project
    from boathook.runtimes.assumptions import Assumptions

    project = selection.load(services)
    refuse_unknown(services, project.names)
    assumptions = Assumptions.parse(assume)
    print_plan(plan_project(project, assumptions, services), assumptions, output)
