"""A chart from its directory or archive to hooks and resources: rendered, checked and sorted, nothing run."""

from __future__ import annotations

from pathlib import Path

from boathook.errors import ManifestError
from boathook.helm.model import Capabilities, Chart, GivenValue, ReleaseOptions, RenderedChart, Resource
from boathook.helm.objects import object_of
from boathook.helm.parse import sort_files, split_documents
from boathook.helm.render import BUILT_IN_CAPABILITIES, RenderedFiles, Renderer, find_renderer
from boathook.helm.semver import satisfies
from boathook.model import Finding, Severity, Source


async def load_chart(
    path: Path,
    *,
    values: tuple[GivenValue, ...] = (),
    release: ReleaseOptions,
    capabilities: Capabilities = BUILT_IN_CAPABILITIES,
    renderer: Renderer | None = None,
) -> RenderedChart:
    """Render the chart at ``path`` and sort what comes out.

    Raises ``ManifestError`` with every problem of a chart that does not render or may not be installed.
    """
    renderer = renderer or find_renderer()
    rendered = await renderer.render(path, values, release, capabilities)
    problems = chart_problems(rendered, capabilities)
    if problems:
        raise ManifestError(problems)
    sorted_files = sort_files(rendered.files, rendered.chart)
    return RenderedChart(
        chart=rendered.chart,
        config=rendered.config,
        crds=_crds(rendered),
        hooks=sorted_files.hooks,
        resources=sorted_files.resources,
        notes=sorted_files.notes,
        findings=(*rendered.findings, *sorted_files.findings),
    )


def chart_problems(rendered: RenderedFiles, capabilities: Capabilities) -> tuple[Finding, ...]:
    """Why Helm refuses a chart that does render (pkg/action/install.go)."""
    chart, metadata = rendered.chart, rendered.chart.metadata
    problems = []
    if metadata.get("type") == "library":
        problems.append(_problem(chart, "type", "library charts are not installable"))
    wanted = metadata.get("kubeVersion")
    if isinstance(wanted, str) and wanted and not satisfies(capabilities.kube_version, wanted):
        problems.append(
            _problem(
                chart,
                "kubeVersion",
                f"chart requires kubeVersion: {wanted} which is incompatible with Kubernetes "
                f"{capabilities.kube_version}",
            )
        )
    missing = [name for name in _declared(chart) if rendered.linked is not None and name not in rendered.linked]
    if missing:
        problems.append(
            _problem(
                chart,
                "dependencies",
                "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' "
                "to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: "
                + ", ".join(missing),
            )
        )
    return tuple(problems)


def _declared(chart: Chart) -> list[str]:
    dependencies = chart.metadata.get("dependencies")
    named = dependencies if isinstance(dependencies, list) else []
    return [str(one.get("name")) for one in named if isinstance(one, dict)]


def _crds(rendered: RenderedFiles) -> tuple[Resource, ...]:
    return tuple(
        Resource(path=path, text=text, value=object_of(text, path))
        for path, data in rendered.crds
        for text in split_documents(data)
    )


def _problem(chart: Chart, key: str, message: str) -> Finding:
    file = Path(chart.path) / "Chart.yaml"
    return Finding(
        id="helm.chart-refused",
        severity=Severity.ERROR,
        source=_chart_source(file, key)
        if file.is_file()
        else Source(file=chart.path, line=None, column=None, path=key),
        message=message,
        remedy=None,
    )


def _chart_source(file: Path, key: str) -> Source:
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        if line.startswith(f"{key}:"):
            return Source(file=str(file), line=number, column=1, path=key)
    return Source(file=str(file), line=None, column=None, path=key)
