"""``python -m bench``: measures everything in one run and writes the table into bench/README.md."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import anyio
from tests.peers.compose import compose_program

import boathook
from bench import floor, rootfs
from bench.compose import beside_the_peer
from bench.docker import engine
from bench.measure import Figure, Row, command, in_turn, in_turn_with, ratio, timed, timed_await
from bench.ours import (
    IMAGE,
    SERVE,
    Command,
    Library,
    compose_file,
    many_detached,
    pod_file,
    simulated,
    supervisor_growth,
    verified,
    whole_pod_file,
)

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- table starts -->", "<!-- table ends -->"


def main() -> int:
    if os.geteuid() != 0:
        print("the benchmark needs root: it starts a Docker Engine of its own", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="boathook-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        root = rootfs.make(directory)
        volume = directory / "volume"
        volume.mkdir()
        rows = [
            *anyio.run(against_the_floor, directory, root, volume),
            *whole_processes(directory, root),
            *simulation(directory),
        ]
    for row in rows:
        print(f"{row.what:58} {row.ours:>14} {row.peer:>22} {row.ratio:>6}  {row.target}")
    write(rows)
    return 0


async def against_the_floor(directory: Path, root: Path, volume: Path) -> list[Row]:
    """The library, in an event loop of this process, beside bare bubblewrap and nsenter."""
    rows = []
    one, many = pod_file(directory, 1), pod_file(directory, 200)
    image_map = {IMAGE: f"rootfs:{root}"}
    async with boathook.local(home=directory / "library", image_map=image_map, offline=True) as place:
        ours = Library(place)
        bare: list[floor.BareContainer] = []

        def bare_start() -> None:
            bare.append(floor.BareContainer(root, volume))

        kept: dict[str, list[float]] = {name: [] for name in ("start", "bare start", "stop", "bare stop")}
        for _ in range(21):
            kept["start"].append(await timed_await(ours.start))
            kept["bare start"].append(timed(bare_start))
            kept["stop"].append(await timed_await(ours.stop))
            kept["bare stop"].append(timed(bare.pop().stop))
        figures = {name: Figure(tuple(seconds)) for name, seconds in kept.items()}
        rows.append(_row("start of a container", figures["start"], "bare bwrap", figures["bare start"]))
        await ours.start()
        bare_start()
        execs = await in_turn_with(ours.exec, lambda: bare[0].exec("/bin/sh", "-c", "true"), runs=101, warmups=5)
        rows.append(_row("exec of a hook (`sh -c true`)", execs[0], "nsenter", execs[1], limit=2.0))
        rows.append(_row("stop and removal", figures["stop"], "bare bwrap", figures["bare stop"]))
        await ours.stop()
        bare[0].stop()
        rows.append(await _http_get(ours))
        lives = await in_turn_with(lambda: ours.life(one), lambda: floor.life(root, volume), runs=21)
        allowed = 1.5 * lives[1].median + 0.020
        rows.append(
            Row(
                "pod with postStart and preStop, whole life (library)",
                lives[0].milliseconds,
                f"floor {lives[1].milliseconds}",
                ratio(*lives),
                f"at most 1.5 × floor + 20 ms = {allowed * 1000:.1f} ms",
                lives[0].median <= allowed,
            )
        )
        whole = whole_pod_file(directory)
        both = Figure(tuple([await timed_await(lambda: ours.life(whole)) for _ in range(11)]))
        rows.append(_row("the same with init container, sidecar and probes", both, "plain pod", lives[0]))
        times = sorted([await timed_await(lambda: ours.life(many)) for _ in range(3)])
        rows.append(Row("200 such pods at once, all right", f"{times[1]:.2f} s", "", "", "under 5 s", times[1] < 5))
    return rows


async def _http_get(ours: Library) -> Row:
    """A request into a container's network, beside a client that is started in it."""
    await ours.start(SERVE)
    pid = await ours.pid()
    client = ("nsenter", "-t", str(pid), "-n", "busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/none")

    def ask() -> None:
        # It answers 404, which wget tells with 1: for a hook that is a success.
        subprocess.run(client, check=False, capture_output=True)

    asked = await in_turn_with(ours.http_get, ask, runs=101, warmups=5)
    await ours.stop()
    return _row("an httpGet hook", asked[0], "nsenter wget", asked[1])


