"""Projects of 1, 10 and 50 services with hooks, up and down, beside the real Docker Compose on the same engine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.peers.compose import compose_program

from bench.docker import IMAGE
from bench.floor import MAIN
from bench.measure import Figure, Row, ratio

SIZES = {1: 9, 10: 5, 50: 3}
"""How many services, and how many runs of each."""

CHAIN, HOOK_SECONDS, CHAIN_RUNS = 5, 0.5, 3
"""Services that each depend on the one before, and what each of their hooks takes."""

SERVICE = """\
  s{number}:
    image: {image}
    command: [/bin/sh, -c, '{main}']
    stop_grace_period: 5s
{depends_on}
    post_start: [{{command: [/bin/sh, -c, "{hook}"]}}]
    pre_stop: [{{command: [/bin/sh, -c, "{hook}"]}}]
"""


@dataclass(frozen=True, slots=True)
class Client:
    """A whole process of one of the two tools, and what it needed."""

    seconds: float
    processor: float
    """Seconds of user and system time."""
    mebibytes: float
    """The most that was in memory at once."""


@dataclass(frozen=True, slots=True)
class Contender:
    """How one of the two is called."""

    command: tuple[str, ...]
    environment: Mapping[str, str]

    def run(self, file: Path, *arguments: str) -> Client:
        """Its failure ends the benchmark with what it printed."""
        began = time.perf_counter()
        process = subprocess.Popen(
            [*self.command, "-f", str(file), *arguments],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(self.command)} {' '.join(arguments)}:\n{said.decode()}")
        return Client(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def contenders(engine: Mapping[str, str], home: Path) -> tuple[Contender, Contender]:
    """Ours and the peer."""
    boathook = str(Path(sys.executable).parent / "boathook")
    environment = {**engine, "BOATHOOK_HOME": str(home), "BOATHOOK_ON": "docker"}
    # A developer's setting, under which every command would compile all that it imports: no user has it.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return Contender((boathook, "compose"), environment), Contender((str(compose_program()),), dict(engine))


def project(directory: Path, count: int, *, chain: bool = False) -> Path:
    """A project of ``count`` services, with one hook at each end of their lives."""
    name = f"{'chain' if chain else 'beside'}{count}"
    path = directory / f"{name}.yaml"
    hook = f"sleep {HOOK_SECONDS}" if chain else "true"
    services = "".join(
        SERVICE.format(
            number=number,
            image=IMAGE,
            main=MAIN.replace("$", "$$").replace("'", "''"),
            hook=hook,
            depends_on=f"    depends_on: [s{number - 1}]" if chain and number else "",
        )
        for number in range(count)
    )
    path.write_text(f"name: {name}\nservices:\n{services}")
    return path


def beside_the_peer(directory: Path, engine: Mapping[str, str]) -> list[Row]:
    """Up and down of each size, in turn; then a chain, whose length in time is known."""
    both = contenders(engine, directory / "compose-home")
    rows = []
    for count, runs in SIZES.items():
        ups, downs = _in_turn(project(directory, count), both, runs=runs)
        what = f"of {count} service{'s' if count > 1 else ''} with hooks"
        rows += _rows(f"`compose up -d` {what}", ups)
        rows += _rows(f"`compose down` {what}", downs)
    ups, downs = _in_turn(project(directory, CHAIN, chain=True), both, runs=CHAIN_RUNS)
    path = CHAIN * HOOK_SECONDS
    for word, lives in (("up -d", ups), ("down", downs)):
        mine, peer = (_median(lives[one], lambda client: client.seconds) / path for one in (0, 1))
        rows.append(
            Row(
                f"`compose {word}` of a chain of {CHAIN}, over its hooks' {path:g} s",
                f"{mine:.2f}",
                f"Docker Compose {peer:.2f}",
                f"{mine / peer:.2f}",
                "at most 1",
                mine <= peer,
            )
        )
    return rows


Lives = tuple[list[Client], list[Client]]


def _in_turn(file: Path, both: tuple[Contender, Contender], *, runs: int) -> tuple[Lives, Lives]:
    """Ours, the peer's, ours …: all ups and all downs, after one round that does not count."""
    ups: Lives = ([], [])
    downs: Lives = ([], [])
    for run in range(-1, runs):
        for number, contender in enumerate(both):
            up, down = contender.run(file, "up", "-d"), contender.run(file, "down")
            if run >= 0:
                ups[number].append(up)
                downs[number].append(down)
    return ups, downs


def _median(clients: list[Client], value: Callable[[Client], float]) -> float:
    return Figure(tuple(value(one) for one in clients)).median


def _rows(what: str, lives: Lives) -> list[Row]:
    """Its time, to be that of the peer at most; its client's needs beside it."""
    wall, processor = (
        tuple(Figure(tuple(value(one) for one in clients)) for clients in lives)
        for value in (lambda one: one.seconds, lambda one: one.processor)
    )
    mine, peer = (_median(clients, lambda one: one.mebibytes) for clients in lives)
    return [
        Row(
            what,
            wall[0].milliseconds,
            f"Docker Compose {wall[1].milliseconds}",
            ratio(*wall),
            "at most 1",
            wall[0].median <= wall[1].median,
        ),
        Row(
            "– processor time of the client",
            processor[0].milliseconds,
            processor[1].milliseconds,
            ratio(*processor),
            "",
            None,
        ),
        Row("– its memory at most", f"{mine:.0f} MiB", f"{peer:.0f} MiB", f"{mine / peer:.2f}", "", None),
    ]
