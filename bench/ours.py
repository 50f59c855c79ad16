"""What is measured of Boathook: the library inside this process, the command as whole processes, simulation."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench.floor import MAIN
from bench.measure import command
from boathook.hooks import ContainerExec
from boathook.hooks.handlers import Held, run_http_get
from boathook.library import Place
from boathook.model import HttpGet, Outcome
from boathook.runtimes.base import (
    ContainerId,
    ContainerSpec,
    ExecSpec,
    Exit,
    NetworkMode,
    PullPolicy,
    SandboxId,
    SandboxSpec,
    stop,
)

IMAGE = "bench"

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 30
  containers:
  - name: app
    image: bench
    command: [/bin/sh, -c, '{main}']
    lifecycle:
      postStart: {{exec: {{command: [/bin/sh, -c, "true"]}}}}
      preStop: {{exec: {{command: [/bin/sh, -c, "true"]}}}}
"""


WHOLE_POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: whole}}
spec:
  terminationGracePeriodSeconds: 30
  initContainers:
  - {{name: prepare, image: bench, command: [/bin/true]}}
  - name: proxy
    image: bench
    restartPolicy: Always
    command: [/bin/sh, -c, '{main}']
    startupProbe: {{exec: {{command: [/bin/true]}}, periodSeconds: 1}}
    lifecycle:
      preStop: {{exec: {{command: [/bin/sh, -c, "true"]}}}}
  containers:
  - name: app
    image: bench
    command: [/bin/sh, -c, '{main}']
    readinessProbe: {{exec: {{command: [/bin/true]}}}}
    livenessProbe: {{exec: {{command: [/bin/true]}}}}
    lifecycle:
      postStart: {{exec: {{command: [/bin/sh, -c, "true"]}}}}
      preStop: {{exec: {{command: [/bin/sh, -c, "true"]}}}}
"""

SERVICE = """\
  s{number}:
    image: busybox:${{TAG:-1}}
    command: sh -c "echo {number}; sleep 1"
    environment: {{A: "{number}", B: "${{HOME}}", C: null}}
    ports: ["{port}:80"]
    volumes: [data:/data, ./x:/x:ro]
    labels: [a=b, c=d]
    healthcheck: {{test: [CMD, x], interval: 10s, retries: 3}}
    post_start: [{{command: echo hi, user: root}}]
    pre_stop: [{{command: [cp, a, b], environment: {{X: y}}}}]
"""


def compose_file(directory: Path, count: int) -> Path:
    """A Compose file with ``count`` services."""
    path = directory / "compose.yaml"
    services = "".join(SERVICE.format(number=number, port=8000 + number) for number in range(count))
    path.write_text(f"services:\n{services}volumes: {{data: {{}}}}\n")
    return path


SERVE = f"httpd -p 8080 -h /tmp; {MAIN}"


def whole_pod_file(directory: Path) -> Path:
    """A pod with an init container, a sidecar, probes of all kinds and hooks."""
    path = directory / "whole.yaml"
    path.write_text(WHOLE_POD.format(main=MAIN))
    return path


def pod_file(directory: Path, count: int) -> Path:
    """A manifest with ``count`` pods, each with both hooks."""
    path = directory / f"pods-{count}.yaml"
    path.write_text("---\n".join(POD.format(name=f"p{number}", main=MAIN) for number in range(count)))
    return path


@dataclass(slots=True)
class Library:
    """An open place, step by step."""

    place: Place
    sandbox: SandboxId | None = None
    container: ContainerId | None = None

    async def life(self, file: Path) -> None:
        """The pods of a file, each with both hooks, from the file to their removal."""
        for run in await self.place.run_pods(file, stop_after=0):
            if not run.succeeded or run.exit_codes.get("app") != 0:
                raise SystemExit(f"a pod of the benchmark went wrong: {run}")

    async def start(self, main: str = MAIN) -> None:
        """A sandbox and a container in it."""
        runtime = self.place.runtime
        self.sandbox = await runtime.create_sandbox(
            SandboxSpec(name="bench", hostname="bench", network=NetworkMode.POD, labels={})
        )
        spec = ContainerSpec(
            name="bench",
            labels={},
            sandbox=self.sandbox,
            image=await runtime.resolve_image(IMAGE, PullPolicy.NEVER),
            command=("/bin/sh", "-c", main),
            environment=(("PATH", "/bin"),),
            working_dir="/",
            user="",
        )
        self.container = await runtime.create(spec)
        await runtime.start(self.container)

    async def exec(self) -> None:
        """One hook's process."""
        assert self.container is not None
        target = ContainerExec(self.place.runtime, self.container)
        execution = await target.exec(ExecSpec(command=("/bin/sh", "-c", "true")), lambda stream, data: None)
        ended: Exit = await execution.wait()
        if not ended.ok:
            raise SystemExit("an exec of the benchmark failed")

    async def http_get(self) -> None:
        """One httpGet hook."""
        assert self.container is not None
        target = ContainerExec(self.place.runtime, self.container)
        handler = HttpGet(scheme="HTTP", host="", port=8080, path="/", headers=())
        ran = await run_http_get(handler, target, Held(label="bench"))
        if ran.outcome is not Outcome.SUCCEEDED:
            raise SystemExit(f"an httpGet of the benchmark failed: {ran.reason}")

    async def pid(self) -> int:
        """Of the container's main process."""
        assert self.container is not None
        pid = (await self.place.runtime.inspect(self.container)).pid
        assert pid is not None
        return pid

    async def stop(self) -> None:
        """SIGTERM, and nothing is left."""
        runtime = self.place.runtime
        assert self.container is not None
        assert self.sandbox is not None
        grace = timedelta(seconds=10)
        await stop(runtime, self.container, signal="SIGTERM", grace=grace, signalled=lambda name, left: None)
        await runtime.remove(self.container)
        await runtime.remove_sandbox(self.sandbox)


