"""Where Boathook keeps its state: ``$BOATHOOK_HOME`` and the directories and sockets below it."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from boathook.errors import PlaceError


@dataclass(frozen=True, slots=True)
class Home:
    """The state directory of one user. ``Home.find()`` follows the environment; ``ensure()`` makes it."""

    path: Path

    @classmethod
    def find(cls) -> Home:
        """``$BOATHOOK_HOME``, else ``/var/lib/boathook`` for root, else the XDG state directory."""
        if named := os.environ.get("BOATHOOK_HOME"):
            return cls(Path(named).absolute())
        if os.geteuid() == 0:
            return cls(Path("/var/lib/boathook"))
        state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
        return cls(Path(state) / "boathook")

    def ensure(self) -> Home:
        """Create the directory: 0711 so that containers of other users can be entered; what is secret in it is 0600.

        Raises ``PlaceError`` where it cannot be.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o711)
            if not os.access(self.path, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            hint = "set BOATHOOK_HOME to a directory that can be written"
            raise PlaceError(f'no state can be kept in "{self.path}": {error.strerror}', hint=hint) from error
        return self

    @property
    def journal(self) -> Path:
        """The SQLite journal (runs, events, hook results, obligations)."""
        return self.path / "journal.db"

    @property
    def objects(self) -> Path:
        """The SQLite store of the local cluster's objects."""
        return self.path / "objects.db"

    @property
    def containers(self) -> Path:
        """One directory per container and sandbox of the embedded runtime: record, log, root, volumes."""
        return self.path / "containers"

    @property
    def volumes(self) -> Path:
        """Named volumes and local claims."""
        return self.path / "volumes"

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def backups(self) -> Path:
        """Backups, in the peers' object layout."""
        return self.path / "backups"

    @property
    def locks(self) -> Path:
        """Advisory lock files, one per target or owner."""
        return self.path / "locks"

    def socket(self, name: str) -> Path:
        """A socket path short enough for AF_UNIX: in the runtime directory, keyed by this home. Makes nothing."""
        import hashlib

        runtime = os.environ.get("XDG_RUNTIME_DIR")
        if not runtime and os.geteuid() == 0 and os.access("/run", os.W_OK):
            runtime = "/run"
        if not runtime:
            import tempfile

            runtime = tempfile.gettempdir()
        key = hashlib.sha256(str(self.path).encode()).hexdigest()[:12]
        return Path(runtime) / f"boathook-{os.geteuid()}-{key}" / name
