from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from boathook.errors import PlaceError
from boathook.images.credentials import Credentials, find_credentials

AUTH = base64.b64encode(b"me:se:cret").decode()
KNOWN = Credentials(username="me", password="se:cret")


def keep(directory: Path, **config: Any) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config))


def a_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """A program as ``docker-credential-helpers`` has them; it is asked for a server on its standard input."""
    directory = tmp_path / "bin"
    directory.mkdir(exist_ok=True)
    program = directory / f"docker-credential-{name}"
    program.write_text(f'#!/bin/sh\nread -r server\necho "$1 $server" >>{tmp_path}/asked\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")


def test_nothing_kept_means_nobody(no_credentials: Path) -> None:
    assert find_credentials("registry.test") is None
    keep(no_credentials)
    assert find_credentials("registry.test") is None
    keep(no_credentials, auths={"registry.test": {}})
    assert find_credentials("registry.test") is None


@pytest.mark.parametrize(
    "key",
    ["registry.test:5000", "https://registry.test:5000", "https://registry.test:5000/v1/", "registry.test:5000/v2"],
)
def test_a_registry_is_found_in_every_spelling_of_its_key(no_credentials: Path, key: str) -> None:
    keep(no_credentials, auths={"other.test": {"auth": "eA=="}, key: {"auth": AUTH}})

    assert find_credentials("registry.test:5000") == KNOWN
    assert find_credentials("registry.test") is None


def test_the_default_registry_has_the_key_that_docker_gives_it(no_credentials: Path) -> None:
    keep(no_credentials, auths={"https://index.docker.io/v1/": {"auth": AUTH}})

    assert find_credentials("docker.io") == KNOWN


def test_tokens_are_kept_too(no_credentials: Path) -> None:
    keep(no_credentials, auths={"a.test": {"identitytoken": "i"}, "b.test": {"registrytoken": "r"}})

    assert find_credentials("a.test") == Credentials(identity_token="i")
    assert find_credentials("b.test") == Credentials(registry_token="r")


def test_without_docker_config_the_users_own_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    keep(tmp_path / ".docker", auths={"registry.test": {"auth": AUTH}})

    assert find_credentials("registry.test") == KNOWN


def test_a_helper_for_one_registry_comes_before_the_store_for_all(
    tmp_path: Path, no_credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(no_credentials, credHelpers={"one.test": "one"}, credsStore="all", auths={"one.test": {"auth": "eA=="}})
    a_helper(tmp_path, monkeypatch, "one", """echo '{"Username": "me", "Secret": "se:cret"}'""")
    a_helper(tmp_path, monkeypatch, "all", """echo '{"Username": "<token>", "Secret": "i"}'""")

    assert find_credentials("one.test") == KNOWN
    assert find_credentials("docker.io") == Credentials(identity_token="i")
    assert (tmp_path / "asked").read_text() == "get one.test\nget https://index.docker.io/v1/\n"


def test_a_helper_that_has_nothing_means_nobody(
    tmp_path: Path, no_credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(no_credentials, credsStore="all")
    a_helper(tmp_path, monkeypatch, "all", "echo credentials not found in native keychain; exit 1")

    assert find_credentials("one.test") is None


@pytest.mark.parametrize(
    ("script", "why"), [("echo locked; exit 1", "failed: locked"), ("echo nonsense", "gave a malformed answer")]
)
def test_a_helper_that_fails_is_named(
    tmp_path: Path, no_credentials: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    keep(no_credentials, credsStore="all")
    a_helper(tmp_path, monkeypatch, "all", script)

    with pytest.raises(PlaceError, match=f'"docker-credential-all" {why}'):
        find_credentials("one.test")


def test_a_helper_that_is_missing_is_named(no_credentials: Path) -> None:
    keep(no_credentials, credsStore="nowhere")

    with pytest.raises(PlaceError, match='program "docker-credential-nowhere" is missing'):
        find_credentials("one.test")


@pytest.mark.parametrize(
    "content", ["{", '{"auths": []}', '{"auths": {"one.test": 1}}', '{"auths": {"one.test": {"auth": "?"}}}']
)
def test_a_damaged_file_is_named(no_credentials: Path, content: str) -> None:
    no_credentials.mkdir()
    (no_credentials / "config.json").write_text(content.replace("[]", "[1]"))

    with pytest.raises(PlaceError, match=r"config\.json"):
        find_credentials("one.test")


def test_a_password_is_not_shown_in_messages() -> None:
    assert "se:cret" not in repr(KNOWN)