class Command:
    """The command line, each time a whole process, with a state directory of its own."""

    def __init__(self, home: Path, rootfs: Path) -> None:
        self.environment = os.environ | {
            "BOATHOOK_HOME": str(home),
            "BOATHOOK_IMAGE_MAP": f"{IMAGE}=rootfs:{rootfs}",
        }
        # A developer's setting, under which every command would compile all that it imports: no user has it.
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._binary = str(Path(sys.executable).parent / "boathook")

    def run(self, *argv: str) -> None:
        command(self._binary, *argv, env=self.environment)

    def output(self, *argv: str) -> str:
        return subprocess.run(
            [self._binary, *argv], env=self.environment, check=True, capture_output=True, text=True
        ).stdout


def supervisor_growth(cli: Command, home: Path, directory: Path, count: int) -> tuple[float, int]:
    """MiB per detached pod that the supervisor grows by, and how many of the pods run."""
    cli.run("pod", "run", "-d", str(pod_file(directory, 1)))
    pid = int((home / "locks/supervisor.lock").read_text())
    before = resident(pid)
    more = directory / "more.yaml"
    more.write_text("---\n".join(POD.format(name=f"m{number}", main=MAIN) for number in range(count)))
    cli.run("pod", "run", "-d", str(more))
    until_running(cli, count + 1)
    grown = resident(pid) - before
    running = cli.output("pod", "list").count(" Running ")
    os.kill(pid, signal.SIGTERM)
    while _lives(pid):
        time.sleep(0.1)
    return grown / count / 1024, running


def many_detached(cli: Command, home: Path, directory: Path, count: int) -> tuple[float, float]:
    """Seconds until ``count`` detached pods run in one supervisor, and until all of them are stopped and gone."""
    file = pod_file(directory, count)
    began = time.perf_counter()
    cli.run("pod", "run", "-d", str(file))
    until_running(cli, count)
    up = time.perf_counter()
    cli.run("pod", "delete", "--all")
    down = time.perf_counter()
    pid = int((home / "locks/supervisor.lock").read_text())
    os.kill(pid, signal.SIGTERM)
    while _lives(pid):
        time.sleep(0.1)
    return up - began, down - up


def verified(cli: Command) -> tuple[float, float, int]:
    """Seconds of the whole conformance suite in the embedded runtime, of its longest case, and how many passed."""
    began = time.perf_counter()
    cases = json.loads(cli.output("verify", "--parallel", "8", "--offline", "-o", "json"))
    seconds = time.perf_counter() - began
    passed = sum(one["status"] == "passed" for one in cases)
    return seconds, max(one["seconds"] for one in cases), passed


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until_running(cli: Command, count: int) -> None:
    for _ in range(100):
        if cli.output("pod", "list").count(" Running ") == count:
            return
        time.sleep(0.2)


def resident(pid: int) -> float:
    """KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise SystemExit(f"process {pid} has ended")


SIMULATE = """\
import resource, sys, time
from boathook.pods import parse_pods
from boathook.pods.run import simulate_pod
from boathook.runtimes.assumptions import Assumptions
text = open(sys.argv[1]).read()
count, began, lives = int(sys.argv[2]), time.perf_counter(), 0
pod_file = parse_pods(text, "p.yaml")
size = len(pod_file.pods)
while lives < count:
    stamped = simulate_pod(pod_file, Assumptions())
    lives += size
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def simulated(directory: Path, count: int) -> tuple[float, float]:
    """Seconds and peak MiB of ``count`` whole pod lives in simulation, a thousand at a time."""
    file = pod_file(directory, min(count, 1000))
    ended = subprocess.run(
        [sys.executable, "-c", SIMULATE, str(file), str(count)], check=True, capture_output=True, text=True
    )
    seconds, peak = ended.stdout.split()
    return float(seconds), float(peak)
