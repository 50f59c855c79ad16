"""Commands that look at a project, enter its containers and copy: by the real Docker Compose and by ours, the same."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers.compose import compose_program
from tests.peers.docker import IMAGE, TestEngine

pytestmark = [pytest.mark.peer, pytest.mark.root, pytest.mark.slow]

PROJECT = f"""
name: looked-at
services:
  app:
    image: {IMAGE}
    command: [sh, -c, "trap 'exit 0' TERM; echo out; echo err >&2; while :; do sleep 1000 & wait; done"]
    ports: ["127.0.0.1::80", "53/udp"]
    expose: [81, 82]
    volumes: [data:/data]
    healthcheck: {{test: "true", interval: 1s, start_period: 10s}}
  job: {{image: {IMAGE}, command: [sh, -c, "echo job; exit 3"]}}
  two: {{image: {IMAGE}, command: [sleep, "1000"], deploy: {{replicas: 2}}}}
  orphan: {{image: {IMAGE}, command: [sleep, "1000"]}}
volumes: {{data: {{}}}}
"""
SECONDS = 60

_AGES = re.compile(r"(?:\d+ (?:second|minute)s?|Less than a second|About a minute|1 second)")
_FRACTIONS = re.compile(r"(\.\d{6})\d{3}Z")
_HEALTH = re.compile(r"\((?:health: starting|healthy)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A project that the peer has brought up."""

    directory: Path
    engine: TestEngine
    home: Path

    def peer(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return self._run(str(compose_program()), *arguments, stdin=stdin)

    def ours(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return self._run(str(Path(sys.executable).parent / "boathook"), "compose", *arguments, stdin=stdin)

    def both(self, *arguments: str) -> tuple[subprocess.CompletedProcess[bytes], subprocess.CompletedProcess[bytes]]:
        """Side by side, so that as little time as can be lies between them."""
        with ThreadPoolExecutor(2) as pool:
            theirs, mine = pool.submit(self.peer, *arguments), pool.submit(self.ours, *arguments)
            return theirs.result(), mine.result()

    def _run(self, *command: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "DOCKER_HOST": self.engine.address,
            "BOATHOOK_HOME": str(self.home),
            "BOATHOOK_ON": "docker",
        }
        return subprocess.run(
            command, cwd=self.directory, env=environment, input=stdin, capture_output=True, check=False, timeout=SECONDS
        )


@pytest.fixture(scope="module")
def site(started_engine: TestEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("looked-at")
    file = directory / "compose.yaml"
    file.write_text(PROJECT)
    site = Site(directory=directory, engine=started_engine, home=tmp_path_factory.mktemp("home"))
    assert site.peer("up", "-d").returncode == 0
    # What the file does not have any more is an orphan.
    file.write_text("\n".join(line for line in PROJECT.splitlines() if "orphan" not in line))
    started_engine.docker(
        "exec", "looked-at-app-1", "sh", "-c", "mkdir -p /t/d; echo x > /t/d/x; ln -s d /t/l; echo f > /t/f"
    )
    try:
        yield site
    finally:
        site.peer("down", "-v", "-t", "0", "--remove-orphans")


def told(output: bytes) -> list[str]:
    """Without how long ago, what an error begins with, and widths, which ages decide."""
    text = output.decode().replace("error: ", "")
    text = _FRACTIONS.sub(r"\g<1>000Z", _HEALTH.sub("(health)", _AGES.sub("AGE", text)))
    lines = [re.sub(r" {2,}", "  ", line) for line in text.splitlines()]
    return [line for line in lines if not line.startswith("hint: ")]


@pytest.mark.parametrize(
    "command",
    [
        "ps",
        "ps -a",
        "ps -q",
        "ps -aq two",
        "ps --services",
        "ps --services --status exited",
        "ps --status paused",
        "ps --filter status=running two",
        "ps --orphans=false",
        "ps --no-trunc",
        "ps --format {{.Name}}:{{.State}}:{{json_.Publishers}}",
        "ps --format table_{{.Service}}\\t{{.Name}}\\t{{.Ports}}",
        "ps zzz",
        "ps --filter a=b",
        "ps --filter a",
        "-p looked-at ps",
        "-p nothing ps",
        "ls",
        "ls -a",
        "ls -q",
        "ls -a --format json",
        "ls --filter name=looked",
        "ls --filter name=other",
        "ls --format yaml",
        "images",
        "images -q",
        "images app",
        "port app 80",
        "port --protocol udp app 53",
        "port two 1",
        "port app x",
        "port app 70000",
        "port --index 2 two 80",
        "port --index 9 two 80",
        "port zzz 80",
        "top two",
        "top job",
        "volumes",
        "volumes -q",
        "volumes zzz",
        "logs app",
        "logs job",
        "logs -n 1 job",
        "logs -n 0 app job",
        "logs --no-log-prefix job",
        "logs -t job",
        "logs --since 10m job",
        "logs --since 2013-01-02T13:23:37Z --until 2013-01-03 job",
        "logs --index 1 two",
        "logs --index 1",
        "logs zzz",
        "logs --since 1x",
        "events --since 1x",
        "port app",
        "logs --index 7 two",
        "version --short",
    ],
)
@pytest.mark.behaviour("compose:52")
def test_a_command_that_looks_tells_what_the_peer_tells(site: Site, command: str) -> None:
    theirs, mine = site.both(*(word.replace("_", " ") for word in command.split()))

    assert (mine.returncode, told(mine.stdout)) == (theirs.returncode, told(theirs.stdout))
    assert told(mine.stderr) == told(theirs.stderr)


def test_containers_in_json_are_the_same_objects(site: Site) -> None:
    theirs, mine = site.both("ps", "-a", "--format", "json")

    def objects(output: bytes) -> list[dict[str, object]]:
        found = [json.loads(_AGES.sub("AGE", _HEALTH.sub("(health)", line))) for line in output.decode().splitlines()]
        return [one | {"Labels": sorted(str(one["Labels"]).split(",")), "Health": bool(one["Health"])} for one in found]

    assert objects(mine.stdout) == objects(theirs.stdout)


def test_volumes_in_json_are_the_same_objects(site: Site) -> None:
    theirs, mine = (json.loads(one.stdout) for one in site.both("volumes", "--format", "json"))

    assert mine | {"Labels": ""} == theirs | {"Labels": ""}
    assert sorted(mine["Labels"].split(",")) == sorted(theirs["Labels"].split(","))


def test_images_in_json_are_the_same_objects(site: Site) -> None:
    theirs, mine = site.both("images", "--format", "json")

    def objects(output: bytes) -> list[dict[str, object]]:
        found = json.loads(_FRACTIONS.sub(r"\g<1>Z", output.decode()))
        return sorted(found, key=lambda one: str(one["ContainerName"]))

    assert objects(mine.stdout) == objects(theirs.stdout)


@pytest.mark.parametrize(
    "command",
    [
        ("app", "sh", "-c", "echo out; echo err >&2; exit 4"),
        ("-T", "app", "cat"),
        ("-e", "A=1", "-e", "HOME", "-u", "65534", "-w", "/tmp", "app", "sh", "-c", "echo $A $HOME; id -u; pwd"),
        ("--index", "2", "two", "hostname"),
        ("-d", "app", "touch", "/t/detached"),
        ("job", "true"),
        ("zzz", "true"),
        ("app",),
        ("--index", "3", "two", "true"),
        ("-w", "/nowhere", "app", "true"),
        ("app", "no-such-program"),
    ],
)
@pytest.mark.behaviour("compose:57")
def test_a_program_in_a_container_is_run_as_by_the_peer(site: Site, command: tuple[str, ...]) -> None:
    theirs, mine = (run("exec", *command, stdin=b"from here\n") for run in (site.peer, site.ours))

    assert mine.returncode == theirs.returncode
    # Why a program cannot be started is no output of its own: ours says it on stderr.
    assert told(mine.stdout) + told(mine.stderr) == told(theirs.stdout) + told(theirs.stderr)


@pytest.mark.parametrize(
    "command",
    [
        "app:/t/f F",
        "app:/t/f .",
        "app:/t/d D",
        "app:/t/d .",
        "app:/t/d/. there",
        "app:/t/l L",
        "-L app:/t/l L",
        "app:/t/f there/",
        "app:/t/f nothere/x",
        "app:/t/d existing",
        "app:/nope x",
        "zzz:/x y",
        "app:/a two:/b",
        "a b",
        "--index 4 app:/t/f x",
    ],
)
def test_what_is_copied_out_lies_where_the_peer_puts_it(site: Site, command: str) -> None:
    def copied(tool: str) -> tuple[int, list[str], list[str]]:
        place = site.directory / "out"
        (place / "there").mkdir(parents=True)
        (place / "existing").write_text("")
        *flags, source, target = command.split()
        run = site.peer if tool == "peer" else site.ours
        done = run("cp", *flags, source, f"{place}/{target}" if target not in ("two:/b", "b") else target)
        found = sorted(f"{path.relative_to(place)} {path.lstat().st_mode:o}" for path in place.rglob("*"))
        subprocess.run(["rm", "-rf", str(place)], check=True)
        errors = [line for line in told(done.stderr) if " Cop" not in line and "level=error" not in line]
        return done.returncode, found, [line.replace("Error response from daemon: ", "") for line in errors]

    assert copied("ours") == copied("peer")


@pytest.mark.parametrize(
    "command",
    [
        "f app:/in/F",
        "f app:/in",
        "d app:/in",
        "d app:/in/new",
        "d/. app:/in",
        "l app:/in/L",
        "-L l app:/in/L",
        "f app:/in/no/x",
        "d app:/in/file",
        "-a f app:/in/F",
        "nope app:/in",
        "f two:/tmp/x",
        "f app:/in/new/",
    ],
)
def test_what_is_copied_in_lies_where_the_peer_puts_it(site: Site, command: str) -> None:
    source = site.directory / "in"
    (source / "d/sub").mkdir(parents=True, exist_ok=True)
    (source / "d/sub/x").write_text("x")
    (source / "f").write_text("f")
    (source / "f").chmod(0o741)
    if not (source / "l").is_symlink():
        (source / "l").symlink_to("f")

    def copied(tool: str) -> tuple[int, list[str], list[str]]:
        site.engine.docker("exec", "looked-at-app-1", "sh", "-c", "rm -rf /in; mkdir /in; touch /in/file")
        *flags, what, target = command.split()
        run = site.peer if tool == "peer" else site.ours
        done = run("cp", *flags, str(source / what) + ("/." if what.endswith("/.") else ""), target)
        found = site.engine.docker("exec", "looked-at-app-1", "sh", "-c", "cd /in; find . -exec ls -ldn {} +")
        lines = [
            re.sub(r"\S+ \S+ +\d+ (\S+ \d+ \S+) ", "", line) for line in found.splitlines() if line.startswith("-")
        ]
        shown = sorted(line.split()[0] + " " + " ".join(line.split()[2:4]) + " " + line.split()[-1] for line in lines)
        errors = [line for line in told(done.stderr) if " Cop" not in line and "level=error" not in line]
        return done.returncode, shown, [line.replace("Error response from daemon: ", "") for line in errors]

    assert copied("ours") == copied("peer")


def test_an_archive_goes_in_and_comes_out_as_a_stream(site: Site) -> None:
    archive = site.ours("cp", "app:/t/d", "-").stdout

    assert archive == site.peer("cp", "app:/t/d", "-").stdout
    assert site.ours("cp", "-", "app:/tmp", stdin=archive).returncode == 0
    assert site.engine.docker("exec", "looked-at-app-1", "cat", "/tmp/d/x") == "x\n"


def test_events_are_told_in_the_same_words(site: Site) -> None:
    begin = site.engine.docker("info", "--format", "{{.SystemTime}}").strip()
    site.engine.docker("pause", "looked-at-two-1")
    site.engine.docker("unpause", "looked-at-two-1")
    site.engine.docker("exec", "looked-at-two-1", "true")
    end = site.engine.docker("info", "--format", "{{.SystemTime}}").strip()

    theirs, mine = site.both("events", "--json", "--since", begin, "--until", end)

    def events(output: bytes) -> list[object]:
        found = [json.loads(line) for line in output.decode().splitlines()]
        return [one | {"time": one["time"][:23]} for one in found if "health" not in one["action"]]

    wanted = [one for one in events(theirs.stdout) if isinstance(one, dict) and one["service"] == "two"]
    assert [one for one in events(mine.stdout) if isinstance(one, dict) and one["service"] == "two"] == wanted
    assert [one["action"] for one in wanted][:2] == ["pause", "unpause"]


def in_a_terminal(site: Site, command: list[str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Exit code and all that a terminal of 33 lines of 77 characters shows; answers are typed when their cues come."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(site.directory),
        "TERM": "xterm",
        "DOCKER_HOST": site.engine.address,
        "BOATHOOK_HOME": str(site.home),
        "BOATHOOK_ON": "docker",
    }
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(site.directory)
        os.execvpe(command[0], command, environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    shown = b""
    while select.select([terminal], [], [], SECONDS)[0]:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # Nobody has the other end any more.
            break
        shown += chunk
        if answers and answers[0][0].encode() in shown:
            os.write(terminal, answers.pop(0)[1].encode())
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_a_program_has_this_terminal_and_its_size_and_gets_ctrl_c(site: Site) -> None:
    script = "trap 'echo caught; exit 5' INT; echo ready; while :; do stty size; sleep 0.1; done"
    tools = [[str(compose_program())], [str(Path(sys.executable).parent / "boathook"), "compose"]]

    theirs, mine = (
        in_a_terminal(site, [*tool, "exec", "app", "sh", "-c", script], [("33 77", "\x03")]) for tool in tools
    )

    assert mine[0] == theirs[0] == 5
    for _, shown in (theirs, mine):
        assert shown.startswith("ready\r\n")
        assert shown.endswith("caught\r\n")


def test_a_terminal_for_the_output_needs_one_for_the_input(site: Site) -> None:
    inner = "exec app cat < /dev/null"
    tools = [str(compose_program()), f"{Path(sys.executable).parent}/boathook compose"]

    theirs, mine = (in_a_terminal(site, ["sh", "-c", f"{tool} {inner}"], []) for tool in tools)

    assert mine[0] == theirs[0] == 1
    for _, shown in (theirs, mine):
        assert "the input device is not a TTY" in shown
