"""A container's root file system: its directories on the machine, and how bubblewrap is told to show them."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from boathook.errors import CouldNotStart
from boathook.images.tree import OutsideRoot, find, within
from boathook.runtimes.base import ContainerSpec, Image, Mount, Tmpfs
from boathook.runtimes.trees import delete_tree

_HOST_SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
    "/etc/alternatives", "/etc/ld.so.cache",
)  # fmt: skip
"""What programs of the host need to run: shown read-only in roots that are made from it."""

_OWN_DEVICES = frozenset({"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm", "fd"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RootLayout:
    """Where a container's files are kept below its own directory."""

    directory: Path

    @property
    def upper(self) -> Path:
        """What it writes, where its root is an overlay."""
        return self.directory / "upper"

    @property
    def work(self) -> Path:
        return self.directory / "work"

    @property
    def copy(self) -> Path:
        """Its whole root, where overlays cannot be had."""
        return self.directory / "root"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def termination_log(self) -> Path:
        return self.directory / "termination-log"

    def make(self, image: Image, *, overlay: bool) -> None:
        """Make the directories; without overlays this copies the image."""
        for path in (self.upper, self.work) if overlay else (self.copy,):
            os.mkdir(path)
            os.chmod(path, 0o755)
        if not overlay:
            for layer in image.layers:
                copy_layer(layer, self.copy)

    def writable(self, *, overlay: bool) -> Path:
        return self.upper if overlay else self.copy


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that decides how bubblewrap is called for one container."""

    spec: ContainerSpec
    layout: RootLayout
    generated: Path
    """The sandbox's directory with ``hosts``, ``hostname`` and ``resolv.conf``."""
    overlay: bool
    user_namespace: bool
    host_devices: bool


def arguments(view: View) -> list[str]:
    """The mount namespace as bubblewrap's arguments, in the order in which it works them off."""
    roots = (*view.spec.image.layers, view.layout.writable(overlay=view.overlay))
    result = list(_root(view))
    if view.spec.image.host_system:
        result += _host_system(roots)
    result += ["--dev", "/dev", *(_host_devices() if view.host_devices else ())]
    # A user namespace may mount a new /proc only where another one is to be seen already.
    result += ["--proc", "/proc", "--ro-bind-try", "/sys", "/sys"] if view.user_namespace else []
    result += [] if view.user_namespace else ["--dir", "/proc", "--dir", "/sys"]
    shown: list[Mount | Tmpfs] = [*view.spec.mounts, *view.spec.tmpfs]
    for mount in sorted(shown, key=lambda each: len(PurePosixPath(each.target).parts)):
        result += _shown(mount, resolve(roots, mount.target))
    for name in ("hosts", "hostname", "resolv.conf"):
        own = view.layout.directory / name
        result += ["--bind", str(own if own.exists() else view.generated / name), f"/etc/{name}"]
    if view.spec.termination_message_path is not None:
        target = resolve(roots, view.spec.termination_message_path)
        result += ["--bind", str(view.layout.termination_log), target]
    result += ["--dir", resolve(roots, view.spec.working_dir or "/")] if view.spec.working_dir not in ("", "/") else []
    return result + (["--remount-ro", "/"] if view.spec.read_only_root else [])


def _shown(mount: Mount | Tmpfs, target: str) -> list[str]:
    if isinstance(mount, Mount):
        # bubblewrap itself would make missing parents as private as the source is.
        parent = str(PurePosixPath(target).parent)
        parents = ["--dir", parent] if parent != "/" else []
        return [*parents, "--ro-bind" if mount.read_only else "--bind", mount.source, target]
    size = ["--size", str(mount.size)] if mount.size else []
    made = [*size, "--perms", f"{mount.mode:o}", "--tmpfs", target]
    return [*made, "--remount-ro", target] if mount.read_only else made


def _root(view: View) -> Iterator[str]:
    if not view.overlay:
        yield from ("--bind", str(view.layout.copy), "/")
        return
    for layer in view.spec.image.layers:
        yield from ("--overlay-src", str(layer))
    yield from ("--overlay", str(view.layout.upper), str(view.layout.work), "/")


def _host_system(roots: tuple[Path, ...]) -> Iterator[str]:
    for path in _HOST_SYSTEM:
        if not os.path.exists(path) or _is_symlink(roots, path):
            continue
        if os.path.islink(path) and not any((root / path[1:]).exists() for root in roots):
            yield from ("--symlink", os.readlink(path), path)
        else:
            yield from ("--ro-bind", os.path.realpath(path), path)


def _host_devices() -> Iterator[str]:
    """All devices of the machine, one by one: bound as a whole, /dev would take the container's own files into it."""
    for entry in sorted(os.scandir("/dev"), key=lambda each: each.name):
        if entry.name in _OWN_DEVICES or entry.name.startswith(("tty", "vcs")) or entry.is_symlink():
            continue
        mode = entry.stat().st_mode
        if stat.S_ISBLK(mode) or stat.S_ISCHR(mode) or stat.S_ISDIR(mode):
            yield from ("--dev-bind", entry.path, entry.path)


def hide_symlinks(roots: tuple[Path, ...], writable: Path) -> None:
    """Put plain files where the image has symbolic links in place of the files that are generated for it."""
    for name in ("hosts", "hostname", "resolv.conf"):
        if _is_symlink(roots, f"/etc/{name}"):
            (writable / "etc").mkdir(mode=0o755, exist_ok=True)
            place = writable / "etc" / name
            place.unlink(missing_ok=True)
            place.touch(mode=0o644)


def resolve(roots: tuple[Path, ...], path: str) -> str:
    """``path`` with the symbolic links that the image has in it followed, inside the image. Upper roots win.

    Raises ``CouldNotStart`` for a circle of links.
    """
    try:
        return "/" + within(roots, path)
    except OutsideRoot as error:
        raise CouldNotStart(str(error)) from error


def _is_symlink(roots: tuple[Path, ...], path: str) -> bool:
    found = find(roots, path.lstrip("/"))
    return found is not None and found.is_symlink()


def copy_layer(layer: Path, root: Path) -> None:
    """Lay ``layer`` over ``root`` by copying. A whiteout (device 0/0, as overlays have it) removes."""
    for directory, names, files in os.walk(layer):
        target = root / os.path.relpath(directory, layer)
        for name in (*names, *files):
            _copy_entry(Path(directory, name), target / name)
        names[:] = [name for name in names if not Path(directory, name).is_symlink()]


def _copy_entry(source: Path, target: Path) -> None:
    status = source.lstat()
    plain_directory = stat.S_ISDIR(status.st_mode)
    if os.path.lexists(target) and not (plain_directory and target.is_dir() and not target.is_symlink()):
        delete_tree(target)
    if plain_directory:
        target.mkdir(exist_ok=True)
        shutil.copystat(source, target)
    elif stat.S_ISLNK(status.st_mode):
        target.symlink_to(os.readlink(source))
    elif stat.S_ISREG(status.st_mode):
        shutil.copy2(source, target)
    elif stat.S_ISFIFO(status.st_mode):
        os.mkfifo(target, stat.S_IMODE(status.st_mode))
    elif not (stat.S_ISCHR(status.st_mode) and status.st_rdev == 0):
        return  # Devices and sockets: the container has its own /dev.
    if os.geteuid() == 0 and os.path.lexists(target):
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(target, stat.S_IMODE(status.st_mode))
