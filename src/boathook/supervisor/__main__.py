"""``python -m boathook.supervisor [FD]``: the supervisor, started on demand; FD is told when it is ready."""

from __future__ import annotations

import sys

import anyio

from boathook.home import Home
from boathook.supervisor.server import supervise

if __name__ == "__main__":
    sys.exit(anyio.run(supervise, Home.find().ensure(), int(sys.argv[1]) if len(sys.argv) > 1 else None))
