"""Releases as Helm's commands print them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import yaml

from boathook.helm.model import HookEvent, Release
from boathook.model import JsonObject

# Go's time.ANSIC, which helm status prints; helm list prints Go's default form.
ANSIC = "%a %b %e %H:%M:%S %Y"
LIST_COLUMNS = ("NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION")


def status_text(release: Release, *, resources: Iterable[JsonObject] | None = None) -> str:
    """``helm status`` and the end of ``helm install``. ``resources``: the objects that are there now."""
    lines = [
        f"NAME: {release.name}",
        f"LAST DEPLOYED: {release.last_deployed.strftime(ANSIC)}",
        f"NAMESPACE: {release.namespace}",
        f"STATUS: {release.status}",
        f"REVISION: {release.revision}",
        f"DESCRIPTION: {release.description}",
    ]
    if resources is not None:
        lines += ["RESOURCES:", *_resource_lines(resources)]
    lines += _test_suites(release)
    if release.notes:
        lines += ["NOTES:", release.notes.strip()]
    return "\n".join(lines) + "\n"


def dry_run_text(release: Release) -> str:
    """``helm install --dry-run=client``: hooks before the manifest."""
    head, notes, text = status_text(release).partition("NOTES:\n")
    return f"{head}HOOKS:\n{hooks_text(release)}MANIFEST:\n{release.manifest}\n{notes}{text}"


def hooks_text(release: Release) -> str:
    """``helm get hooks``: in stored order, whether they ran or not."""
    return "".join(f"---\n# Source: {hook.path}\n{hook.manifest}\n" for hook in release.hooks)


def stored_text(release: Release, what: str) -> str:
    """``helm get hooks|manifest|notes|values``."""
    match what:
        case "hooks":
            return hooks_text(release)
        case "manifest":
            return f"{release.manifest}\n"
        case "notes":
            return f"NOTES:\n{release.notes}\n" if release.notes else ""
        case _:
            values = yaml.safe_dump(release.config, sort_keys=True, allow_unicode=True) if release.config else "null\n"
            return f"USER-SUPPLIED VALUES:\n{values}"


def list_text(releases: Iterable[Release]) -> str:
    """``helm list``."""
    rows = [LIST_COLUMNS] + [
        (
            release.name,
            release.namespace,
            str(release.revision),
            _go_time(release.last_deployed),
            release.status.value,
            f"{release.chart.name}-{release.chart.version}",
            release.chart.app_version,
        )
        for release in releases
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(LIST_COLUMNS))]
    # Helm's table pads every column but separates with a tab (gosuri/uitable).
    return "".join("\t".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + "\n" for row in rows)


def _go_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f") + " +0000 UTC"


def _test_suites(release: Release) -> list[str]:
    started = [hook for hook in release.hooks if HookEvent.TEST in hook.events and hook.last_run.started]
    if not started:
        return ["TEST SUITE: None"]
    lines = []
    for hook in started:
        run = hook.last_run
        lines += [
            f"TEST SUITE:     {hook.name}",
            f"Last Started:   {run.started.strftime(ANSIC) if run.started else ''}",
            f"Last Completed: {run.completed.strftime(ANSIC) if run.completed else ''}",
            f"Phase:          {run.phase}",
        ]
    return lines


def _resource_lines(resources: Iterable[JsonObject]) -> list[str]:
    """Objects grouped as ``==> v1/ConfigMap``, with their names."""
    groups: dict[str, list[str]] = {}
    for obj in resources:
        metadata = obj.get("metadata")
        name = str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
        groups.setdefault(f"{obj.get('apiVersion')}/{obj.get('kind')}", []).append(name)
    lines: list[str] = []
    for group, names in groups.items():
        lines += [f"==> {group}", "NAME", *names, ""]
    return lines
