"""A real gRPC server with the standard health service, for checks to ask."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import anyio.to_thread
import grpc
from grpc_health.v1 import health, health_pb2_grpc


@asynccontextmanager
async def a_health_server(services: Mapping[str, int] | None) -> AsyncIterator[int]:
    """Its port. ``services``: serving status by name; None: a server without the health service."""
    with ThreadPoolExecutor(2) as workers:
        server = grpc.server(workers)
        if services is not None:
            servicer = health.HealthServicer()
            for name, status in services.items():
                servicer.set(name, status)
            health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield int(port)
        finally:
            await anyio.to_thread.run_sync(server.stop(None).wait)
