"""Whether a host's name resolves, within a time: a resolver without a network may think for half a minute."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from urllib.request import getproxies, proxy_bypass

import anyio


async def look_up(host: str, port: int, seconds: float) -> str | None:
    """Why the name cannot be resolved; None when it can. Nothing is asked where a proxy resolves it."""
    if "https" in getproxies() and not proxy_bypass(host):
        return None
    loop, done, failures = asyncio.get_running_loop(), anyio.Event(), list[str]()

    def ask() -> None:
        try:
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            failures.append((error.strerror or str(error)).lower())
        with suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(done.set)

    # A thread of its own that nothing waits for: a lookup cannot be cancelled, and would hold up the program's end.
    threading.Thread(target=ask, daemon=True, name=f"look up {host}").start()
    with anyio.move_on_after(seconds) as scope:
        await done.wait()
    if scope.cancelled_caught:
        return f"its name did not resolve within {seconds:g}s"
    return failures[0] if failures else None
