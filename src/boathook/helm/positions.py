"""From a place in rendered text back to the template that it came from. A guess that is only made when it is safe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from boathook.model import Source


def template_file(chart: Path, rendered_path: str) -> str:
    """The file on this machine behind Helm's ``chart/templates/x.yaml``; Helm's own path for what an archive holds."""
    _, _, inside = rendered_path.partition("/")
    file = chart / inside
    return str(file) if chart.is_dir() and file.is_file() else rendered_path


def template_line(template: str, rendered: str, line: int) -> int | None:
    """The template's line that was rendered unchanged to ``line``; None when it is not unmistakable."""
    lines = rendered.splitlines()
    if not 1 <= line <= len(lines) or not lines[line - 1].strip():
        return None
    text = lines[line - 1]
    sources = [number for number, written in enumerate(template.splitlines(), 1) if written == text]
    places = [number for number, written in enumerate(lines, 1) if written == text]
    return sources[places.index(line)] if len(sources) == len(places) else None


def in_template(source: Source, *, file: str, template: str | None, rendered: str) -> Source:
    """``source`` of the rendered text, as a place in the template; without line where that cannot be told."""
    line = None
    if source.line is not None and template is not None:
        line = template_line(template, rendered, source.line)
    return replace(source, file=file, line=line, column=source.column if line is not None else None)
