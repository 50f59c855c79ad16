"""Which registries could not be reached a short while ago: whoever has a stand-in does not wait for them again."""

from __future__ import annotations

import json
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from boathook.clock import Clock
from boathook.images.locking import UNFINISHED

REMEMBERED = timedelta(minutes=2)
FILE = "unreachable.json"


class Reachability:
    """Kept in a file that all processes of a home share. Losing what two write at once costs one more attempt."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def failure(self, registry: str) -> str | None:
        """Why it could not be reached; None when that is not known, or long ago."""
        entry = self._read().get(registry)
        return None if entry is None else entry[1]

    def failed(self, registry: str, why: str) -> None:
        self._write(self._read() | {registry: (self._clock.now(), why)})

    def answered(self, registry: str) -> None:
        known = self._read()
        if known.pop(registry, None) is not None:
            self._write(known)

    def _read(self) -> dict[str, tuple[datetime, str]]:
        """What is still remembered. A file that cannot be read remembers nothing."""
        try:
            known = json.loads((self._directory / FILE).read_text())
            entries = {name: (datetime.fromisoformat(when), str(why)) for name, (when, why) in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}
        now = self._clock.now()
        return {name: entry for name, entry in entries.items() if timedelta() <= now - entry[0] < REMEMBERED}

    def _write(self, known: dict[str, tuple[datetime, str]]) -> None:
        path = self._directory / FILE
        fresh = path.with_name(f"{UNFINISHED}{secrets.token_hex(6)}")
        try:
            self._directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            fresh.write_text(json.dumps({name: (when.isoformat(), why) for name, (when, why) in known.items()}))
            os.replace(fresh, path)
        except FileNotFoundError:  # a writer of the store has swept it away
            return
