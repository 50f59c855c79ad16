"""Writes a small image as a docker-archive: busybox, agnhost (the stand-in that Boathook carries), or pause.

A program of its own for the Python of the system: usage: image_archive.py busybox|agnhost|pause FILE
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

AGNHOST = Path(__file__).parents[2] / "src" / "boathook" / "images" / "agnhost.sh"

NAMES = {
    "busybox": "docker.io/library/busybox:1.36",
    "agnhost": "registry.k8s.io/e2e-test-images/agnhost:2.53",
    "pause": "boathook.test/pause:1",
}
DEFAULTS = {
    "busybox": {"Cmd": ["sh"]},
    "agnhost": {"Entrypoint": ["/agnhost"], "Cmd": ["pause"]},
    "pause": {"Entrypoint": ["sleep", "2147483647"]},
}
DIRECTORIES = (("bin", 0o755), ("etc", 0o755), ("home", 0o755), ("root", 0o700), ("tmp", 0o1777))
PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
GROUP = "root:x:0:\nnogroup:x:65534:\n"


def add_file(tar: tarfile.TarFile, path: str, data: bytes, mode: int = 0o755) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


def layer(kind: str) -> bytes:
    """A root file system: busybox with a name for each of its programs."""
    busybox = shutil.which("busybox")
    if busybox is None:
        sys.exit("busybox is missing: apt-get install busybox-static")
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, mode in DIRECTORIES:
            entry = tarfile.TarInfo(path)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        add_file(tar, "bin/busybox", Path(busybox).read_bytes())
        for applet in applets:
            if applet != "busybox":
                entry = tarfile.TarInfo(f"bin/{applet}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(entry)
        add_file(tar, "etc/passwd", PASSWD.encode(), 0o644)
        add_file(tar, "etc/group", GROUP.encode(), 0o644)
        if kind == "agnhost":
            add_file(tar, "agnhost", AGNHOST.read_bytes())
    return buffer.getvalue()


def write(kind: str, file: Path) -> None:
    files = layer(kind)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"], **DEFAULTS[kind]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(files).hexdigest()}"]},
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [NAMES[kind]], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(file, "w") as tar:
        for path, data in ((name, config), ("layer.tar", files), ("manifest.json", manifest)):
            add_file(tar, path, data, 0o644)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in NAMES:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(NAMES)} FILE")
    write(sys.argv[1], Path(sys.argv[2]))
