"""How long ago, how big, which ports, in what state: in the peer's words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from boathook.compose.place import Health, PublishedPort, Status
from boathook.compose.showing.spoken import command_of, human_duration, human_size, ports_of, state_of, status_of
from tests.compose.looking import NOW, a_member, an_ended_member


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(milliseconds=900), "Less than a second"),
        (timedelta(seconds=1.9), "1 second"),
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(seconds=60), "About a minute"),
        (timedelta(seconds=119), "About a minute"),
        (timedelta(minutes=2), "2 minutes"),
        (timedelta(minutes=59, seconds=59), "59 minutes"),
        (timedelta(minutes=60), "About an hour"),
        (timedelta(minutes=89), "About an hour"),
        (timedelta(minutes=90), "2 hours"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(hours=48), "2 days"),
        (timedelta(days=13), "13 days"),
        (timedelta(days=14), "2 weeks"),
        (timedelta(days=59), "8 weeks"),
        (timedelta(days=60), "2 months"),
        (timedelta(days=729), "24 months"),
        (timedelta(days=731), "2 years"),
    ],
)
def test_a_time_ago_is_told_in_one_unit(age: timedelta, text: str) -> None:
    assert human_duration(age) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (999, "999B"), (1984234, "1.98MB"), (4260000, "4.26MB"), (123456789, "123MB"), (2e12, "2TB")],
)
def test_a_size_has_three_digits(size: float, text: str) -> None:
    assert human_size(size) == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "Up About a minute"),
        ({"health": Health.STARTING}, "Up About a minute (health: starting)"),
        ({"health": Health.UNHEALTHY}, "Up About a minute (unhealthy)"),
        ({"status": Status.PAUSED}, "Up About a minute (Paused)"),
        ({"status": Status.CREATED, "started": None}, "Created"),
        ({"status": Status.DEAD}, "Dead"),
        ({"status": Status.REMOVING}, "Removal In Progress"),
    ],
)
def test_a_state_says_since_when(changes: dict[str, Any], text: str) -> None:
    assert status_of(a_member(**changes), NOW) == text


def test_an_end_says_how_and_when() -> None:
    assert status_of(an_ended_member(code=137), NOW) == "Exited (137) 30 seconds ago"
    assert status_of(an_ended_member(status=Status.RESTARTING, code=4), NOW) == "Restarting (4) 30 seconds ago"


def test_what_ended_with_its_owner_has_ended_however_it_was_written_down() -> None:
    lost = a_member(owner_alive=False)

    assert (state_of(lost), status_of(lost, NOW)) == ("exited", "Exited (unknown)")


def test_arguments_with_a_blank_stand_in_quotes() -> None:
    assert command_of(a_member(command=("sh", "-c", "echo 'a b'", "x"))) == "sh -c 'echo 'a b'' x"
    assert command_of(a_member(command=("a b",))) == "a b"


def a_port(target: int, host: str = "", published: int = 0, protocol: str = "tcp") -> PublishedPort:
    return PublishedPort(target=target, protocol=protocol, host_ip=host, published=published)


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        ([], ""),
        ([a_port(80)], "80/tcp"),
        ([a_port(80), a_port(53, protocol="udp")], "53/udp, 80/tcp"),
        ([a_port(80, "0.0.0.0", 8080), a_port(80, "::", 8080)], "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"),
        ([a_port(80, "0.0.0.0", 80)], "0.0.0.0:80->80/tcp"),
        ([a_port(one) for one in (82, 80, 81, 90)], "80-82/tcp, 90/tcp"),
        ([a_port(one, "1.2.3.4", one) for one in (80, 81)], "1.2.3.4:80-81->80-81/tcp"),
        ([a_port(80, "0.0.0.0", 8080), a_port(9)], "9/tcp, 0.0.0.0:8080->80/tcp"),
    ],
)
def test_ports_that_map_to_themselves_are_told_as_runs(ports: list[PublishedPort], text: str) -> None:
    assert ports_of(ports) == text
