"""Lists of containers, projects, images and processes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from boathook.compose.choosing import listed, one_of, refuse_unknown
from boathook.compose.model import FILES_LABEL
from boathook.compose.place import Health, ImageFacts, PlaceVolume, PublishedPort, Status
from boathook.compose.processes import Processes, process_table
from boathook.compose.showing.image_listing import familiar, image_json, image_table
from boathook.compose.showing.listing import containers_listed, projects_listed, volumes_listed
from boathook.errors import NotFound, UsageError
from tests.compose.looking import NOW, a_member, an_ended_member

KEYS = [
    "Command", "CreatedAt", "ExitCode", "Health", "ID", "Image", "Labels", "LocalVolumes", "Mounts", "Name", "Names",
    "Networks", "Ports", "Project", "Publishers", "RunningFor", "Service", "Size", "State", "Status",
]  # fmt: skip
"""Of the peer's objects (spec 13.4)."""


def test_containers_stand_in_the_peers_columns() -> None:
    members = [
        a_member(command=("sh", "-c", "sleep 1000000000")),
        a_member("shop-job-1", status=Status.CREATED, command=("true",)),
    ]

    assert containers_listed(members, NOW).shown("table") == (
        "NAME         IMAGE       COMMAND                  SERVICE   CREATED         STATUS              PORTS\n"
        'shop-app-1   busybox:1   "sh -c \'sleep 100000…"   app       2 minutes ago   Up About a minute   \n'
        'shop-job-1   busybox:1   "true"                   job       2 minutes ago   Created             \n'
    )


def test_nothing_is_a_heading() -> None:
    assert containers_listed((), NOW).shown("table") == (
        "NAME      IMAGE     COMMAND   SERVICE   CREATED   STATUS    PORTS\n"
    )


def test_nothing_is_cut_where_the_whole_is_wanted() -> None:
    member = a_member(command=("sh", "-c", "x" * 30), mounts=("a-volume-with-a-long-name",))

    cut, whole = (json.loads(containers_listed([member], NOW, whole=whole).shown("json")) for whole in (False, True))

    assert (len(cut["ID"]), len(whole["ID"])) == (12, 64)
    assert (cut["Mounts"], whole["Mounts"]) == ("a-volume-with-…", "a-volume-with-a-long-name")
    assert (len(cut["Command"]), len(whole["Command"])) == (22, 38)


def test_a_container_in_json_has_the_peers_keys() -> None:
    ports = (PublishedPort(target=80, protocol="tcp", host_ip="0.0.0.0", published=8080),)
    member = a_member(health=Health.HEALTHY, ports=ports, mounts=("shop_data", "/srv"), networks=("a", "b"))

    found = json.loads(containers_listed([member], NOW).shown("json"))

    assert list(found) == KEYS
    assert (found["Health"], found["State"], found["ExitCode"]) == ("healthy", "running", 0)
    assert (found["LocalVolumes"], found["Mounts"], found["Networks"]) == ("1", "shop_data,/srv", "a,b")
    assert found["Publishers"] == [{"URL": "0.0.0.0", "TargetPort": 80, "PublishedPort": 8080, "Protocol": "tcp"}]


def test_an_exit_code_is_that_of_what_has_ended() -> None:
    ended = json.loads(containers_listed([an_ended_member(code=7)], NOW).shown("json"))

    assert (ended["ExitCode"], ended["State"], ended["Health"]) == (7, "exited", "")


def test_a_project_says_how_many_are_in_which_state_and_where_its_files_are() -> None:
    files = {FILES_LABEL: "/a.yaml,/b.yaml"}
    others = {FILES_LABEL: "/b.yaml,/c.yaml"}

    found = projects_listed(
        {
            "b": [a_member(labels=files), an_ended_member(labels=others), a_member(labels=files)],
            "a": [a_member(labels={})],
        }
    )

    assert found == [
        {"Name": "a", "Status": "running(1)", "ConfigFiles": "N/A"},
        {"Name": "b", "Status": "exited(1), running(2)", "ConfigFiles": "/a.yaml,/b.yaml,/c.yaml"},
    ]


