from __future__ import annotations

import pytest

from boathook.images.reference import InvalidReference, parse

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "complete", "familiar"),
    [
        ("busybox", "docker.io/library/busybox:latest", "busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
        ("docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"),
        ("index.docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox:latest"),
        ("team/app:v1", "docker.io/team/app:v1", "team/app:v1"),
        ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
        ("host:5000/app", "host:5000/app:latest", "host:5000/app:latest"),
        ("host.example/a/b/c:x", "host.example/a/b/c:x", "host.example/a/b/c:x"),
        (f"app@{DIGEST}", f"docker.io/library/app@{DIGEST}", f"app@{DIGEST}"),
        (f"app:1@{DIGEST}", f"docker.io/library/app:1@{DIGEST}", f"app:1@{DIGEST}"),
    ],
)
def test_references_are_completed_as_engines_do(text: str, complete: str, familiar: str) -> None:
    reference = parse(text)

    assert str(reference) == complete
    assert reference.familiar == familiar


@pytest.mark.parametrize(
    "text", ["", "App", "a//b", "a:", "a:b c", "-a", "a@b", "a/", "/a", "host.example/", "a" * 300, "a:b:c", "../x"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference):
        parse(text)
