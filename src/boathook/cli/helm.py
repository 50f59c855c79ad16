"""``boathook helm``: install and uninstall charts with their hooks, look at releases; Helm's texts and exit codes."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from boathook.cli.options import place_options
from boathook.cli.session import Session, always, run
from boathook.model import Finding, Severity
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.cluster.base import Cluster
    from boathook.events import Stamped
    from boathook.helm.actions import InstallOptions, Uninstalled
    from boathook.helm.model import GivenValue, RenderedChart
    from boathook.helm.storage import ReleaseStore
    from boathook.journal import Context

T = TypeVar("T")

HELM_ERROR = 1
"""Helm ends with 1 whatever went wrong."""

LATER = (
    *("create", "dependency", "env", "history", "lint", "package", "pull", "push", "registry", "repo", "rollback"),
    *("search", "show", "template", "test", "upgrade", "verify"),
)
LATER_OPTIONS = (
    *("--atomic", "--rollback-on-failure", "--wait", "--wait-for-jobs", "--replace", "--generate-name"),
    *("--create-namespace", "--post-renderer", "--keep-history", "--cascade", "--version", "--repo"),
)
"""Helm's, and not of this version: refused by name."""


class HelmGroup(click.Group):
    """A group whose mistakes end with Helm's code, and which refuses Helm's other commands by name."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        return _later(cmd_name) if command is None and cmd_name in LATER else command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _helm_codes():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _helm_codes():
            return super().invoke(ctx)


@contextmanager
def _helm_codes() -> Iterator[None]:
    """click ends with 2 for a wrong command line, Helm with 1."""
    try:
        yield
    except click.ClickException as error:
        error.show()
        sys.exit(HELM_ERROR)


def _later(name: str) -> click.Command:
    @click.command(name, context_settings={"ignore_unknown_options": True, "help_option_names": []})
    @click.argument("ignored", nargs=-1)
    def later(ignored: tuple[str, ...]) -> None:
        raise click.UsageError(
            f'"helm {name}" is not part of this version: it has install, uninstall, status, get, list'
        )

    return later


def _refuse(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    if value:
        raise click.UsageError(f"{parameter.opts[0]} is not part of this version")


def later_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of Helm's that are known and refused by name."""
    for option in LATER_OPTIONS:
        function = click.option(option, is_flag=True, hidden=True, expose_value=False, callback=_refuse)(function)
    return function


def namespace_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("-n", "--namespace", default="default", show_default=True, help="Namespace of the release.")(
        function
    )


def timeout_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--timeout",
        default="5m0s",
        show_default=True,
        callback=_duration,
        help="Limit for each single wait: a hook, a deletion.",
    )(function)


def _duration(ctx: click.Context, parameter: click.Parameter, value: str) -> timedelta:
    from boathook.durations import parse_go_duration

    try:
        return parse_go_duration(value)
    except ValueError as error:
        raise click.UsageError(f'invalid argument "{value}" for "--timeout" flag: {error}') from error


