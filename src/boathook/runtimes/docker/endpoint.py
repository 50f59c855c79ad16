"""Which engine is meant, found as the docker CLI finds it: DOCKER_HOST, a context, or the usual socket."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boathook.errors import PlaceError, UnsupportedHere

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
UNIX = "unix://"

_DEFAULT_CONTEXT = "default"
_PORT, _TLS_PORT = 2375, 2376
_TCP = re.compile(r"(?:tcp|http|https)://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How the connection is secured: whom we trust and who we say we are."""

    authority: Path | None
    certificate: Path | None
    key: Path | None
    verify: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where an engine listens."""

    address: str
    """``unix:///var/run/docker.sock`` or ``tcp://host:port``."""
    found_by: str
    """What said so: ``DOCKER_HOST``, ``context "ci"``, ``default``."""
    tls: Tls | None = None
    api_version: str | None = None
    """DOCKER_API_VERSION; None: what the engine has."""

    @property
    def local(self) -> bool:
        """It is on this machine: its directories are ours, and its processes those that we see."""
        return self.address.startswith(UNIX)

    @property
    def socket(self) -> str:
        return self.address.removeprefix(UNIX)


def find_endpoint(environment: Mapping[str, str]) -> Endpoint:
    """DOCKER_HOST wins over DOCKER_CONTEXT, and that over the current context (docker/cli command/cli.go).

    Raises ``PlaceError`` for a context that is missing or broken, ``UnsupportedHere`` for a transport that is not
    spoken.
    """
    configuration = _configuration(environment)
    version = environment.get("DOCKER_API_VERSION") or None
    if host := environment.get("DOCKER_HOST"):
        return _endpoint(host, "DOCKER_HOST", _environment_tls(environment, configuration), version)
    name = environment.get("DOCKER_CONTEXT") or _current_context(configuration)
    if name and name != _DEFAULT_CONTEXT:
        return _of_context(configuration, name, version)
    return _endpoint(DEFAULT_ADDRESS, _DEFAULT_CONTEXT, None, version)


def _configuration(environment: Mapping[str, str]) -> Path:
    named = environment.get("DOCKER_CONFIG")
    return Path(named) if named else Path(environment.get("HOME") or Path.home()) / ".docker"


def _endpoint(host: str, found_by: str, tls: Tls | None, version: str | None) -> Endpoint:
    if host.startswith(UNIX):
        return Endpoint(address=host, found_by=found_by, api_version=version)
    if "://" in host and not _TCP.match(host):
        ours = "/tmp/docker.sock"
        raise UnsupportedHere(
            f'engine "{host}" ({found_by}) cannot be reached: only unix:// and tcp:// are spoken',
            hint=f"forward its socket (ssh -nNT -L {ours}:/var/run/docker.sock HOST) and set DOCKER_HOST=unix://{ours}",
        )
    bare = _TCP.sub("", host).rstrip("/")
    if host.startswith("https://") and tls is None:
        tls = Tls(authority=None, certificate=None, key=None, verify=True)
    if not re.search(r":\d+$", bare):
        bare += f":{_TLS_PORT if tls else _PORT}"
    return Endpoint(address=f"tcp://{bare}", found_by=found_by, tls=tls, api_version=version)


def _environment_tls(environment: Mapping[str, str], configuration: Path) -> Tls | None:
    """DOCKER_TLS_VERIFY counts whatever its value is; the files lie in DOCKER_CERT_PATH, or with the configuration."""
    if not (environment.get("DOCKER_TLS_VERIFY") or environment.get("DOCKER_TLS")):
        return None
    directory = Path(environment.get("DOCKER_CERT_PATH") or configuration)
    return _tls_in(directory, verify=bool(environment.get("DOCKER_TLS_VERIFY")))


def _tls_in(directory: Path, *, verify: bool) -> Tls | None:
    authority, certificate, key = (directory / name for name in ("ca.pem", "cert.pem", "key.pem"))
    return Tls(
        authority=authority if authority.exists() else None,
        certificate=certificate if certificate.exists() else None,
        key=key if key.exists() else None,
        verify=verify,
    )


def _current_context(configuration: Path) -> str:
    path = configuration / "config.json"
    if not path.exists():
        return ""
    found = _read(path, "the docker CLI's configuration").get("currentContext")
    return found if isinstance(found, str) else ""


def _of_context(configuration: Path, name: str, version: str | None) -> Endpoint:
    """Contexts are filed under the digest of their name (docker/cli context/store)."""
    directory = hashlib.sha256(name.encode()).hexdigest()
    meta = configuration / "contexts/meta" / directory / "meta.json"
    if not meta.exists():
        raise PlaceError(
            f'docker context "{name}" does not exist', hint="docker context ls lists them; or set DOCKER_HOST"
        )
    what = f'docker context "{name}"'
    try:
        docker = _read(meta, what)["Endpoints"]["docker"]
        host, unverified = str(docker["Host"]), bool(docker.get("SkipTLSVerify", False))
    except (KeyError, TypeError, AttributeError) as error:
        raise PlaceError(f'{what} cannot be used: "{meta}" says of no engine') from error
    files = configuration / "contexts/tls" / directory / "docker"
    tls = _tls_in(files, verify=not unverified) if files.is_dir() else None
    return _endpoint(host, f'context "{name}"', tls, version)


def _read(path: Path, what: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PlaceError(f'{what} cannot be read: "{path}": {error}') from error
    return found if isinstance(found, dict) else {}
