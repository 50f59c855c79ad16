"""``boathook image``: the images of the embedded runtime."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boathook.cli.session import told
from boathook.home import Home
from boathook.model import JsonObject
from boathook.report import words

if TYPE_CHECKING:
    from boathook.images import StoredImage

HEADINGS = ("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE")
NONE = "<none>"
STATES = {"exists": "Already exists", "fetched": "Download complete, {}", "complete": "Pull complete"}
"""What is told of a layer, in engines' words."""


@click.group()
def image() -> None:
    """Manage the images of the embedded runtime.

    An image is looked for in --image-map, then in the local store that these commands manage, then in its registry
    (unless --offline), then among the stand-ins that Boathook makes from this machine's own shell and utilities.
    """


@image.command("import")
@click.argument("source", metavar="SOURCE")
@click.argument("reference", metavar="[REF]", required=False)
@click.option("--base", metavar="REF", help="Lay the files over this image; its configuration is inherited.")
@click.option(
    "-c",
    "--change",
    "changes",
    multiple=True,
    metavar="INSTRUCTION",
    help="""Set CMD, ENTRYPOINT, ENV, STOPSIGNAL, USER, VOLUME or WORKDIR, as in 'CMD ["sh"]'. May be repeated.""",
)
def import_(source: str, reference: str | None, base: str | None, changes: tuple[str, ...]) -> None:
    """Import SOURCE into the local store, as REF.

    SOURCE is a directory, a plain tar archive of a root file system, an OCI layout (oci:DIR[:TAG], or an archive of
    one), or what 'docker save' wrote (whose images have names of their own: REF renames a single one).
    """
    for stored in told(lambda: _import(source, reference, base, changes)):
        names = ", ".join(_familiar(tag) for tag in stored.tags) or NONE
        click.echo(f"Imported {names}: sha256:{stored.short_id}, {words.size(stored.size)}")


def _import(source: str, reference: str | None, base: str | None, changes: tuple[str, ...]) -> tuple[StoredImage, ...]:
    from boathook.images.importing import import_source

    return import_source(Home.find().ensure(), source, reference, base=base, changes=changes)


@image.command("list")
@click.option("-q", "--quiet", is_flag=True, help="Ids only.")
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", help="Format.")
def list_(quiet: bool, output: str) -> None:
    """List the images of the local store, and the stand-ins."""
    from boathook.clock import SystemClock
    from boathook.images import ImageStore

    images = told(lambda: ImageStore(Home.find()).list())
    if quiet:
        click.echo("".join(f"{stored.short_id}\n" for stored in images), nl=False)
    elif output == "json":
        click.echo(json.dumps([*map(_as_json, images), *_stand_ins_as_json()], indent=2))
    else:
        now = SystemClock().now()
        _print_table([HEADINGS, *(row for stored in images for row in _rows(stored, now)), *_stand_in_rows()])


@image.command("pull")
@click.argument("references", metavar="REF...", nargs=-1, required=True)
@click.option("-q", "--quiet", is_flag=True, help="Names only, as they are complete.")
def pull(references: tuple[str, ...], quiet: bool) -> None:
    """Pull images from their registries into the local store.

    Credentials are those that 'docker login' keeps: $DOCKER_CONFIG/config.json, or ~/.docker/config.json, and the
    helper programs that it names. Layers that are here already are not fetched again; a pull that broke off goes on.
    """
    import anyio

    for reference in references:
        told(lambda name=reference: anyio.run(_pull, name, quiet))  # type: ignore[misc]


