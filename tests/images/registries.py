"""Real registries on loopback: the distribution's own program, a pusher, and a server of our own that can misbehave."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from boathook.images.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from tests.images.build import configuration

PROGRAM = shutil.which("docker-registry")
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"

Json = dict[str, Any]


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True)
class PushedImage:
    """What an image is made of, before it is somewhere."""

    config: bytes
    layers: tuple[bytes, ...]
    media_type: str = DOCKER_MANIFEST

    @property
    def manifest(self) -> bytes:
        document = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": described(self.config, CONFIG),
            "layers": [described(layer, LAYER) for layer in self.layers],
        }
        return json.dumps(document).encode()

    @property
    def blobs(self) -> tuple[bytes, ...]:
        return (self.config, *self.layers)


def described(content: bytes, media_type: str) -> Json:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def an_image(*layers: bytes, config: Json | None = None, architecture: str = "amd64", oci: bool = False) -> PushedImage:
    media_type = OCI_MANIFEST if oci else DOCKER_MANIFEST
    return PushedImage(configuration(layers, config or {}, architecture), layers, media_type)


def an_index(images: Mapping[str, PushedImage], *, oci: bool = True) -> tuple[bytes, str]:
    """An index by platform, ``linux/arm64/v8``."""
    entries = []
    for platform, image in images.items():
        system, architecture, variant = (*platform.split("/"), "")[:3]
        marked = {"os": system, "architecture": architecture} | ({"variant": variant} if variant else {})
        entries.append(described(image.manifest, image.media_type) | {"platform": marked})
    kind = OCI_INDEX if oci else DOCKER_LIST
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).encode(), kind


@dataclass(frozen=True)
class RunningRegistry:
    """The distribution's own registry."""

    port: int
    data: Path
    authorization: str = ""

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    def push(self, repository: str, tag: str, image: PushedImage) -> str:
        """The digest of the manifest."""
        for blob in image.blobs:
            self._push_blob(repository, blob)
        return self.push_manifest(repository, tag, image.manifest, image.media_type)

    def push_manifest(self, repository: str, tag: str, content: bytes, media_type: str) -> str:
        self._call("PUT", f"/v2/{repository}/manifests/{tag}", content, {"Content-Type": media_type})
        return digest_of(content)

    def _push_blob(self, repository: str, content: bytes) -> None:
        begun = self._call("POST", f"/v2/{repository}/blobs/uploads/", b"")
        place = urlsplit(begun["Location"])
        path = f"{place.path}?{place.query}&digest={digest_of(content)}"
        self._call("PUT", path, content, {"Content-Type": "application/octet-stream"})

    def _call(self, method: str, path: str, body: bytes, headers: Mapping[str, str] = {}) -> Mapping[str, str]:
        known = {"Authorization": self.authorization} if self.authorization else {}
        request = urllib.request.Request(
            f"http://{self.name}{path}", data=body, headers=dict(headers) | known, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return dict(response.headers.items())


@contextmanager
def running_registry(directory: Path, *, htpasswd: str = "", authorization: str = "") -> Iterator[RunningRegistry]:
    """The program with a configuration, a port and data of its own; ended at the end."""
    assert PROGRAM is not None, "docker-registry is missing: scripts/setup dev installs it"
    directory.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings: Json = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    if htpasswd:
        (directory / "htpasswd").write_text(htpasswd)
        settings["auth"] = {"htpasswd": {"realm": "tests", "path": str(directory / "htpasswd")}}
    (directory / "config.yml").write_text(json.dumps(settings))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, "serve", str(directory / "config.yml")], stdout=log, stderr=log)
    try:
        _wait_for(port, process)
        yield RunningRegistry(port, directory / "data", authorization)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    waiting = threading.Event()
    for _ in range(200):
        assert process.poll() is None, "docker-registry ended"
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            waiting.wait(0.05)
        else:
            return
    raise AssertionError("docker-registry does not answer")


