"""Podman's service of the tests' own, with its own storage, network and socket."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.peers.docker import IMAGE, TestEngine, a_bridge, skip, unmount_below, wait_until_up
from tests.runtimes.build import processes_below

_CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[network]
network_backend = "cni"
network_config_dir = "{state}/net"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
exit_command_delay = 5
"""
"""Limits and runtime are such that no capability is needed that a container as a machine does not have."""


def refusal() -> str | None:
    """Why Podman's service cannot be started here; None when it can."""
    if os.geteuid() != 0:
        return "Podman's service is started by root only: networks of others differ"
    missing = [name for name in ("podman", "docker", "ip", "busybox") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} is missing: apt-get install podman containernetworking-plugins docker.io"
    return None


@contextmanager
def a_podman_engine() -> Iterator[TestEngine]:
    """A running service that has ``IMAGE``; the test is skipped with the reason where none can be started."""
    if why := refusal():
        skip(why)
    with (
        tempfile.TemporaryDirectory(prefix="boathook-podman-", ignore_cleanup_errors=True) as directory,
        a_bridge() as (bridge, network),
    ):
        state = Path(directory)
        engine = TestEngine(state, 0)
        _configure(state, bridge, network)
        command = [
            "podman", "--root", f"{state}/root", "--runroot", f"{state}/run", "--tmpdir", f"{state}/tmp",
            "system", "service", "--time", "0", engine.address,
        ]  # fmt: skip
        environment = os.environ | {"CONTAINERS_CONF": f"{state}/containers.conf"}
        with engine.log.open("w") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as service:
            try:
                wait_until_up(state / "sock", service, engine.log)
                # Its import takes no tag.
                name = IMAGE.rpartition(":")[0]
                engine.import_image(name)
                engine.docker("tag", name, IMAGE)
                yield engine
            finally:
                service.terminate()
                service.wait(timeout=60)
                # Each exec leaves a monitor behind for a while.
                for pid in processes_below(state):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                unmount_below(state)


def _configure(state: Path, bridge: str, network: str) -> None:
    (state / "containers.conf").write_text(_CONFIGURATION.format(state=state))
    (state / "net").mkdir()
    plugin = {
        "type": "bridge",
        "bridge": bridge,
        "isGateway": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": network}]], "dataDir": f"{state}/addresses"},
    }
    plugins = {"cniVersion": "0.4.0", "name": "podman", "plugins": [plugin]}
    (state / "net/podman.conflist").write_text(json.dumps(plugins))