async def _pull(name: str, quiet: bool) -> None:
    from boathook.images import ImageStore
    from boathook.images.pulling import Progress
    from boathook.images.pulling import pull as pull_image
    from boathook.images.reference import as_reference

    reference = as_reference(name)
    if not quiet:
        click.echo(f"{reference.tag or reference.digest}: Pulling from {reference.registry}/{reference.repository}")

    def heard(progress: Progress) -> None:
        if not quiet and progress.state in STATES:
            click.echo(f"{progress.layer}: {STATES[progress.state].format(words.size(progress.size))}")

    pulled = await pull_image(ImageStore(Home.find().ensure()), reference, heard)
    if not quiet:
        what = "Downloaded newer image" if pulled.fresh else "Image is up to date"
        click.echo(f"Digest: {pulled.digest}\nStatus: {what} for {reference.familiar}")
    click.echo(str(reference))


@image.command("prune")
@click.option("-a", "--all", "everything", is_flag=True, help="All images that no container uses, named or not.")
def prune(everything: bool) -> None:
    """Remove images without a name, layers that no image needs, and what broken pulls left."""
    from boathook.images import ImageStore

    home = Home.find().ensure()
    pruned = told(lambda: ImageStore(home).prune(everything=everything, in_use=_layers_in_use(home)))
    for line in pruned.lines:
        click.echo(line)
    if pruned.waiting:
        click.echo("an image is being pulled: layers and downloads were left as they are", err=True)
    click.echo(f"Total reclaimed space: {words.size(pruned.freed)}")


@image.command("ls", hidden=True)
@click.pass_context
@click.option("-q", "--quiet", is_flag=True, help="Ids only.")
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", help="Format.")
def ls(context: click.Context, quiet: bool, output: str) -> None:
    """The same as 'list'."""
    context.invoke(list_, quiet=quiet, output=output)


@image.command("rm")
@click.argument("references", metavar="REF...", nargs=-1, required=True)
def rm(references: tuple[str, ...]) -> None:
    """Remove images, by name or by id, from the local store."""
    from boathook.images import ImageStore

    home = Home.find().ensure()
    for reference in references:
        for line in told(lambda name=reference: ImageStore(home).remove(name, in_use=_layers_in_use(home))):  # type: ignore[misc]
            click.echo(line)


def _layers_in_use(home: Home) -> frozenset[Path]:
    """What containers stand on. Those of a dead owner count: what they owe may have to run in the same image."""
    from boathook.runtimes.records import Records

    return frozenset(layer for record in Records(home).containers() for layer in record.spec.image.layers)


def _rows(stored: StoredImage, now: datetime) -> list[tuple[str, ...]]:
    age = f"{_age(now - stored.created)} ago"
    rest = (stored.short_id, age, words.size(stored.size))
    named = [_familiar(tag).rpartition(":") for tag in stored.tags]
    return [(repository, tag, *rest) for repository, _, tag in named] or [(NONE, NONE, *rest)]


def _stand_in_rows() -> list[tuple[str, ...]]:
    from boathook.images.standins import STAND_INS

    return [(name, "any", "stand-in", "", "") for name in STAND_INS]


def _as_json(stored: StoredImage) -> JsonObject:
    return {
        "id": f"sha256:{stored.id}",
        "tags": [_familiar(tag) for tag in stored.tags],
        "digests": [_familiar(digest) for digest in stored.digests],
        "created": stored.created.isoformat(),
        "size": stored.size,
        "base": stored.base,
        "stand_in": False,
    }


def _stand_ins_as_json() -> list[JsonObject]:
    from boathook.images.standins import STAND_INS

    return [
        {"id": None, "tags": [name], "digests": [], "created": None, "size": None, "base": None, "stand_in": True}
        for name in STAND_INS
    ]


def _familiar(tag: str) -> str:
    from boathook.images.reference import parse

    return parse(tag).familiar


def _age(age: timedelta) -> str:
    """Roughly, as engines print it: ``5 seconds``, ``3 hours``, ``2 weeks``."""
    for unit, length in (("week", 7 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(age.total_seconds() // length)
        if count >= (2 if unit == "week" else 1):
            return words.plural(count, unit)
    return words.plural(max(int(age.total_seconds()), 0), "second")


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("   ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
