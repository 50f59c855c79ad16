"""Root needs no user namespace: its containers work where these are switched off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.runtime, pytest.mark.root, pytest.mark.slow]

# The switch is set for a user namespace of the test's own, so that the machine's stays as it is.
PROGRAM = """
import os, sys
from boathook.runtimes.spawner import syscalls
syscalls.unshare(syscalls.NEWUSER | syscalls.NEWNS)
print("unshared", flush=True)
sys.stdin.readline()
os.setresgid(0, 0, 0)
os.setresuid(0, 0, 0)
open("/proc/sys/user/max_user_namespaces", "w").write("0")
os.execv(sys.executable, [sys.executable, "-m", "pytest", *sys.argv[1:]])
"""


@pytest.mark.timeout(300)
def test_containers_of_root_work_with_user_namespaces_switched_off(tmp_path: Path) -> None:
    tests = Path(__file__).with_name("test_bubblewrap.py")
    root = tests.parent.parent.parent
    arguments = ["-q", "-p", "no:cacheprovider", "--rootdir", str(root), f"--basetemp={tmp_path}/tests", str(tests)]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "unshared\n"
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{process.pid}/{name}").write_text("0 0 65536")
        said, _ = process.communicate("\n", timeout=250)

    assert process.returncode == 0, said
