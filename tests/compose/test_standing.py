"""What is known of a project from its containers alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from boathook.compose.place import Status
from boathook.compose.project import ProjectWorker
from boathook.compose.standing import Origin, origin_of, project_without_file
from tests.compose.build import live, up

TEXT = """
services:
  web: {image: web, depends_on: [db], pre_stop: [{command: drain}]}
  db: {image: db}
"""


@pytest.mark.behaviour("compose:46")
def test_without_its_file_a_project_goes_down_in_order_and_without_hooks() -> None:
    async def forget_the_file_and_go_down(worker: ProjectWorker) -> None:
        worker.project = project_without_file("demo", await worker.members(), ())
        await worker.down()

    lived = live(TEXT, up, forget_the_file_and_go_down)

    assert lived.error is None
    assert lived.left == {}
    assert not lived.has("drain")
    assert [line for line in lived.lines if "SIGTERM" in line] == ["0s web-1 SIGTERM", "0s db-1 SIGTERM"]


@pytest.mark.behaviour("compose:46")
def test_the_file_is_found_again_by_its_label_while_it_is_there(tmp_path: Path) -> None:
    found: list[Origin | None] = []
    file = tmp_path / "compose.yaml"

    async def look(worker: ProjectWorker) -> None:
        found.append(origin_of(await worker.members()))

    async def remember(worker: ProjectWorker) -> None:
        from dataclasses import replace

        worker.project = replace(worker.project, files=(str(file),))

    file.write_text(TEXT)
    live(TEXT, remember, up, look)
    file.unlink()
    live(TEXT, remember, up, look)

    assert found == [Origin(files=(str(file),), directory="/project", environment_files=()), None]


def test_a_service_that_is_gone_from_the_file_is_left_alone() -> None:
    async def lose_db(worker: ProjectWorker) -> None:
        found = await worker.members()
        worker.project = project_without_file("demo", [one for one in found if one.name == "demo-web-1"], ())
        await worker.down()
        assert [(one.name, one.status) for one in await worker.members()] == [("demo-db-1", Status.RUNNING)]

    lived = live(TEXT, up, lose_db)

    assert lived.error is None
