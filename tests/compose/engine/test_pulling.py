"""Which images ``pull`` asks for, and what a failure means."""

from __future__ import annotations

import pytest

from boathook.compose.engine import EnginePlace
from boathook.compose.pulling import Pull
from boathook.errors import ImageUnavailable, UsageError
from boathook.events import ImageProgress
from boathook.home import Home
from tests.compose.engine.build import OnEngine

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, pytest.mark.root]

FILE = """
services:
  a: {image: IMAGE}
  same: {image: IMAGE}
  never: {image: IMAGE, pull_policy: never}
  built: {image: "boathook.test/nowhere:1", build: .}
  only-built: {build: .}
"""


async def pulled(site: OnEngine, home: Home, *services: str, **changes: object) -> list[str]:
    """What was said, in order of services' names. Images of ``boathook.test`` are in no registry."""
    said: list[str] = []
    project = site.write(FILE)
    async with EnginePlace(home) as place:
        given = {"policy": "", "ignore_buildable": False, "ignore_failures": False, **changes}
        pull = Pull(place=place, project=project, events=site.events(), tell=said.append, **given)  # type: ignore[arg-type]
        try:
            await pull.run([project.service(name) for name in services])
        finally:
            said += [
                f" {one.event.service} {one.event.text}" for one in site.heard if isinstance(one.event, ImageProgress)
            ]
    return sorted(said)


async def test_what_is_here_is_not_asked_for_where_only_the_missing_is_wanted(site: OnEngine, home: Home) -> None:
    assert await pulled(site, home, "a", "same", "never", "only-built", policy="missing") == [
        " a Pulling",
        " a Skipped - Image is already present locally",
        " never Skipped - Image is already being pulled by a ",
        " only-built Skipped - No image to be pulled ",
        " same Skipped - Image is already being pulled by a ",
    ]


async def test_an_image_that_no_registry_gives_is_a_failure_although_it_is_here(site: OnEngine, home: Home) -> None:
    with pytest.raises(ImageUnavailable, match="could not be pulled"):
        await pulled(site, home, "a")


async def test_failures_can_be_passed_over(site: OnEngine, home: Home) -> None:
    said = await pulled(site, home, "a", "never", ignore_failures=True)

    assert [line.split()[:2] for line in said] == [["a", "Error"], ["a", "Pulling"], ["never", "Skipped"]]


async def test_what_can_be_built_need_not_be_pulled(site: OnEngine, home: Home) -> None:
    said = await pulled(site, home, "built")
    left = await pulled(site, home, "built", ignore_buildable=True)

    assert " built Skipped - Image can be built " in left
    assert "    boathook compose build built" in said[-1]


async def test_a_policy_that_is_none_is_refused(site: OnEngine, home: Home) -> None:
    with pytest.raises(UsageError, match='unsupported --policy value "never"'):
        await pulled(site, home, "a", policy="never")
