"""Layers and archives of images, made in memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import stat
import tarfile
from pathlib import Path
from typing import Any


def entry(
    name: str,
    text: str | None = None,
    *,
    link: str | None = None,
    hard: str | None = None,
    mode: int = 0o644,
    uid: int = 0,
    kind: bytes | None = None,
) -> tuple[tarfile.TarInfo, bytes]:
    """One entry of a layer: a directory where neither text nor link is given."""
    member = tarfile.TarInfo(name)
    member.mode, member.uid, member.mtime = mode, uid, 1000
    content = (text or "").encode()
    if link is not None:
        member.type, member.linkname = tarfile.SYMTYPE, link
    elif hard is not None:
        member.type, member.linkname = tarfile.LNKTYPE, hard
    elif text is None:
        member.type, member.mode = tarfile.DIRTYPE, mode | 0o111
    else:
        member.size = len(content)
    if kind is not None:
        member.type = kind
    return member, content


def layer(*entries: tuple[tarfile.TarInfo, bytes], compressed: bool = False) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if compressed else "w") as archive:
        for member, content in entries:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def docker_archive(
    path: Path, *layers: bytes, tags: tuple[str, ...] = ("app:1",), config: dict[str, Any] | None = None
) -> Path:
    """What ``docker save`` writes, of one image."""
    return docker_archive_of(path, [(tags, config or {}, layers)])


def docker_archive_of(path: Path, images: list[tuple[tuple[str, ...], dict[str, Any], tuple[bytes, ...]]]) -> Path:
    files: dict[str, bytes] = {}
    manifest = []
    for tags, config, layers in images:
        names = []
        for content in layers:
            name = f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"
            files[name] = content
            names.append(name)
        described = configuration(layers, config)
        config_name = f"{hashlib.sha256(described).hexdigest()}.json"
        files[config_name] = described
        manifest.append({"Config": config_name, "RepoTags": list(tags) or None, "Layers": names})
    files["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def configuration(layers: tuple[bytes, ...], config: dict[str, Any], architecture: str = "amd64") -> bytes:
    diff_ids = [f"sha256:{hashlib.sha256(plain(content)).hexdigest()}" for content in layers]
    return json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    ).encode()


def plain(content: bytes) -> bytes:
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def laid(layers: tuple[Path, ...]) -> dict[str, str]:
    """What layers show when they are laid over each other, as ``tree`` has it. Whiteouts are obeyed."""
    found: dict[str, str] = {}
    for layer in layers:
        for path in sorted(layer.rglob("*")):
            name = str(path.relative_to(layer))
            status = path.lstat()
            is_directory = stat.S_ISDIR(status.st_mode)
            if not (is_directory and found.get(name) == "/"):
                for gone in [each for each in found if each == name or each.startswith(f"{name}/")]:
                    del found[gone]
            if not stat.S_ISCHR(status.st_mode):
                found[name] = (
                    f"-> {path.readlink()}" if path.is_symlink() else "/" if is_directory else path.read_text()
                )
    return dict(sorted(found.items()))


def tree(root: Path) -> dict[str, str]:
    """Everything below ``root``: ``/`` for directories, ``-> target`` for links, else the text."""
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            found[name] = "/"
        elif path.is_file():
            found[name] = path.read_text()
    return found