def values_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``-f`` and the ``--set`` family; the function gets one tuple ``values``."""
    kinds = (
        ("set_literal", "--set-literal", "Set a value, taken verbatim."),
        ("set_file", "--set-file", "Set a value from a file: K=FILE."),
        ("set_string", "--set-string", "Set a value that stays text."),
        ("set_json", "--set-json", "Set a value from JSON."),
        ("set", "--set", "Set a value: K=V[,K=V]. May be repeated."),
        ("values", "--values", "Values from a YAML file. May be repeated."),
    )

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        from boathook.helm.model import GivenValue, ValueSource

        given = [
            GivenValue(source=ValueSource(name.replace("_", "-")), text=text)
            for name, _, _ in kinds
            for text in kwargs.pop(f"given_{name}")
        ]
        return function(*args, values=tuple(given), **kwargs)

    decorated: Callable[..., Any] = wrapper
    wrapper.__name__, wrapper.__doc__ = function.__name__, function.__doc__
    wrapper.__dict__.update(function.__dict__)
    for name, option, text in kinds:
        names = (option, "-f") if name == "values" else (option,)
        metavar = "FILE" if name == "values" else "K=V"
        decorated = click.option(*names, f"given_{name}", multiple=True, metavar=metavar, help=text)(decorated)
    return decorated


@click.group(cls=HelmGroup)
def helm() -> None:
    """Install and uninstall charts with their hooks, on the embedded cluster."""


@helm.command()
@click.argument("name")
@click.argument("chart", type=click.Path(path_type=Path))
@values_options
@namespace_option
@timeout_option
@click.option("--no-hooks", is_flag=True, help="Run no hook of the chart.")
@click.option("--description", default=None, help="Say this of the release instead of 'Install complete'.")
@click.option(
    "--dry-run", type=click.Choice(("none", "client")), default="none", help="client: print the release, do nothing."
)
@later_options
@place_options
def install(
    name: str,
    chart: Path,
    values: tuple[GivenValue, ...],
    namespace: str,
    timeout: timedelta,
    no_hooks: bool,
    description: str | None,
    dry_run: str,
    settings: Settings,
) -> None:
    """Install CHART (a directory or .tgz file) as release NAME."""
    from boathook.helm.actions import InstallOptions

    options = InstallOptions(
        name=name, namespace=namespace, timeout=timeout, run_hooks=not no_hooks, description=description
    )

    async def work(session: Session) -> None:
        rendered = await _load(chart, values, options)
        if dry_run == "client":
            await _dry_run(rendered, options)
        else:
            await _install(session, rendered, options, chart)

    run(work, settings, codes=always(HELM_ERROR), prefix="Error: INSTALLATION FAILED: ")


async def _load(chart: Path, values: tuple[GivenValue, ...], options: InstallOptions) -> RenderedChart:
    from boathook.helm.chart import load_chart
    from boathook.helm.model import ReleaseOptions

    release = ReleaseOptions(name=options.name, namespace=options.namespace, revision=1, is_upgrade=False)
    return await load_chart(chart, values=values, release=release)


async def _dry_run(rendered: RenderedChart, options: InstallOptions) -> None:
    from boathook.clock import SystemClock
    from boathook.helm.actions import dry_run
    from boathook.helm.text import dry_run_text

    for finding in rendered.findings:
        _tell_finding(finding)
    click.echo(dry_run_text(dry_run(rendered, options, SystemClock().now())), nl=False)


async def _install(session: Session, rendered: RenderedChart, options: InstallOptions, chart: Path) -> None:
    from boathook.helm.actions import install
    from boathook.helm.preflight import check_workloads
    from boathook.helm.text import status_text

    await check_workloads(rendered, await session.runtime(), options.namespace)
    command = f"helm install {options.name} {chart}"
    async with _acting(session, command, f"install {options.name}", options.name, options.namespace) as (cluster, ctx):
        done = await _unless_interrupted(
            session, lambda: install(rendered, options, cluster, ctx), f"Release {options.name} has been cancelled."
        )
    click.echo(status_text(done.release), nl=False)


@helm.command()
@click.argument("name")
@namespace_option
@timeout_option
@click.option("--no-hooks", is_flag=True, help="Run no hook of the chart.")
@later_options
@place_options
def uninstall(name: str, namespace: str, timeout: timedelta, no_hooks: bool, settings: Settings) -> None:
    """Delete release NAME with everything in its manifest. Objects of hooks stay unless their policy says otherwise."""
    from boathook.helm.actions import UninstallOptions

    options = UninstallOptions(name=name, namespace=namespace, timeout=timeout, run_hooks=not no_hooks)

    async def work(session: Session) -> None:
        from boathook.helm.actions import uninstall

        command = f"helm uninstall {name}"
        async with _acting(session, command, f"uninstall {name}", name, namespace) as (cluster, context):
            done = await _unless_interrupted(session, lambda: uninstall(options, cluster, context), "")
        _tell_kept(done)
        click.echo(f'release "{name}" uninstalled')

    run(work, settings, codes=always(HELM_ERROR), prefix="Error: ")


def _tell_kept(done: Uninstalled) -> None:
    if done.kept:
        click.echo("These resources were kept due to the resource policy:")
        for key in done.kept:
            click.echo(f"[{key.kind}] {key.name}")
        click.echo()


@helm.command()
@click.argument("name")
@namespace_option
@place_options
def status(name: str, namespace: str, settings: Settings) -> None:
    """Show release NAME."""

    async def show(store: ReleaseStore) -> str:
        from boathook.helm.actions import existing_resources
        from boathook.helm.text import status_text

        release = await store.last(name)
        return status_text(release, resources=await existing_resources(release, store.cluster))

    _look(namespace, settings, show)


@helm.command(name="list")
@namespace_option
@place_options
def list_(namespace: str, settings: Settings) -> None:
    """List the releases of a namespace, in any status."""

    async def show(store: ReleaseStore) -> str:
        from boathook.helm.text import list_text

        return list_text(await store.latest())

    _look(namespace, settings, show)


@helm.group(cls=HelmGroup)
def get() -> None:
    """Show what is stored with a release."""


def _getter(what: str, help_text: str) -> None:
    @get.command(name=what, help=help_text)
    @click.argument("name")
    @click.option("--revision", type=int, default=None, help="Of this revision instead of the last.")
    @namespace_option
    @place_options
    def getter(name: str, revision: int | None, namespace: str, settings: Settings) -> None:
        async def show(store: ReleaseStore) -> str:
            from boathook.helm.text import stored_text

            release = await store.last(name) if revision is None else await store.get(name, revision)
            return stored_text(release, what)

        _look(namespace, settings, show)


for _what, _help in (
    ("hooks", "The hooks of a release, run or not, in stored order."),
    ("manifest", "The objects of a release, without its hooks."),
    ("notes", "The notes of a release's chart."),
    ("values", "The values that the user has given."),
):
    _getter(_what, _help)


def _look(namespace: str, settings: Settings, show: Callable[[ReleaseStore], Awaitable[str]]) -> None:
    """Print something of the records. Nothing is journalled: nothing happens."""

    async def work(session: Session) -> None:
        from boathook.clock import SystemClock
        from boathook.events import EventStream
        from boathook.helm.storage import ReleaseStore
        from boathook.journal import Context, MemoryObligations

        clock = SystemClock()
        context = Context(events=EventStream(), clock=clock, obligations=MemoryObligations(clock=clock))
        cluster = await session.cluster(context)
        click.echo(await show(ReleaseStore(cluster, namespace)), nl=False)

    run(work, settings, codes=always(HELM_ERROR), prefix="Error: ")


@asynccontextmanager
async def _acting(
    session: Session, command: str, title: str, name: str, namespace: str
) -> AsyncIterator[tuple[Cluster, Context]]:
    """The cluster, journalled and with the release locked; what a dead command owes it is settled first."""
    from boathook.helm.operation import release_scope
    from boathook.helm.recovery import settle_owed
    from boathook.journal import target_lock

    scope = release_scope(name, namespace)
    session.listeners.append(_tell_noted)
    async with target_lock(session.home, scope, command=command), session.context(command=command, title=title) as ctx:
        cluster = await session.cluster(ctx)
        await settle_owed(scope, ctx, cluster)
        yield cluster, ctx


def _tell_noted(stamped: Stamped) -> None:
    from boathook.events import Noted

    if isinstance(stamped.event, Noted):
        _tell_finding(stamped.event.finding)


def _tell_finding(finding: Finding) -> None:
    """Warnings, and what ``hook-output-log-policy`` asks for, as Helm logs it. Other notes are for a plan's readers."""
    if finding.id == "helm.hook-output":
        click.echo(finding.message, err=True)
    elif finding.severity is not Severity.NOTE:
        click.echo(f"{finding.severity}: {finding}", err=True)


async def _unless_interrupted(session: Session, work: Callable[[], Awaitable[T]], told_then: str) -> T:
    """Run ``work``; Ctrl-C cancels it, and its record says so before this ends with Helm's words."""
    import anyio

    from boathook.errors import OperationFailed

    interrupted = session.interrupted
    done: list[T] = []

    async def watch(scope: anyio.CancelScope) -> None:
        await interrupted.wait()
        scope.cancel()

    async with anyio.create_task_group() as watching:
        watching.start_soon(watch, watching.cancel_scope)
        done.append(await work())
        watching.cancel_scope.cancel()
    if done:
        return done[0]
    if told_then:
        click.echo(told_then)
    raise OperationFailed("context canceled")
