"""The root file system that all contenders share: Debian's static busybox with its links."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bench.docker import install_packages

APPLETS = ("sh", "true", "sleep", "cat", "echo", "kill", "httpd")


def make(directory: Path) -> Path:
    """A root file system of 2 MB below ``directory``."""
    if not shutil.which("busybox"):
        install_packages("busybox-static")
    busybox = shutil.which("busybox")
    assert busybox is not None
    root = directory / "rootfs"
    for name in ("bin", "dev", "proc", "tmp", "etc", "data", "sys", "run"):
        (root / name).mkdir(parents=True)
    shutil.copy(os.path.realpath(busybox), root / "bin/busybox")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    subprocess.run([root / "bin/busybox", "true"], check=True)
    return root