@dataclass
class OwnRegistry:
    """A registry of the tests' own, which can ask for tokens, break off, and lie."""

    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    """By ``repository:tag`` and ``repository@digest``."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    """Name -> password; where there are any a token is needed."""
    identity_token: str = ""
    break_after: dict[str, list[int]] = field(default_factory=dict)
    """By blob: after how many bytes each answer in turn breaks off."""
    no_ranges: bool = False
    requests: list[str] = field(default_factory=list)
    awaited: str = ""
    """``seen`` is set by the first request that has this in it."""
    seen: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    tokens: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return f"localhost:{self.port}"

    def put(self, repository: str, tag: str, image: PushedImage) -> str:
        digest = digest_of(image.manifest)
        for name in (f"{repository}:{tag}", f"{repository}@{digest}"):
            self.manifests[name] = (image.manifest, image.media_type)
        self.blobs |= {digest_of(blob): blob for blob in image.blobs}
        return digest

    def asked_for(self, part: str) -> int:
        return sum(part in request for request in self.requests)

    @contextmanager
    def serving(self) -> Iterator[OwnRegistry]:
        handler = type("Handler", (_Handler,), {"registry": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    registry: OwnRegistry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.registry.requests.append(f"GET {url.path} {self.headers.get('Range', '')}".strip())
        if self.registry.awaited and self.registry.awaited in self.registry.requests[-1]:
            self.registry.seen.set()
        if url.path == "/token":
            self._token(parse_qs(url.query))
        elif self.registry.users and self.headers.get("Authorization", "") not in self.registry.tokens:
            service = f'Bearer realm="http://{self.registry.name}/token?account=x",service="tests",scope="ignored"'
            self._answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {"WWW-Authenticate": service})
        elif "/manifests/" in url.path:
            self._manifest(url.path)
        else:
            self._blob(url.path.rpartition("/")[2])

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.registry.requests.append(f"POST {self.path}")
        if self.registry.identity_token and form.get("refresh_token") == [self.registry.identity_token]:
            self._give_token("access_token", form["scope"][0])
        else:
            self._answer(401, b"{}")

    def _token(self, query: Mapping[str, list[str]]) -> None:
        assert query["account"] == ["x"]
        assert query["service"] == ["tests"]
        kind, _, secret = self.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(secret).decode().partition(":")
        if kind == "Basic" and password and self.registry.users.get(user) == password:
            self._give_token("token", query["scope"][0])
        else:
            self._answer(401, b'{"errors":[{"message":"wrong password"}]}')

    def _give_token(self, key: str, scope: str) -> None:
        token = digest_of(scope.encode())[7:23]
        self.registry.tokens.add(f"Bearer {token}")
        self._answer(200, json.dumps({key: token}).encode())

    def _manifest(self, path: str) -> None:
        repository, _, wanted = path.removeprefix("/v2/").partition("/manifests/")
        found = self.registry.manifests.get(f"{repository}{'@' if ':' in wanted else ':'}{wanted}")
        if found is None:
            self._answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        else:
            self._answer(200, found[0], {"Content-Type": found[1]})

    def _blob(self, digest: str) -> None:
        content = self.registry.blobs.get(digest)
        if content is None:
            self._answer(404, b"{}")
            return
        begin, status, headers = 0, 200, {}
        asked = self.headers.get("Range")
        if asked and not self.registry.no_ranges:
            begin = int(asked.removeprefix("bytes=").partition("-")[0])
            status, headers = 206, {"Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
        breaks = self.registry.break_after.get(digest)
        self._answer(status, content[begin:], headers, breaks.pop(0) if breaks else None)

    def _answer(
        self, status: int, body: bytes, headers: Mapping[str, str] = {}, break_after: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if break_after is None else body[:break_after])
        self.close_connection |= break_after is not None

    def log_message(self, format: str, *args: object) -> None: ...


Serving = Callable[[], OwnRegistry]
