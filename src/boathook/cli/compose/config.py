"""``boathook compose config``: the project's files as one, in canonical form. Texts and exit codes are the peer's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boathook.cli.compose.flags import ERROR
from boathook.cli.compose.selection import Selection, warn
from boathook.cli.session import always, told
from boathook.compose.choosing import refuse_unknown
from boathook.objects import mapping

if TYPE_CHECKING:
    from boathook.compose.reading.loading import Loaded
    from boathook.model import JsonObject


@click.command(short_help="Show the project's files as one")
@click.option("--format", "style", type=click.Choice(["yaml", "json"]), default="yaml", help="yaml (default) or json.")
@click.option("-q", "--quiet", is_flag=True, help="Only check the files.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
@click.option("--no-interpolate", is_flag=True, help="Leave variables as they are written.")
@click.option("--services", "wanted", flag_value="services", help="Only the names of the services.")
@click.option("--volumes", "wanted", flag_value="volumes", help="Only the names of the volumes.")
@click.option("--networks", "wanted", flag_value="networks", help="Only the names of the networks.")
@click.option("--images", "wanted", flag_value="images", help="Only the images.")
@click.option("--profiles", "wanted", flag_value="profiles", help="Only the names of all profiles.")
@click.option("--hash", "hashed", metavar="SERVICES", help='Only a digest of each of these services; "*" for all.')
@click.argument("services", nargs=-1)
@click.pass_obj
def config(
    selection: Selection,
    style: str,
    quiet: bool,
    output: Path | None,
    no_interpolate: bool,
    wanted: str | None,
    hashed: str | None,
    services: tuple[str, ...],
) -> None:
    """Check the project's files and print them as one, with all that they leave out filled in."""
    if no_interpolate:
        selection = replace(selection, options=replace(selection.options, interpolate=False))

    def work() -> None:
        text = _text(selection, style, wanted, hashed, services)
        if output is not None:
            output.write_text(text)
        elif not quiet:
            click.echo(text, nl=False)

    told(work, codes=always(ERROR))


def _text(selection: Selection, style: str, wanted: str | None, hashed: str | None, services: tuple[str, ...]) -> str:
    from boathook.compose.reading import config as rendering
    from boathook.compose.reading.normal import normal_project

    loaded = selection.loaded(services=services)
    if wanted == "profiles":
        return _lines(loaded.profiles)
    if not selection.options.interpolate:
        _finish(loaded)
        return rendering.as_written_text(loaded, style)
    project = normal_project(loaded)
    warn(loaded.problems.findings)
    refuse_unknown(services, mapping(project, "services"))
    project = rendering.selected(project, services)
    if hashed is not None:
        return _hash_lines(project, hashed)
    if wanted == "images":
        return _lines(rendering.images(project))
    if wanted is not None:
        return _lines(rendering.names(project, wanted))
    return rendering.as_json(project) if style == "json" else rendering.as_yaml(project)


def _finish(loaded: Loaded) -> None:
    loaded.problems.raise_errors()
    warn(loaded.problems.findings)


def _hash_lines(project: JsonObject, hashed: str) -> str:
    from boathook.compose.reading.config import hashes

    found = hashes(project)
    names = list(found) if hashed == "*" else hashed.split(",")
    refuse_unknown(names, found)
    return _lines(f"{name} {found[name]}" for name in names)


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"{text}\n" for text in texts)
