"""Chart and values to text: two renderers behind one interface, and the errors of both as findings.

Neither runs in this process. The Helm SDK brings Go's runtime, which must not live beside the spawner, and no renderer
limits how long a template runs: both are child processes with a deadline.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import anyio

from boathook.errors import BoathookError, ManifestError, MissingExtra, NotFound, PlaceError, UsageError
from boathook.helm.model import Capabilities, Chart, GivenValue, ReleaseOptions, ValueSource
from boathook.helm.positions import template_file
from boathook.model import Finding, JsonObject, Severity, Source

DEADLINE = timedelta(seconds=60)
"""Helm's templates may loop without end; the slowest of 226 public charts took 3.4 s (helm-rendering.md 4)."""

BUILT_IN_CAPABILITIES = Capabilities(kube_version="v1.36.0", api_versions=())
"""What Helm 4.2 assumes without a cluster (helm-hooks.md 10.3)."""

# Helm's own three ways of naming a place in a template (pkg/engine/engine.go).
PLACED = re.compile(r"(?:execution|parse) error at \((?P<path>[^():]+):(?P<line>\d+)(?::(?P<column>\d+))?\)")
LEADING = re.compile(r"(?P<path>[^\s:]+):(?P<line>\d+):(?P<column>\d+)(?:\n|$)")

ORDER = tuple(ValueSource)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedFiles:
    """What a renderer gives: each template's text under its path, and the chart it came from."""

    chart: Chart
    config: JsonObject
    linked: frozenset[str] | None
    """Names of the subcharts that are really there; None where the renderer has checked that itself."""
    files: Mapping[str, str]
    crds: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]


class Renderer(Protocol):
    """Something that turns a chart into text exactly as Helm does."""

    async def render(
        self, chart: Path, values: tuple[GivenValue, ...], release: ReleaseOptions, capabilities: Capabilities
    ) -> RenderedFiles:
        """Raises ``ManifestError`` for a chart that does not render, ``NotFound`` for none at all."""
        ...


def find_renderer(environment: Mapping[str, str] | None = None) -> Renderer:
    """``BOATHOOK_HELM`` if set, else the SDK if installed, else a ``helm`` on PATH. Raises ``MissingExtra``."""
    import importlib.util

    environment = os.environ if environment is None else environment
    if named := environment.get("BOATHOOK_HELM"):
        program = shutil.which(named)
        if program is None:
            raise PlaceError(f'cannot render charts: BOATHOOK_HELM names "{named}", which is no program')
        return HelmCliRenderer(program)
    if importlib.util.find_spec("helm_python") is not None:
        return SdkRenderer()
    if program := shutil.which("helm", path=environment.get("PATH")):
        return HelmCliRenderer(program)
    raise missing_extra("neither the Helm SDK nor a helm program is installed")


def missing_extra(why: str) -> MissingExtra:
    return MissingExtra(
        f"cannot render charts: {why}",
        hint="pip install 'boathook[helm]', or put helm on PATH or name it in BOATHOOK_HELM",
    )


class SdkRenderer:
    """The Helm SDK, in a child process."""

    async def render(
        self, chart: Path, values: tuple[GivenValue, ...], release: ReleaseOptions, capabilities: Capabilities
    ) -> RenderedFiles:
        _check_chart(chart)
        request = {
            "chart": str(chart),
            "values": [{"source": one.source.value, "text": one.text} for one in in_order(values)],
            "release": {
                "name": release.name,
                "namespace": release.namespace,
                "revision": release.revision,
                "is_install": not release.is_upgrade,
                "is_upgrade": release.is_upgrade,
            },
            "capabilities": {
                "kube_version": capabilities.kube_version,
                "api_versions": list(capabilities.api_versions),
            },
        }
        command = (sys.executable, "-P", "-m", "boathook.helm.render_child")
        ended = await _run(command, json.dumps(request).encode(), chart)
        if not ended.stdout:
            raise PlaceError(f"cannot render {chart}: the renderer ended with {ended.returncode}: {ended.last_words}")
        return _reply(chart, json.loads(ended.stdout))


def _reply(chart: Path, reply: dict[str, Any]) -> RenderedFiles:
    if "missing" in reply:
        raise missing_extra(reply["missing"])
    if "error" in reply:
        raise _error(chart, reply["error"], reply["class"])
    if "render_error" in reply:
        raise ManifestError((rendering_finding(chart, reply["render_error"]),))
    templates = tuple((one["name"], one["data"]) for one in reply["templates"])
    stored = {
        "metadata": reply["metadata"],
        "lock": None,
        "templates": [_encoded(name, text) for name, text in templates],
        "values": reply["values"] or None,
        "schema": None if reply["schema"] is None else _base64(json.dumps(reply["schema"])),
        "files": [_encoded(one["name"], one["data"]) for one in reply["files"]] or None,
    }
    return RenderedFiles(
        chart=Chart(
            path=str(chart),
            metadata=reply["metadata"],
            templates=templates,
            values=reply["values"] or {},
            stored=stored,
        ),
        config=reply["config"],
        linked=frozenset(reply["linked"]),
        files=reply["rendered"],
        crds=tuple((one["filename"], one["data"]) for one in reply["crds"]),
        findings=tuple(_large_integer(chart, path) for path in reply["large_integers"]),
    )


def _large_integer(chart: Path, path: str) -> Finding:
    return Finding(
        id="helm.large-integer",
        severity=Severity.WARNING,
        source=Source(file=str(chart), line=None, column=None, path=path),
        message="an integer set on the command line renders with an exponent here, as one from a values file does",
        remedy="--set-string renders it as written",
    )


