"""Charts, hooks and releases for tests, with what a test does not speak of filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from boathook.helm.actions import InstallOptions, UninstallOptions
from boathook.helm.hooks import kind_sorted
from boathook.helm.model import (
    NEVER_RAN,
    Chart,
    HelmHook,
    HookEvent,
    Release,
    ReleaseStatus,
    RenderedChart,
)
from boathook.helm.parse import SortedFiles, sort_files

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def a_hook(
    name: str,
    *,
    kind: str = "Job",
    weight: int = 0,
    events: tuple[HookEvent, ...] = (HookEvent.PRE_INSTALL,),
    delete_policies: tuple[str, ...] = (),
) -> HelmHook:
    return HelmHook(
        name=name,
        kind=kind,
        path=f"chart/templates/{name}.yaml",
        manifest=f"kind: {kind}\n",
        events=events,
        weight=weight,
        delete_policies=delete_policies,
        output_log_policies=(),
        last_run=NEVER_RAN,
    )


def a_chart() -> Chart:
    metadata = {"apiVersion": "v2", "name": "chart", "version": "0.1.0", "appVersion": "1.0"}
    return Chart(
        path="chart",
        metadata=dict(metadata),
        templates=(),
        values={},
        stored={"metadata": dict(metadata), "templates": [], "values": None, "files": None},
    )


def a_release(
    name: str = "demo",
    *,
    revision: int = 1,
    status: ReleaseStatus = ReleaseStatus.DEPLOYED,
    hooks: tuple[HelmHook, ...] = (),
) -> Release:
    return Release(
        name=name,
        namespace="default",
        revision=revision,
        status=status,
        description="Install complete",
        first_deployed=MOMENT,
        last_deployed=MOMENT,
        deleted=None,
        notes="",
        chart=a_chart(),
        config={},
        manifest="",
        hooks=hooks,
        apply_method="ssa",
        labels=(),
    )


def rendered(**files: str) -> SortedFiles:
    """What rendered files hold; ``hook_yaml`` is the template ``hook.yaml``."""
    return sort_files(
        {f"chart/templates/{name.replace('_yaml', '.yaml')}": text for name, text in files.items()}, a_chart()
    )


def a_rendered_chart(*documents: str) -> RenderedChart:
    """A chart with one template for each document."""
    files = rendered(**{f"t{number:02}_yaml": text for number, text in enumerate(documents)})
    return RenderedChart(
        chart=a_chart(),
        config={},
        crds=(),
        hooks=files.hooks,
        resources=kind_sorted(files.resources, lambda one: one.kind),
        notes=files.notes,
        findings=files.findings,
    )


def hook_annotations(event: str | None, weight: str | None, policy: str | None, log: str | None) -> str:
    written = {
        "helm.sh/hook": event,
        "helm.sh/hook-weight": weight,
        "helm.sh/hook-delete-policy": policy,
        "helm.sh/hook-output-log-policy": log,
    }
    lines = [f'    {key}: "{value}"' for key, value in written.items() if value is not None]
    return "\n".join(["  annotations:", *lines]) if lines else ""


def config_map(
    name: str,
    *,
    kind: str = "ConfigMap",
    event: str | None = None,
    weight: str | None = None,
    policy: str | None = None,
    log: str | None = None,
) -> str:
    head = f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n"
    return f"{head}{hook_annotations(event, weight, policy, log)}\n"


def job(
    name: str,
    *,
    event: str | None = "pre-install",
    weight: str | None = None,
    policy: str | None = None,
    log: str | None = None,
) -> str:
    return f"""apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
{hook_annotations(event, weight, policy, log)}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: {name}
        image: busybox
        command: ["work"]
"""


def pod(name: str, *, event: str | None = "pre-install", policy: str | None = None) -> str:
    return f"""apiVersion: v1
kind: Pod
metadata:
  name: {name}
{hook_annotations(event, None, policy, None)}
spec:
  restartPolicy: Never
  containers:
  - name: {name}
    image: busybox
    command: ["work"]
"""


def install_options(*, timeout: float = 300, run_hooks: bool = True) -> InstallOptions:
    return InstallOptions(
        name="demo",
        namespace="default",
        timeout=timedelta(seconds=timeout),
        run_hooks=run_hooks,
        description=None,
    )


def uninstall_options(*, timeout: float = 300, run_hooks: bool = True) -> UninstallOptions:
    return UninstallOptions(name="demo", namespace="default", timeout=timedelta(seconds=timeout), run_hooks=run_hooks)


def write_chart(directory: Path, *, metadata: str = "", values: str = "", **templates: str) -> Path:
    """A chart on disk; ``job_yaml`` is the template ``job.yaml``, ``NOTES_txt`` its notes."""
    (directory / "templates").mkdir(parents=True)
    (directory / "Chart.yaml").write_text(f"apiVersion: v2\nname: {directory.name}\nversion: 0.1.0\n{metadata}")
    (directory / "values.yaml").write_text(values)
    for name, text in templates.items():
        base, _, extension = name.rpartition("_")
        (directory / "templates" / f"{base}.{extension}").write_text(text)
    return directory
