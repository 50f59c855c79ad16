"""``boathook pod ps``, ``get`` and ``describe``: pods as they stand, whoever runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from boathook.cli.options import place_options
from boathook.cli.pod.stored import (
    chosen_pods,
    living_owner,
    object_store,
    quiet_cluster,
    selection_options,
)
from boathook.cli.session import Session, run
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.cluster.owners import ObjectOwner
    from boathook.cluster.store import Stored
    from boathook.model import JsonValue

FORMATS = ("text", "wide", "name", "json", "yaml")


@click.command("ps")
@selection_options
@click.option(
    "-o",
    "--output",
    type=click.Choice((*FORMATS, "table")),
    default="text",
    metavar=f"[{'|'.join(FORMATS)}]",
    help="Format.",
)
@place_options
def ps_command(namespace: str, all_namespaces: bool, selector: str, output: str, settings: Settings) -> None:
    """List pods, whoever runs them: also those that have ended and are kept until they are deleted."""
    _list((), namespace, all_namespaces, selector, output, settings)


@click.command("get")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@selection_options
@click.option("-o", "--output", type=click.Choice(FORMATS), default=None, help="Format; json for one name, else text.")
@place_options
def get_command(
    names: tuple[str, ...],
    namespace: str,
    all_namespaces: bool,
    selector: str,
    output: str | None,
    settings: Settings,
) -> None:
    """Print pods, each with its status: one as JSON, several or all as a table, or as asked for."""
    _list(names, namespace, all_namespaces, selector, output or ("json" if len(names) == 1 else "text"), settings)


def _list(
    names: tuple[str, ...], namespace: str, all_namespaces: bool, selector: str, output: str, settings: Settings
) -> None:
    async def work(session: Session) -> int:
        with object_store(session) as store:
            pods = chosen_pods(store, names, namespace, all_namespaces, selector)
        if output in ("json", "yaml"):
            bodies: list[JsonValue] = [one.body for one in pods]
            click.echo(_as_text(bodies[0] if len(names) == 1 else _as_list(bodies), output), nl=False)
        elif output == "name":
            for one in pods:
                click.echo(f"pod/{_name(one)}")
        elif not pods:
            where = "" if all_namespaces else f" in {namespace} namespace"
            click.echo(f"No resources found{where}.", err=True)
        else:
            _print_table(pods, wide=output == "wide", with_namespace=all_namespaces)
        return 0

    run(work, settings, timeline=False)


def _print_table(pods: list[Stored], *, wide: bool, with_namespace: bool) -> None:
    from boathook.cli.pod.table import pod_table
    from boathook.clock import SystemClock

    run_by = [owner_word(living_owner(one)) for one in pods] if wide else None
    bodies = [one.body for one in pods]
    click.echo(pod_table(bodies, SystemClock().now(), with_namespace=with_namespace, wide=run_by), nl=False)


def owner_word(owner: ObjectOwner | None) -> str:
    """``supervisor/4711``, ``command/4712``: who runs it; empty for nobody."""
    return "" if owner is None else f"{owner.kind}/{owner.process.pid}"


def _as_list(items: list[JsonValue]) -> JsonValue:
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _as_text(value: JsonValue, output: str) -> str:
    if output == "json":
        return json.dumps(value, indent=2) + "\n"
    import yaml

    text: str = yaml.dump(value, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)
    return text


def _name(stored: Stored) -> str:
    from boathook.objects import text

    return text(stored.body, "metadata", "name")


@click.command("describe")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@selection_options
@click.option("--show-events", type=click.BOOL, default=True, metavar="BOOL", help="false: leave the events out.")
@place_options
def describe_command(
    names: tuple[str, ...],
    namespace: str,
    all_namespaces: bool,
    selector: str,
    show_events: bool,
    settings: Settings,
) -> None:
    """Show all that is known of pods: containers with their states, probes and hooks, volumes, events.

    And what a cluster does not tell: how each run of a hook ended, how long it took, and what it wrote.
    """

    async def work(session: Session) -> int:
        from boathook.cli.pod.describing import Facts, description
        from boathook.clock import SystemClock
        from boathook.cluster.base import key_of
        from boathook.cluster.store import uid_of
        from boathook.journal.hook_runs import hook_runs

        with object_store(session) as store:
            pods = chosen_pods(store, names, namespace, all_namespaces, selector)
        if not pods:
            click.echo("No resources found", err=True)
        texts = []
        cluster = quiet_cluster(session)
        try:
            for one in pods:
                key = key_of(one.body, default_namespace="default")
                facts = Facts(
                    run_by=owner_word(living_owner(one)),
                    hook_runs=hook_runs(session.home, f"{uid_of(one.body)}/"),
                    events=tuple(await cluster.object_events(key)) if show_events else None,
                    now=SystemClock().now(),
                )
                texts.append(description(one.body, facts))
        finally:
            cluster.close()
        click.echo("\n\n".join(texts), nl=False)
        return 0

    run(work, settings, timeline=False)
