"""A real cluster of one node for these tests, brought up and down by a script of commands.

``BOATHOOK_TESTBED`` names a directory with such a script (``kubernetes``); without it the project's own is used, which
builds Kubernetes 1.20 from Debian's source package. Both know: ``up``, ``down``, ``kubeconfig``, ``kubectl ARGS…``,
``import-image ARCHIVE``, ``archive busybox|agnhost FILE``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.fetching import cache

GIVEN = "BOATHOOK_TESTBED"
KEEP = "BOATHOOK_TESTBED_KEEP"
"""Set it to leave the cluster up after the tests, for a quick next run."""

OWN = Path(__file__).with_name("kubernetes")
SECONDS = 300
"""The first command of all also installs packages."""

BUILD_SECONDS = 1800
"""The first ``up`` of the project's own script builds Kubernetes: about six minutes on two cores."""


LONGEST_SECONDS = BUILD_SECONDS + 1200
"""What the first test of a session may take: the cluster comes up in it, and the last one brings it down."""


class NoTestbed(Exception):
    """No cluster can be had here, and none was promised; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Testbed:
    """The script, and the kubeconfig of the cluster that it runs."""

    __test__ = False

    script: Path

    @property
    def kubeconfig(self) -> Path:
        return Path(self._say("kubeconfig"))

    def kubectl(self, *arguments: str) -> str:
        return self._say("kubectl", *arguments)

    @property
    def restart_kubelet(self) -> str:
        """A command that restarts the node's kubelet."""
        program, pid = Path(__file__).with_name("restart_kubelet.py"), self.kubeconfig.with_name("kubelet.pid")
        return f"{sys.executable} {program} {pid}"

    def archive(self, kind: str, file: Path) -> Path:
        """The image ``busybox`` or ``agnhost`` as a docker-archive."""
        self._say("archive", kind, str(file))
        return file

    def up(self) -> None:
        self._say("up", seconds=SECONDS if self.script != OWN else BUILD_SECONDS)

    def down(self) -> None:
        self._say("down")

    def _say(self, *words: str, seconds: int = SECONDS) -> str:
        command = [str(self.script), *words]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} failed in {self.script}:\n{done.stderr[-4000:]}")
        return done.stdout.strip()


def find() -> Testbed:
    """The testbed that is given, else the project's own. Raises ``NoTestbed`` where neither can be."""
    given = os.environ.get(GIVEN)
    if given:
        script = Path(given) / "kubernetes"
        if not os.access(script, os.X_OK):
            raise RuntimeError(f'{GIVEN} is "{given}", but there is no program "{script}"')
        return Testbed(script=script)
    if os.geteuid() != 0:
        raise NoTestbed(f"a cluster needs root (or {GIVEN}, a directory with a script that brings one up)")
    if not _is_bookworm() or shutil.which("apt-get") is None:
        raise NoTestbed(f"Kubernetes is built from the packages of Debian 12, which this is not: set {GIVEN}")
    return Testbed(script=OWN)


@contextmanager
def running(testbed: Testbed) -> Iterator[None]:
    """The cluster is up, for this process alone, and gone afterwards. Others wait: there is one set of ports."""
    with (cache() / "kubernetes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            testbed.up()
            yield
        finally:
            if not os.environ.get(KEEP):
                testbed.down()


def _is_bookworm() -> bool:
    try:
        return "VERSION_CODENAME=bookworm" in Path("/etc/os-release").read_text(encoding="utf-8").split()
    except OSError:
        return False
