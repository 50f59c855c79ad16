"""The life of a supervisor, as real processes see it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from boathook.home import Home
from boathook.supervisor.client import LOCK, SOCKET, supervisor_pid
from tests.properties.left import left_of
from tests.supervisor.build import (
    a_pod_file,
    boathook,
    end,
    log_of,
    started,
    succeeded,
    the_supervisor,
    wait_for_end,
)

pytestmark = pytest.mark.runtime

COMPOSE = """\
name: shop
services:
  app:
    image: busybox:1.36
    command: ["sh", "-c", 'trap "exit 0" TERM; while :; do sleep 60 & wait $$!; done']
    volumes: ["{out}:/out"]
    pre_stop:
      - command: ["sh", "-c", "echo {word} >> /out/said"]
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.mkdir()
    return path


def test_it_starts_on_demand_and_keeps_a_pod_that_other_commands_see(supervised: Home, out: Path) -> None:
    file = a_pod_file(out, hook="echo bye > /out/said")

    created = succeeded("pod", "run", "-d", file)
    pid = the_supervisor(supervised)
    listed = succeeded("pod", "ls")
    deleted = succeeded("pod", "delete", "demo")
    history = succeeded("history")

    assert created == "pod/demo created\n"
    assert "demo   1/1     Running" in listed
    assert [word for word in ("stop requested", "preStop", "exit 0 after", "SIGTERM") if word not in deleted] == []
    assert deleted.endswith('pod "demo" deleted\n')
    assert (out / "said").read_text() == "bye\n"
    assert the_supervisor(supervised) == pid
    run = next(line for line in history.splitlines() if "pod run" in line)
    assert f"pod run -d {file}" in run
    assert " demo " in run
    assert "succeeded" in run


def test_several_commands_at_once_start_one(supervised: Home, out: Path) -> None:
    files = []
    for number in range(4):
        (out / str(number)).mkdir()
        files.append(a_pod_file(out / str(number), f"demo-{number}"))

    commands = [started("pod", "run", "-d", file) for file in files]
    said = [command.communicate(timeout=60)[0] for command in commands]

    assert said == [f"pod/demo-{number} created\n" for number in range(4)]
    with closing(sqlite3.connect(supervised.journal)) as journal:
        assert journal.execute("SELECT count(*) FROM runs WHERE command = 'supervisor'").fetchone() == (1,)
    assert len(succeeded("pod", "ls").splitlines()) == 5


def test_it_ends_by_itself_only_when_nothing_is_left(supervised: Home, out: Path) -> None:
    succeeded("pod", "run", "-d", a_pod_file(out))
    pid = the_supervisor(supervised)

    with pytest.raises(AssertionError, match="does not end"):
        _wait_briefly(pid, 4.0)
    succeeded("pod", "delete", "demo")
    wait_for_end(pid)

    assert supervisor_pid(supervised) is None
    assert left_of(supervised, pid) == []


def _wait_briefly(pid: int, seconds: float) -> None:
    import select

    descriptor = os.pidfd_open(pid)
    try:
        assert select.select([descriptor], [], [], seconds)[0], f"process {pid} does not end"
    finally:
        os.close(descriptor)


def test_sigterm_stops_pods_with_their_hooks_and_those_who_wait_hear_it(supervised: Home, out: Path) -> None:
    succeeded("pod", "run", "-d", a_pod_file(out, "one", "two", hook="echo begin; sleep 1; echo bye >> /out/said"))
    pid = the_supervisor(supervised)
    deleting = started("pod", "delete", "one")
    assert deleting.stdout is not None
    assert any(" preStop " in line for line in deleting.stdout)

    os.kill(pid, signal.SIGTERM)
    told, _ = deleting.communicate(timeout=60)
    wait_for_end(pid)

    assert (out / "said").read_text() == "bye\nbye\n"
    assert deleting.returncode == 0
    assert 'pod "one" deleted' in told
    assert left_of(supervised, pid) == []
    assert boathook("pod", "ls").stdout == ""


def test_sigterm_runs_the_pre_stop_hooks_of_compose_projects(supervised: Home, out: Path) -> None:
    file = out / "compose.yaml"
    file.write_text(COMPOSE.format(out=out, word="bye"))
    out.chmod(0o777)
    assert boathook("compose", "-f", file, "up", "-d").returncode == 0
    pid = the_supervisor(supervised)
    with pytest.raises(AssertionError, match="does not end"):
        _wait_briefly(pid, 4.0)

    os.kill(pid, signal.SIGTERM)
    wait_for_end(pid)

    assert (out / "said").read_text() == "bye\n"
    assert left_of(supervised, pid) == []
    assert "compose stop" in succeeded("history")


def test_a_project_that_was_taken_down_is_not_stopped_again(supervised: Home, out: Path) -> None:
    file = out / "compose.yaml"
    file.write_text(COMPOSE.format(out=out, word="bye"))
    out.chmod(0o777)
    assert boathook("compose", "-f", file, "up", "-d").returncode == 0
    pid = the_supervisor(supervised)
    assert boathook("compose", "-f", file, "down").returncode == 0

    os.kill(pid, signal.SIGTERM)
    wait_for_end(pid)

    assert (out / "said").read_text() == "bye\n"
    assert "compose stop" not in succeeded("history")


