"""Which engine is meant: the docker CLI's own rules."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from boathook.errors import PlaceError, UnsupportedHere
from boathook.runtimes.docker.endpoint import Endpoint, Tls, find_endpoint


def a_context(configuration: Path, name: str, host: str, *, tls: bool = False) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = configuration / "contexts/meta" / digest
    meta.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": False}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": endpoint}}))
    if tls:
        files = configuration / "contexts/tls" / digest / "docker"
        files.mkdir(parents=True)
        for file in ("ca.pem", "cert.pem", "key.pem"):
            (files / file).touch()


def current(configuration: Path, name: str) -> None:
    (configuration / "config.json").write_text(json.dumps({"currentContext": name}))


def test_where_nothing_is_said_it_is_the_usual_socket(tmp_path: Path) -> None:
    found = find_endpoint({"HOME": str(tmp_path)})

    assert found == Endpoint(address="unix:///var/run/docker.sock", found_by="default")
    assert found.local


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("unix:///run/podman/podman.sock", "unix:///run/podman/podman.sock"),
        ("tcp://build.test:2300", "tcp://build.test:2300"),
        ("tcp://build.test", "tcp://build.test:2375"),
        ("build.test:2300", "tcp://build.test:2300"),
        ("http://build.test:2300/", "tcp://build.test:2300"),
    ],
)
def test_docker_host_says_where_it_is(tmp_path: Path, host: str, address: str) -> None:
    found = find_endpoint({"DOCKER_HOST": host, "DOCKER_CONFIG": str(tmp_path)})

    assert (found.address, found.found_by, found.tls) == (address, "DOCKER_HOST", None)


def test_tls_has_its_files_where_the_environment_says(tmp_path: Path) -> None:
    for file in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / file).touch()

    found = find_endpoint(
        {"DOCKER_HOST": "tcp://build.test", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    )

    files = Tls(authority=tmp_path / "ca.pem", certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem", verify=True)
    assert (found.address, found.tls, found.local) == ("tcp://build.test:2376", files, False)


def test_docker_host_wins_over_a_context_and_the_environments_over_the_current_one(tmp_path: Path) -> None:
    a_context(tmp_path, "ci", "tcp://ci.test:1")
    a_context(tmp_path, "home", "unix:///home.sock")
    current(tmp_path, "home")
    known = {"DOCKER_CONFIG": str(tmp_path)}

    assert find_endpoint(known).address == "unix:///home.sock"
    assert find_endpoint(known | {"DOCKER_CONTEXT": "ci"}).address == "tcp://ci.test:1"
    assert find_endpoint(known | {"DOCKER_CONTEXT": "ci"}).found_by == 'context "ci"'
    assert find_endpoint(known | {"DOCKER_CONTEXT": "default"}).address == "unix:///var/run/docker.sock"
    assert find_endpoint(known | {"DOCKER_CONTEXT": "ci", "DOCKER_HOST": "tcp://x:2"}).address == "tcp://x:2"


def test_a_context_brings_its_certificates(tmp_path: Path) -> None:
    a_context(tmp_path, "ci", "tcp://ci.test", tls=True)

    found = find_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "ci"})

    assert found.address == "tcp://ci.test:2376"
    assert found.tls is not None
    assert found.tls.verify
    assert found.tls.key is not None


def test_a_context_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match='docker context "gone" does not exist'):
        find_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "gone"})


@pytest.mark.parametrize("text", ["{", "[]", '{"Endpoints": {}}', '{"Endpoints": {"docker": {}}}'])
def test_a_context_that_is_broken_is_told(tmp_path: Path, text: str) -> None:
    a_context(tmp_path, "ci", "tcp://ci.test")
    (file,) = tmp_path.glob("contexts/meta/*/meta.json")
    file.write_text(text)

    with pytest.raises(PlaceError, match='docker context "ci" can'):
        find_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "ci"})


def test_a_transport_that_is_not_spoken_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedHere, match="only unix:// and tcp:// are spoken") as caught:
        find_endpoint({"DOCKER_HOST": "ssh://me@build.test", "DOCKER_CONFIG": str(tmp_path)})

    assert "ssh -nNT -L" in (caught.value.hint or "")


def test_the_version_of_the_interface_can_be_pinned(tmp_path: Path) -> None:
    found = find_endpoint({"DOCKER_API_VERSION": "1.40", "DOCKER_CONFIG": str(tmp_path)})

    assert found.api_version == "1.40"
