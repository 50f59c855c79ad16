from __future__ import annotations

from pathlib import Path

import pytest

from boathook.errors import CouldNotStart
from boathook.images.model import Image, ImageConfig
from boathook.images.users import lookup_user

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1001:50::/:\n# note\nbroken:x\nodd:x:a:b::/:\n"
GROUP = "root:x:0:\nstaff:x:50:app\nbroken\n"


def an_image(*layers: Path, user: str = "") -> Image:
    config = ImageConfig(user=user)
    return Image(reference="app", origin="", stand_in=False, layers=layers, host_system=False, config=config)


def a_layer(path: Path, passwd: str = PASSWD, group: str = GROUP) -> Path:
    (path / "etc").mkdir(parents=True)
    (path / "etc/passwd").write_text(passwd)
    (path / "etc/group").write_text(group)
    return path


@pytest.mark.parametrize(
    ("user", "ids"),
    [
        ("", (0, 0)),
        ("root", (0, 0)),
        ("0", (0, 0)),
        ("app", (1001, 50)),
        ("1001", (1001, 50)),
        ("1002", (1002, 0)),
        ("1002:7", (1002, 7)),
        ("app:root", (1001, 0)),
        ("1002:staff", (1002, 50)),
        (":staff", (0, 50)),
    ],
)
def test_users_and_groups_are_found_by_name_and_by_number(tmp_path: Path, user: str, ids: tuple[int, int]) -> None:
    assert lookup_user(an_image(a_layer(tmp_path)), user) == ids


def test_no_user_means_the_images_own(tmp_path: Path) -> None:
    assert lookup_user(an_image(a_layer(tmp_path), user="app"), "") == (1001, 50)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("nope", "unable to find user nope: no matching entries in passwd file"),
        ("broken", "unable to find user broken: no matching entries in passwd file"),
        ("odd", "unable to find user odd: no matching entries in passwd file"),
        ("app:nope", "unable to find group nope: no matching entries in group file"),
        ("99999999999", "uids and gids must be in range 0-2147483647"),
    ],
)
def test_who_is_not_known_cannot_start(tmp_path: Path, user: str, message: str) -> None:
    with pytest.raises(CouldNotStart) as failed:
        lookup_user(an_image(a_layer(tmp_path)), user)

    assert str(failed.value) == message


def test_the_uppermost_layer_with_the_file_counts(tmp_path: Path) -> None:
    lower, upper = a_layer(tmp_path / "1"), a_layer(tmp_path / "2", passwd="app:x:7:8::/:\n")
    (tmp_path / "3").mkdir()

    assert lookup_user(an_image(lower, upper, tmp_path / "3"), "app") == (7, 8)


def test_a_link_leads_to_a_file_of_the_image_never_of_the_machine(tmp_path: Path) -> None:
    outside = a_layer(tmp_path / "outside")
    image = tmp_path / "image"
    (image / "etc").mkdir(parents=True)
    (image / "etc/passwd").symlink_to(outside / "etc/passwd")

    with pytest.raises(CouldNotStart):
        lookup_user(an_image(image), "app")

    (image / "usr").mkdir()
    (image / "usr/passwd").write_text(PASSWD)
    (image / "etc/passwd").unlink()
    (image / "etc/passwd").symlink_to("../../../../usr/passwd")
    assert lookup_user(an_image(image), "app") == (1001, 50)


def test_an_image_without_user_files_knows_numbers_only(tmp_path: Path) -> None:
    assert lookup_user(an_image(tmp_path), "5:6") == (5, 6)
    with pytest.raises(CouldNotStart):
        lookup_user(an_image(tmp_path), "root")