def test_a_second_signal_ends_it_at_once(supervised: Home, out: Path) -> None:
    succeeded("pod", "run", "-d", a_pod_file(out, hook="echo begun > /out/said; sleep 19"))
    pid = the_supervisor(supervised)
    deleting = started("pod", "delete", "demo")
    assert deleting.stdout is not None
    assert any(" preStop " in line for line in deleting.stdout)

    os.kill(pid, signal.SIGTERM)
    # Signals that come together are one: the second is sent when the first has been heard.
    succeeded("pod", "ls")
    os.kill(pid, signal.SIGTERM)
    _wait_briefly(pid, 10.0)
    deleting.communicate(timeout=60)

    assert deleting.returncode != 0
    assert [line for line in left_of(supervised, pid) if not line.startswith("object ")] == []


def test_a_signal_right_after_its_start_ends_it_in_order(supervised: Home) -> None:
    ready, told = os.pipe()
    with os.fdopen(ready) as answer:
        process = subprocess.Popen([sys.executable, "-m", "boathook.supervisor", str(told)], pass_fds=(told,))
        os.close(told)
        word = answer.read()
    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=20) == 0
    assert word == "ready\n"
    assert left_of(supervised, process.pid) == []


@pytest.fixture
def killed(home: Home, out: Path) -> Iterator[int]:
    """The pid of a supervisor that was killed while it ran a pod and a project."""
    file = out / "compose.yaml"
    file.write_text(COMPOSE.format(out=out, word="bye"))
    succeeded("pod", "run", "-d", a_pod_file(out))
    assert boathook("compose", "-f", file, "up", "-d").returncode == 0
    pid = the_supervisor(home)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    yield pid
    end(home)


def test_what_a_killed_supervisor_had_is_said_shown_and_recovered(home: Home, killed: int) -> None:
    listed = boathook("pod", "ls")
    again = boathook("pod", "ls")
    recovered = succeeded("recover")
    nothing = succeeded("recover")

    assert f"note: Pod default/demo ended with its owner (process {killed})" in listed.stderr
    assert "demo   0/1     OwnerDied" in listed.stdout
    assert again.stderr == ""
    assert "removed container 'app', which process" in recovered
    assert "nothing owed, nothing left" in nothing
    assert left_of(home, killed) == []
    assert "OwnerDied" in succeeded("pod", "ls")
    assert succeeded("pod", "delete", "demo") == 'pod "demo" deleted\n'
    assert boathook("pod", "ls").stdout == ""
    assert not home.socket(SOCKET).parent.exists()
    assert log_of(home) == ""


def test_a_new_supervisor_takes_the_place_of_a_killed_one(supervised: Home, out: Path) -> None:
    file = a_pod_file(out)
    succeeded("pod", "run", "-d", file)
    pid = the_supervisor(supervised)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)

    again = boathook("pod", "run", "-d", file)

    assert again.returncode == 0
    assert f"note: Pod default/demo ended with its owner (process {pid})" in again.stderr
    assert 'note: replaced the record of pod "demo", which had ended' in again.stderr
    assert the_supervisor(supervised) != pid
    succeeded("pod", "delete", "demo")
    succeeded("recover")


def test_a_post_start_hook_that_a_killed_supervisor_left_is_not_run_again(supervised: Home, out: Path) -> None:
    file = a_pod_file(out, hook="echo begun >> /out/said; sleep 60")
    file.write_text(file.read_text().replace("preStop", "postStart"))
    succeeded("pod", "run", "-d", file)
    pid = the_supervisor(supervised)
    while not (out / "said").exists():
        succeeded("pod", "ls")
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)

    recovered = succeeded("recover")

    assert "postStart" not in recovered
    assert "removed container 'app', which process" in recovered
    assert (out / "said").read_text() == "begun\n"


def test_a_command_that_comes_while_it_ends_is_served_by_the_next(supervised: Home, out: Path) -> None:
    file = a_pod_file(out, "old", hook="echo begun > /out/said; sleep 2")
    succeeded("pod", "run", "-d", file)
    pid = the_supervisor(supervised)
    os.kill(pid, signal.SIGTERM)

    created = succeeded("pod", "run", "-d", a_pod_file(out, "new"))

    assert created == "pod/new created\n"
    assert the_supervisor(supervised) != pid
    assert "old" not in succeeded("pod", "ls")


def test_what_stands_in_its_lock_file_is_its_pid(supervised: Home, out: Path) -> None:
    succeeded("pod", "run", "-d", a_pod_file(out))

    assert (supervised.locks / LOCK).read_text() == str(the_supervisor(supervised))
    assert supervised.socket(SOCKET).stat().st_mode & 0o777 == 0o600
    assert supervised.socket(SOCKET).parent.stat().st_mode & 0o777 == 0o700
