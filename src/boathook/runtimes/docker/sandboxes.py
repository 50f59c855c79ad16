"""Directories on this machine: of a sandbox, with termination messages and volumes of its own, and of images' users."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from boathook.home import Home
from boathook.runtimes.processes import FRESH, ProcessId, fresh_name, process_id
from boathook.runtimes.volumes import VolumeStore

_MESSAGE_MODE = 0o666
_LONGEST_MESSAGE = 4096
"""kubernetes pkg/kubelet/container/runtime.go, MaxContainerTerminationMessageLength."""


@dataclass(frozen=True, slots=True)
class SandboxDirectories:
    """Each is named after its maker: PID-START-RANDOM."""

    home: Home

    @property
    def root(self) -> Path:
        return self.home.path / "engine"

    def make(self) -> str:
        name = fresh_name().removeprefix(FRESH)
        (self.root / name).mkdir(parents=True, mode=0o711)
        self.root.chmod(0o711)
        return name

    def path(self, name: str) -> Path:
        return self.root / name

    def volumes(self, name: str) -> VolumeStore:
        return VolumeStore(self.path(name) / "volumes")

    def message_file(self, name: str, container: str) -> Path:
        """Empty, for every user of the container to write to."""
        path = self.path(name) / container
        path.touch()
        path.chmod(_MESSAGE_MODE)
        return path

    def message(self, name: str, container: str) -> str:
        """What was written to that file; nothing where it is gone."""
        try:
            with (self.path(name) / container).open("rb") as file:
                return message_text(file.read(_LONGEST_MESSAGE))
        except OSError:
            return ""

    def waiting_program(self, name: str, content: bytes) -> Path:
        path = self.path(name) / "pause"
        if not path.exists():
            path.write_bytes(content)
            path.chmod(0o755)
        return path

    def all(self) -> Iterator[tuple[str, ProcessId]]:
        """Each with its maker."""
        if not self.root.is_dir():
            return
        for path in sorted(self.root.iterdir()):
            pid, _, rest = path.name.partition("-")
            start, _, _ = rest.partition("-")
            if pid.isdigit() and start.isdigit():
                yield path.name, process_id(int(pid), int(start))


def message_text(content: bytes) -> str:
    """A termination message, which ends where a kubelet would end it."""
    return content[:_LONGEST_MESSAGE].decode(errors="replace")