def whole_processes(directory: Path, root: Path) -> list[Row]:
    """The command, each time a whole process, beside the docker CLI."""
    home = directory / "command"
    cli = Command(home, root)
    one = str(pod_file(directory, 1))
    rows = []
    with engine(root) as docker:
        lives = in_turn(lambda: cli.run("pod", "run", one, "--for", "0s"), docker.life, runs=9)
        rows.append(_row("`pod run` with two hooks, whole process", lives[0], "Docker", lives[1], limit=0.6))
        projects = beside_the_peer(directory, docker.environment)
    python = str(Path(sys.executable))
    helps = in_turn(lambda: cli.run("--help"), lambda: command(python, "-c", "pass"), runs=15)
    rows.append(_row("`boathook --help`", helps[0], "python -c pass", helps[1], limit=5.0))
    plans = in_turn(lambda: cli.run("plan", one), lambda: command(python, "-c", "pass"), runs=9)
    rows.append(_row("`boathook plan` of one pod", plans[0], "python -c pass", plans[1]))
    file = str(compose_file(directory, 50))
    peer = str(compose_program())
    configs = in_turn(
        lambda: cli.run("compose", "-f", file, "config", "-q"),
        lambda: command(peer, "-f", file, "config", "-q"),
        runs=9,
    )
    allowed = max(2.5 * configs[1].median, 0.2)
    rows.append(
        Row(
            "`compose config` of 50 services",
            configs[0].milliseconds,
            f"Docker Compose {configs[1].milliseconds}",
            ratio(*configs),
            "at most 2.5, or 200 ms",
            configs[0].median <= allowed,
        )
    )
    rows += projects
    grown, running = supervisor_growth(cli, home, directory, 100)
    up, down = many_detached(cli, home, directory, 200)
    rows.append(Row("200 detached pods in one supervisor, until all run", f"{up:.1f} s", "", "", "", None))
    rows.append(Row("`pod delete --all` of them, with their hooks", f"{down:.1f} s", "", "", "", None))
    seconds, longest, passed = verified(cli)
    rows.append(
        Row(
            f"`boathook verify`, {passed} cases passed",
            f"{seconds:.1f} s",
            f"longest case {longest:.1f} s",
            f"{seconds / longest:.2f}",
            "",
            None,
        )
    )
    text = f"{grown:.2f} MiB"
    rows.append(Row(f"supervisor, per detached pod ({running} run)", text, "", "", "at most 2 MB", grown <= 2 / 1.048))
    return rows


def simulation(directory: Path) -> list[Row]:
    """Whole pod lives that run nothing."""
    thousand, _ = simulated(directory, 1000)
    seconds, peak = simulated(directory, 10_000)
    flat = seconds / 10 / thousand
    return [
        Row(
            "10,000 whole pod lives in simulation",
            f"{seconds:.1f} s",
            f"1,000: {thousand:.2f} s",
            f"{flat:.2f}",
            "under 15 s; ratio: time per life to that of 1,000",
            seconds < 15,
        ),
        Row("their peak memory", f"{peak:.0f} MiB", "", "", "under 400 MB", peak < 400 / 1.048),
    ]


def _row(what: str, ours: Figure, name: str, peer: Figure, *, limit: float | None = None) -> Row:
    reached = None if limit is None else ours.median / peer.median <= limit
    target = "" if limit is None else f"at most {limit:g}"
    return Row(what, ours.milliseconds, f"{name} {peer.milliseconds}", ratio(ours, peer), target, reached)


def write(rows: list[Row]) -> None:
    """Replace the table between the marks."""
    lines = ["| what | Boathook | beside it | ratio | to be reached | |", "| --- | ---: | ---: | ---: | --- | --- |"]
    for row in rows:
        reached = "" if row.reached is None else "yes" if row.reached else "**no**"
        lines.append(f"| {row.what} | {row.ours} | {row.peer} | {row.ratio} | {row.target} | {reached} |")
    machine = f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"
    docker = subprocess.run(
        ["/usr/bin/docker", "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()
    lines += ["", f"Measured {datetime.now(UTC):%Y-%m-%d}: {machine}, {docker or 'no Docker'}."]
    text = README.read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    README.write_text(f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{tail}")


if __name__ == "__main__":
    sys.exit(main())
