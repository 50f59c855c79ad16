"""Images that the engine's own builder makes of a service's ``build``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boathook.compose.engine import EnginePlace
from boathook.compose.options import BuildWishes
from boathook.errors import BoathookError, PlaceError, UnsupportedHere
from boathook.events import ImageProgress
from tests.compose.engine.build import OnEngine
from tests.peers.docker import IMAGE

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, pytest.mark.root]


PLAIN = BuildWishes()


def a_context(site: OnEngine, dockerfile: str, **files: str) -> Path:
    directory = site.directory / "context"
    directory.mkdir()
    (directory / "Dockerfile").write_text(dockerfile.replace("IMAGE", IMAGE))
    for name, text in files.items():
        (directory / name).write_text(text)
    return directory


async def built(site: OnEngine, place: EnginePlace, build: str, wishes: BuildWishes = PLAIN) -> Any:
    """What the engine says of the image that was built of ``build`` (a flow mapping)."""
    project = site.write(f"services: {{app: {{image: 'boathook.test/built:1', build: {build}}}}}")
    found = await place.build(project, project.service("app"), site.events(), wishes)
    (image,) = json.loads(site.engine.docker("image", "inspect", "boathook.test/built:1"))
    assert image["Id"] == found
    return image


def said(site: OnEngine) -> str:
    return "".join(one.event.text for one in site.heard if isinstance(one.event, ImageProgress))


async def test_arguments_target_labels_tags_and_hosts_reach_the_builder(
    site: OnEngine, place: EnginePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_HERE", "here")
    a_context(
        site,
        "FROM IMAGE AS one\nARG A\nARG B\nARG FROM_HERE\nRUN echo a=$A b=$B here=$FROM_HERE; cat /etc/hosts\n"
        "FROM one AS two\nENV STAGE=two\nFROM one AS three\nENV STAGE=three\n",
    )

    image = await built(
        site,
        place,
        "{context: context, args: {A: 1, B: x}, target: two, labels: {made: here}, tags: ['boathook.test/other:2'],"
        " extra_hosts: {upstream: 10.1.2.3}}",
        BuildWishes(arguments=(("B", "given"), ("FROM_HERE", "here"))),
    )

    assert "a=1 b=given here=here" in said(site)
    assert "10.1.2.3\tupstream" in said(site)
    assert "STAGE=two" in image["Config"]["Env"]
    assert image["Config"]["Labels"]["made"] == "here"
    assert sorted(image["RepoTags"]) == ["boathook.test/built:1", "boathook.test/other:2"]


async def test_what_is_ignored_does_not_reach_the_builder_and_a_dockerfile_may_be_written_in_the_project(
    site: OnEngine, place: EnginePlace
) -> None:
    a_context(site, "", keep="", drop="")
    (site.directory / "context/.dockerignore").write_text("drop\n")

    await built(site, place, f'{{context: context, dockerfile_inline: "FROM {IMAGE}\\nCOPY . /all\\nRUN ls /all\\n"}}')

    assert "keep" in said(site).splitlines()
    assert "drop" not in said(site).splitlines()


async def test_a_failed_step_is_told_in_the_engines_words(site: OnEngine, place: EnginePlace) -> None:
    a_context(site, "FROM IMAGE\nRUN echo before; exit 7\n")

    with pytest.raises(PlaceError, match="'/bin/sh -c echo before; exit 7' returned a non-zero code: 7"):
        await built(site, place, "{context: context}")
    assert "before" in said(site)


async def test_steps_are_done_again_only_where_that_is_wanted(site: OnEngine, place: EnginePlace) -> None:
    a_context(site, "FROM IMAGE\nRUN echo once > /made\n")
    first = await built(site, place, "{context: context}")

    assert (await built(site, place, "{context: context}"))["Id"] == first["Id"]
    again = await built(site, place, "{context: context}", BuildWishes(no_cache=True))
    assert again["Id"] != first["Id"]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ("{context: context, additional_contexts: {x: ../x}}", "doesn't support additional contexts"),
        ("{context: context, platforms: [linux/amd64, linux/arm64]}", "doesn't support multi-arch build"),
        ("{context: context, privileged: true}", "doesn't support privileged mode"),
    ],
)
async def test_what_the_builder_does_not_know_is_refused_by_name(
    site: OnEngine, place: EnginePlace, build: str, message: str
) -> None:
    with pytest.raises(UnsupportedHere, match=message):
        await built(site, place, build)


async def test_a_context_that_is_not_there_is_named(site: OnEngine, place: EnginePlace) -> None:
    with pytest.raises(BoathookError, match="unable to prepare context"):
        await built(site, place, "{context: nowhere}")
