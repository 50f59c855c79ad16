from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from importlib import resources
from pathlib import Path

import pytest

from boathook.home import Home
from boathook.images.standins import explain_exit, stand_in, stand_in_name
from boathook.images.users import lookup_user

AGNHOST = "registry.example/e2e-test-images/agnhost:2.53"


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        (AGNHOST, "agnhost"),
        ("alpine:3.3", "alpine"),
        ("busybox", "busybox"),
        ("docker.io/library/busybox:1.36", "busybox"),
        ("nginx", None),
        ("busybox-extra", None),
        ("NO", None),
    ],
)
def test_stand_ins_are_known_by_the_name_of_the_repository(reference: str, name: str | None) -> None:
    assert stand_in_name(reference) == name


def test_a_stand_in_says_what_it_is_and_is_made_once(home: Home) -> None:
    image = stand_in(home, AGNHOST)

    assert image is not None
    assert (image.reference, image.origin, image.stand_in, image.host_system) == (AGNHOST, "stand-in", True, True)
    assert (image.config.entrypoint, image.config.command) == (("/agnhost",), ("pause",))
    assert image == stand_in(home, AGNHOST)
    assert os.access(image.layers[1] / "agnhost", os.X_OK)
    assert sorted(entry for entry in os.listdir(home.images / "stand-in") if entry.startswith("new-")) == []


def test_the_skeleton_has_what_the_hosts_layout_needs(home: Home) -> None:
    image = stand_in(home, "busybox")

    assert image is not None
    (root,) = image.layers
    for name in ("bin", "sbin", "lib", "lib64"):
        host = Path("/", name)
        assert (root / name).is_symlink() == host.is_symlink()
        assert os.path.lexists(root / name) == os.path.lexists(host)
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert root.stat().st_mode & 0o777 == 0o755
    assert lookup_user(image, "nobody") == (65534, 65534)
    assert lookup_user(image, "1000") == (1000, 0)


def test_an_exit_code_that_is_an_answer_to_a_signal_is_explained() -> None:
    pause = ("/agnhost", "pause")
    assert explain_exit(AGNHOST, pause, 2, "SIGTERM") == "pause answers SIGTERM with 2"
    assert explain_exit(AGNHOST, pause, 1, "SIGINT") == "pause answers SIGINT with 1"
    assert explain_exit(AGNHOST, pause, 2, None) is None
    assert explain_exit(AGNHOST, pause, 137, "SIGTERM") is None
    assert explain_exit(AGNHOST, ("/agnhost", "porter"), 2, "SIGTERM") is None
    assert explain_exit("busybox", pause, 2, "SIGTERM") is None


def agnhost(*arguments: str) -> subprocess.Popen[str]:
    with resources.as_file(resources.files("boathook.images") / "agnhost.sh") as script:
        return subprocess.Popen(
            ["/bin/sh", str(script), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_default_interrupt,
        )


def _default_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 2), (signal.SIGINT, 1)])
def test_pause_answers_signals_at_once_and_leaves_no_child(sent: signal.Signals, code: int) -> None:
    with agnhost("pause") as process:
        assert process.stdout is not None
        assert [process.stdout.readline(), process.stdout.readline()] == ["Paused\n", "Signals registered\n"]
        process.send_signal(sent)
        output, errors = process.communicate(timeout=2)

    named = {signal.SIGTERM: "terminated", signal.SIGINT: "interrupt"}[sent]
    assert (process.returncode, output, errors) == (code, f'exiting because of signal "{named}"\n', "")
    deadline = time.monotonic() + 2
    while (left := living_in_session(process.pid)) and time.monotonic() < deadline:
        os.sched_yield()
    assert left == []


def living_in_session(session: int) -> list[str]:
    living = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, its_session = status.read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                living.append(status.parent.name)
    return living


def test_the_entrypoint_tester_prints_its_arguments() -> None:
    with agnhost("entrypoint-tester", "a", "b c") as process:
        output, _ = process.communicate(timeout=5)

    assert process.returncode == 0
    assert output.endswith("entrypoint-tester a b c]\n")


@pytest.mark.parametrize("arguments", [("grpc-health-checking", "--port", "5000"), ()])
def test_what_the_stand_in_does_not_provide_is_refused_by_name(arguments: tuple[str, ...]) -> None:
    with agnhost(*arguments) as process:
        _, errors = process.communicate(timeout=5)

    assert process.returncode == 64
    assert "this stand-in" in errors
    assert not arguments or '"grpc-health-checking" is not provided' in errors
