from __future__ import annotations

from typing import Annotated, Literal

import pytest

from boathook.documents import AtLeast, Before, Fields, findings_of, load, path_text, validate
from boathook.errors import ManifestError


def absolute(path: object) -> object:
    if isinstance(path, str) and not path.startswith("/"):
        raise ValueError(f'path "{path}" does not begin with "/"')
    return path


class Port(Fields):
    port: int | str
    scheme: Literal["http", "https"] = "http"
    path: Annotated[str, Before(absolute)] = "/"


class Pod(Fields):
    ports: list[Port]
    ready: bool = True
    weight: Annotated[int, AtLeast(0)] = 0


def findings(text: str) -> list[str]:
    (document,) = load(text, "f.yaml")
    return [str(finding) for finding in findings_of(Pod, document, at=("spec",), prefix="pods")]


def test_a_right_document_becomes_the_model() -> None:
    (document,) = load("spec:\n  ports: [{port: http}]\n", "f.yaml")

    pod = validate(Pod, document, at=("spec",), prefix="pods")

    assert pod.ports[0].port == "http"
    assert findings_of(Pod, document, at=("spec",), prefix="pods") == ()


@pytest.mark.behaviour("deps:25")
def test_all_errors_of_a_document_are_told_in_file_order_with_their_places() -> None:
    text = """\
spec:
  weight: -1
  ports:
  - port: []
    schem: x
  - scheme: htpp
  - port: 1
    path: x
  - 5
  ready: 'yes'
"""

    assert findings(text) == [
        "f.yaml:2:11: spec.weight: found -1, expected at least 0",
        "f.yaml:4:11: spec.ports[0].port: found a list, expected a whole number or text",
        'f.yaml:5:5: spec.ports[0].schem: unknown field "spec.ports[0].schem"',
        "f.yaml:6:5: spec.ports[1].port: required field is missing",
        'f.yaml:6:13: spec.ports[1].scheme: found "htpp", expected "http" or "https"',
        'f.yaml:8:11: spec.ports[2].path: path "x" does not begin with "/"',
        "f.yaml:9:5: spec.ports[3]: found 5, expected a mapping",
        'f.yaml:10:10: spec.ready: found "yes", expected true or false',
    ]


def test_findings_have_stable_identifiers() -> None:
    (document,) = load("ready: 1\nx: 2\nweight: -1\n", "f.yaml")

    with pytest.raises(ManifestError) as refused:
        validate(Pod, document, prefix="pods")

    assert [problem.id for problem in refused.value.problems] == [
        "pods.missing-field",
        "pods.wrong-type",
        "pods.unknown-field",
        "pods.wrong-value",
    ]


def test_a_document_that_is_no_mapping_is_one_finding() -> None:
    assert findings("spec: text\n") == ['f.yaml:1:7: spec: found "text", expected a mapping']


def test_paths_read_as_kubernetes_writes_them() -> None:
    path = ("spec", "containers", 0, "lifecycle", "annotations", "a.b/c", "x-y")

    assert path_text(path) == "spec.containers[0].lifecycle.annotations[a.b/c].x-y"
