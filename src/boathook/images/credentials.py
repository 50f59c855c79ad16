"""Who we are to a registry, as the docker CLI keeps it: ``config.json`` and the helper programs that it names."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boathook.errors import PlaceError
from boathook.images.reference import DEFAULT_REGISTRY

DEFAULT_SERVER = "https://index.docker.io/v1/"
"""What the docker CLI files the default registry's credentials under."""
HELPER_SECONDS = 30
TOKEN_USER = "<token>"
"""What a helper gives as the user's name where the secret is an identity token (docker-credential-helpers)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user's name and password, or a token in their place."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r})"

    @property
    def basic(self) -> str:
        """As the value of an Authorization header; empty when there is no password."""
        if not self.username:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def find_credentials(registry: str) -> Credentials | None:
    """What is kept for a registry; None: be anonymous. Raises ``PlaceError`` for a broken file or helper."""
    path = config_path()
    config = _read(path)
    server = DEFAULT_SERVER if registry == DEFAULT_REGISTRY else registry
    helper = _mapping(config, "credHelpers", path).get(registry) or _mapping(config, "credHelpers", path).get(server)
    helper = helper or config.get("credsStore")
    if helper:
        return _ask(str(helper), server)
    auths = _mapping(config, "auths", path)
    for key, entry in auths.items():
        if key == server or host_of(key) == registry:
            return _of_entry(entry, key, path)
    return None


def all_credentials() -> dict[str, Credentials]:
    """What is kept, by registry: for a build, of which only its engine finds out which ones it needs."""
    path = config_path()
    config = _read(path)
    hosts = {host_of(key) for part in ("auths", "credHelpers") for key in _mapping(config, part, path)}
    default = host_of(DEFAULT_SERVER)
    registries = {DEFAULT_REGISTRY if host == default else host for host in hosts}
    found = {registry: find_credentials(registry) for registry in sorted(registries)}
    return {registry: credentials for registry, credentials in found.items() if credentials is not None}


def config_path() -> Path:
    directory = os.environ.get("DOCKER_CONFIG")
    return Path(directory, "config.json") if directory else Path.home() / ".docker/config.json"


def host_of(key: str) -> str:
    """``registry.example:5000`` of ``https://registry.example:5000/v1/``: keys were addresses once."""
    return key.partition("://")[2].partition("/")[0] if "://" in key else key.partition("/")[0]


def _read(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise PlaceError(f'registry credentials in "{path}" cannot be read: {error}') from error
    return config if isinstance(config, dict) else {}


def _mapping(config: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    value = config.get(key) or {}
    if not isinstance(value, dict):
        raise PlaceError(f'registry credentials in "{path}" cannot be read: "{key}" is no object')
    return value


def _of_entry(entry: Any, key: str, path: Path) -> Credentials | None:
    if not isinstance(entry, dict):
        raise PlaceError(f'registry credentials in "{path}" cannot be read: "{key}" is no object')
    username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if auth := entry.get("auth"):
        try:
            username, _, password = base64.b64decode(str(auth), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise PlaceError(
                f'registry credentials in "{path}" cannot be read: "auth" of "{key}" is damaged'
            ) from error
    found = Credentials(
        username=username,
        password=password.strip("\0"),
        identity_token=str(entry.get("identitytoken") or ""),
        registry_token=str(entry.get("registrytoken") or ""),
    )
    return found if found != Credentials() else None


def _ask(helper: str, server: str) -> Credentials | None:
    """What ``docker-credential-HELPER get`` answers. It says in words on its output when it has nothing."""
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"], input=server, capture_output=True, text=True, timeout=HELPER_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise PlaceError(
            f'registry credentials for "{server}": program "{program}" is missing',
            hint=f"install it, or take it out of {config_path()}",
        ) from error
    except (subprocess.TimeoutExpired, OSError) as error:
        raise PlaceError(f'registry credentials for "{server}": "{program}" failed: {error}') from error
    if done.returncode != 0:
        said = (done.stdout or done.stderr).strip()
        if "credentials not found" in said:
            return None
        raise PlaceError(f'registry credentials for "{server}": "{program}" failed: {said}')
    try:
        answer = json.loads(done.stdout)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise PlaceError(f'registry credentials for "{server}": "{program}" gave a malformed answer') from error
    if username == TOKEN_USER:
        return Credentials(identity_token=secret)
    return Credentials(username=username, password=secret)