def _encoded(name: str, text: str) -> dict[str, str]:
    return {"name": name, "data": _base64(text)}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _error(chart: Path, message: str, kind: str) -> BoathookError:
    if kind == "HelmInvalidArgError":
        return UsageError(message)
    if kind in ("HelmValuesError", "OSError"):
        return UsageError(f"cannot use the given values: {message}")
    return ManifestError((_chart_finding(chart, message),))


class HelmCliRenderer:
    """A helm program of version 3.8 or newer. Its dry run gives chart, values, manifest, hooks and notes in one go."""

    def __init__(self, program: str) -> None:
        self.program = program

    async def render(
        self, chart: Path, values: tuple[GivenValue, ...], release: ReleaseOptions, capabilities: Capabilities
    ) -> RenderedFiles:
        _check_chart(chart)
        if release.is_upgrade:
            raise PlaceError("cannot render an upgrade with a helm program yet: install boathook[helm]")
        command = [self.program, "install", release.name, str(chart), "--dry-run=client", "-o", "json"]
        command += ["--namespace", release.namespace, "--disable-openapi-validation"]
        for one in in_order(values):
            command += [f"--{one.source.value}", one.text]
        ended = await _run(tuple(command), b"", chart)
        if ended.returncode != 0:
            raise ManifestError((rendering_finding(chart, _cli_message(ended.stderr)),))
        try:
            record = json.loads(ended.stdout)
        except ValueError as error:
            raise PlaceError(f"cannot render {chart}: {self.program} answered no JSON") from error
        shown = await _run((self.program, "show", "crds", str(chart)), b"", chart)
        return _from_record(chart, record, shown.stdout.decode(errors="replace"))


def _cli_message(stderr: str) -> str:
    _, _, message = stderr.rpartition("Error: ")
    message = message.removeprefix("INSTALLATION FAILED: ")
    return message.split("\n\nUse --debug flag", 1)[0].strip()


def _from_record(chart: Path, record: dict[str, Any], crds: str) -> RenderedFiles:
    stored = record["chart"]
    files: dict[str, str] = {}
    for part in re.split(r"(?m)^---\n# Source: ", record.get("manifest") or "")[1:]:
        path, _, text = part.partition("\n")
        _append(files, path, text.removesuffix("\n"))
    for hook in record.get("hooks") or ():
        _append(files, hook["path"], hook["manifest"])
    if notes := record["info"].get("notes"):
        files[f"{stored['metadata']['name']}/templates/NOTES.txt"] = notes
    return RenderedFiles(
        chart=Chart(
            path=str(chart),
            metadata=stored["metadata"],
            templates=tuple(
                (one["name"], base64.b64decode(one["data"]).decode(errors="replace"))
                for one in stored.get("templates") or ()
            ),
            values=stored.get("values") or {},
            stored=stored,
        ),
        config=record.get("config") or {},
        linked=None,
        files=files,
        crds=(("crds", crds),) if crds.strip() else (),
        findings=(),
    )


def _append(files: dict[str, str], path: str, text: str) -> None:
    files[path] = f"{files[path].rstrip()}\n---\n{text}" if path in files else text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    returncode: int
    stdout: bytes
    stderr: str

    @property
    def last_words(self) -> str:
        lines = self.stderr.strip().splitlines()
        return lines[-1] if lines else "it said nothing"


async def _run(command: tuple[str, ...], standard_input: bytes, chart: Path) -> _Ended:
    """Run a renderer to its end; leaving this function for any reason ends it."""
    try:
        with anyio.fail_after(DEADLINE.total_seconds()):
            ended = await anyio.run_process(command, input=standard_input, check=False)
    except TimeoutError as error:
        seconds = f"{DEADLINE.total_seconds():g}"
        raise ManifestError(
            (_chart_finding(chart, f"its templates did not end within {seconds} seconds"),),
        ) from error
    except OSError as error:
        raise PlaceError(f"cannot render {chart}: {command[0]}: {error.strerror}") from error
    return _Ended(
        returncode=ended.returncode, stdout=ended.stdout, stderr=ended.stderr.decode("utf-8", errors="replace")
    )


def in_order(values: tuple[GivenValue, ...]) -> tuple[GivenValue, ...]:
    """As Helm lays them over each other (helm-hooks.md 10.2): by kind, and within a kind as given."""
    for one in values:
        if one.source is ValueSource.FILE and "://" in one.text:
            raise UsageError(f'cannot read values from "{one.text}": only files are supported by this version')
    return tuple(sorted(values, key=lambda one: ORDER.index(one.source)))


def _check_chart(chart: Path) -> None:
    if not chart.exists():
        raise NotFound(f'chart "{chart}" not found', hint="name a chart's directory or its .tgz file")


def rendering_finding(chart: Path, message: str) -> Finding:
    """Helm's own words about a chart that does not render, with the place that they name."""
    match = PLACED.search(message) or LEADING.match(message)
    if match is None:
        return _chart_finding(chart, message)
    return Finding(
        id="helm.does-not-render",
        severity=Severity.ERROR,
        source=Source(
            file=template_file(chart, match["path"]),
            line=int(match["line"]),
            # Go counts columns from 0 in what it executes, and gives none for what it cannot parse.
            column=int(match["column"]) + 1 if match["column"] else None,
            path="",
        ),
        message=message,
        remedy=None,
    )


def _chart_finding(chart: Path, message: str) -> Finding:
    return Finding(
        id="helm.chart-refused",
        severity=Severity.ERROR,
        source=Source(file=str(chart), line=None, column=None, path=""),
        message=message,
        remedy=None,
    )
