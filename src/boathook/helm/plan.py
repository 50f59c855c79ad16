"""What installing a chart would do: rendered for real, then the same code on a simulated cluster in virtual time."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import anyio

from boathook.clock import LoopClock, run_virtual
from boathook.errors import BoathookError
from boathook.events import EventStream, Stamped
from boathook.helm.actions import DEFAULT_TIMEOUT, InstallOptions, install
from boathook.helm.chart import load_chart
from boathook.helm.model import GivenValue, HookEvent, ReleaseOptions, RenderedChart
from boathook.journal import Context, MemoryObligations
from boathook.model import Finding, Severity, Source
from boathook.runtimes.assumptions import Assumptions

DEFAULT_NAME = "release-name"
"""What ``helm template`` calls a release that nobody has named."""


def plan_install(
    chart: Path,
    values: tuple[GivenValue, ...],
    assumptions: Assumptions,
    *,
    name: str = DEFAULT_NAME,
    namespace: str = "default",
) -> tuple[Stamped, ...]:
    """The events of installing the chart. Raises ``ManifestError`` for a chart that does not render."""
    release = ReleaseOptions(name=name, namespace=namespace, revision=1, is_upgrade=False)

    async def render() -> RenderedChart:
        return await load_chart(chart, values=values, release=release)

    return run_virtual(_simulate, anyio.run(render), release, assumptions)


async def _simulate(rendered: RenderedChart, release: ReleaseOptions, assumptions: Assumptions) -> tuple[Stamped, ...]:
    from boathook.cluster.simulation import simulated_cluster

    stamped: list[Stamped] = []
    events = EventStream(clock=LoopClock())
    context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
    options = InstallOptions(
        name=release.name,
        namespace=release.namespace,
        timeout=DEFAULT_TIMEOUT,
        run_hooks=True,
        description=None,
    )
    told = replace(rendered, findings=(*rendered.findings, *hooks_of_other_commands(rendered)))
    with events.listening(stamped.append):
        async with simulated_cluster(context, assumptions) as cluster:
            # The run has told how it ended.
            with contextlib.suppress(BoathookError):
                await install(told, options, cluster, context)
    return tuple(stamped)


def hooks_of_other_commands(rendered: RenderedChart) -> tuple[Finding, ...]:
    """Hooks that an install does not run, and what runs them."""
    installing = (HookEvent.PRE_INSTALL, HookEvent.POST_INSTALL)
    return tuple(
        Finding(
            id="helm.not-run-by-install",
            severity=Severity.NOTE,
            source=Source(file=hook.path, line=None, column=None, path=""),
            message=f"{event} {hook.name} is not run by install",
            remedy=None,
        )
        for hook in rendered.hooks
        for event in hook.events
        if event not in installing
    )