def test_volumes_have_driver_and_name() -> None:
    volume = PlaceVolume(name="shop_data", driver="local", mountpoint="/x", labels={})

    assert volumes_listed([volume]).shown("table") == "DRIVER    VOLUME NAME\nlocal     shop_data\n"


def test_processes_of_all_containers_stand_under_one_heading_with_the_command_last() -> None:
    first = Processes.of(a_member(), ("PID", "CMD"), (("1", "sh"), ("2", "sleep 1")))
    other = Processes.of(a_member("shop-run", number=0), ("PID", "USER", "CMD"), (("3", "root", "x"),))

    assert process_table([first, other]) == (
        "SERVICE   #   PID  USER  CMD\n"
        "app       1   1    -     sh\n"
        "app       1   2    -     sleep 1\n"
        "shop-run      3    root  x\n"
    )
    assert process_table([]) == ""


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("busybox", "busybox"),
        ("docker.io/library/busybox:1", "busybox"),
        ("docker.io/me/app@sha256:" + "0" * 64, "me/app"),
        ("localhost:5000/app:2", "localhost:5000/app"),
    ],
)
def test_a_repository_is_named_as_people_write_it(image: str, name: str) -> None:
    assert familiar(image) == name


def test_images_are_those_of_containers() -> None:
    facts = ImageFacts(
        id="sha256:" + "ab" * 32,
        platform="linux/amd64",
        size=1984234,
        created=NOW - timedelta(days=3),
        tagged=NOW - timedelta(hours=5),
    )
    bare = ImageFacts(id="sha256:cd", platform="", size=0, created=None, tagged=None)
    found = [(a_member(), facts), (a_member("shop-x-1", image="sha256:" + "cd" * 32), bare)]

    first, second = (line.split("   ") for line in image_table(found, NOW).splitlines()[1:])
    listed_ = json.loads(image_json(found))

    assert [word.strip() for word in first if word.strip()] == [
        "shop-app-1", "busybox", "1", "linux/amd64", "abababababab", "1.98MB", "5 hours ago",
    ]  # fmt: skip
    assert [word.strip() for word in second if word.strip()] == ["shop-x-1", "<none>", "<none>", "cd", "N/A", "N/A"]
    assert (listed_[0]["Repository"], listed_[0]["Tag"], listed_[1]["Repository"]) == ("busybox", "1", "")


def test_what_runs_is_chosen_by_name_and_service() -> None:
    members = [
        a_member("shop-b-1"),
        an_ended_member("shop-a-1"),
        a_member("shop-a-2"),
        a_member("shop-a-run-x", service="a", oneoff=True, number=0),
        a_member("shop-c-1", owner_alive=False),
    ]

    assert [one.name for one in listed(members, everything=False)] == ["shop-a-2", "shop-b-1"]
    assert [one.name for one in listed(members, services=("a",))] == ["shop-a-1", "shop-a-2"]
    assert [one.name for one in listed(members, services=("a",), oneoffs=True)][-1] == "shop-a-run-x"


def test_the_first_replica_is_meant_and_a_one_off_only_where_there_is_no_other() -> None:
    oneoff = a_member("shop-a-run-x", service="a", oneoff=True, number=0)
    members = [oneoff, a_member("shop-a-3", number=3), a_member("shop-a-2", number=2), an_ended_member("shop-a-1")]

    assert one_of(members, "a").name == "shop-a-2"
    assert one_of(members, "a", 3).name == "shop-a-3"
    assert one_of([oneoff], "a").name == "shop-a-run-x"
    assert one_of(members, "a", everything=True).name == "shop-a-1"


@pytest.mark.behaviour("compose:57")
def test_a_service_of_which_nothing_runs_is_said_in_the_peers_words() -> None:
    with pytest.raises(NotFound, match=r'^service "app" is not running$'):
        one_of([an_ended_member()], "app")
    with pytest.raises(NotFound, match=r'^service "app" is not running container #4$'):
        one_of([a_member()], "app", 4)
    with pytest.raises(UsageError, match=r"^no such service: zzz$"):
        refuse_unknown(["app", "zzz"], {"app"})
