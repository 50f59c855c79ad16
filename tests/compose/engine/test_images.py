"""How the images of a project are come by on an engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from boathook.clock import SystemClock
from boathook.compose.engine import EnginePlace
from boathook.compose.engine.images import is_asked_for
from boathook.compose.options import ImageWishes
from boathook.errors import BoathookError, ImageUnavailable, ManifestError
from boathook.events import ImageResolved
from tests.compose.build import a_project
from tests.compose.engine.build import OnEngine

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

BUILT = """
services:
  app:
    build: {context: ., dockerfile_inline: "FROM boathook.test/busybox:1\\nENV BUILT=yes\\n"}
    command: "true"
"""


@pytest.mark.behaviour("compose:12")
async def test_a_user_whom_the_image_does_not_know_is_refused_with_what_to_write_instead(
    place: EnginePlace, site: OnEngine
) -> None:
    project = site.write("services: {app: {image: IMAGE, command: 'true', user: made-at-run-time}}")

    with pytest.raises(ManifestError) as caught:
        await place.prepare(project, project.services, ImageWishes(), site.events())

    (problem,) = caught.value.problems
    assert problem.message == "unable to find user made-at-run-time: no matching entries in passwd file"
    assert "user: UID" in str(problem.remedy)
    assert site.containers() == []


async def test_every_image_that_is_missing_is_named(place: EnginePlace, site: OnEngine) -> None:
    project = site.write(
        "services: {a: {image: none.test/a}, b: {image: none.test/b, pull_policy: never}, c: {image: IMAGE}}"
    )

    with pytest.raises(BoathookError) as caught:
        await place.prepare(project, project.services, ImageWishes(), site.events())

    assert str(caught.value).splitlines() == [
        'image "none.test/a" is not in the engine, and it may not be pulled: offline',
        'image "none.test/b" is not in the engine, and it may not be pulled: imagePullPolicy is Never',
    ]


async def test_an_image_is_looked_for_once_for_all_services_that_have_it(place: EnginePlace, site: OnEngine) -> None:
    project = site.write("services: {a: {image: IMAGE}, b: {image: IMAGE}}")

    ready = await place.prepare(project, project.services, ImageWishes(), site.events())

    assert ready["a"].image_id == ready["b"].image_id
    assert ready["a"].image_id.startswith("sha256:")
    assert len([one for one in site.heard if isinstance(one.event, ImageResolved)]) == 1


async def test_an_image_is_built_when_it_is_missing_and_again_when_asked_for(
    place: EnginePlace, site: OnEngine
) -> None:
    project = site.write(BUILT)

    async def built(wishes: ImageWishes) -> str:
        ready = await place.prepare(project, project.services, wishes, site.events())
        assert ("BUILT", "yes") in ready["app"].image.config.environment
        return ready["app"].image_id

    try:
        with pytest.raises(ImageUnavailable, match="it may not be built"):
            await built(ImageWishes(no_build=True))
        first = await built(ImageWishes())
        kept = await built(ImageWishes())
        text = BUILT.replace("ENV BUILT=yes", "ENV BUILT=yes MORE=too")
        project = site.write(text)
        again = await built(ImageWishes(build=True))
        removed = await place.remove_images(project, "local", site.events())
    finally:
        site.engine.docker("image", "prune", "-f")

    assert first == kept != again
    assert removed == 1


async def test_an_image_with_a_name_of_its_own_is_kept_by_a_removal_of_local_ones(
    place: EnginePlace, site: OnEngine
) -> None:
    project = site.write("services: {a: {image: IMAGE}}")

    assert await place.remove_images(project, "local", site.events()) == 0


@pytest.mark.parametrize(
    ("policy", "wish", "asked"),
    [
        ("missing", "", False),
        ("never", "", False),
        ("always", "", True),
        ("daily", "", False),
        ("every_1s", "", True),
        ("missing", "always", True),
        ("always", "never", False),
        ("always", "missing", False),
    ],
)
def test_a_policy_decides_whether_the_registry_is_asked_for_what_is_here(policy: str, wish: str, asked: bool) -> None:
    (service,) = a_project(f"services: {{a: {{image: img, pull_policy: {policy}}}}}").services
    tagged = (SystemClock().now() - timedelta(hours=1)).isoformat()

    assert is_asked_for({"Metadata": {"LastTagTime": tagged}}, service, ImageWishes(pull=wish)) is asked
