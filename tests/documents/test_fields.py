from __future__ import annotations

from typing import Annotated, Any

import pytest

from boathook.documents import Before, Fields, Spelled, camel_case, findings_of, load, validate


def halves(value: object) -> object:
    if isinstance(value, str):
        return value.split(":")
    return value


class Item(Fields, spelling=camel_case):
    mount_path: str
    host_ip: Annotated[str | None, Spelled("hostIP")] = None


class Open(Fields, spelling=camel_case, closed=False):
    pair: Annotated[tuple[str, ...], Before(halves)] = ()
    items: list[Item] | None = None
    sizes: dict[str, int | float | str] | None = None
    known: Any = None


def read(text: str) -> Open:
    (document,) = load(text, "f.yaml")
    return validate(Open, document, prefix="pods")


def findings(text: str) -> list[str]:
    (document,) = load(text, "f.yaml")
    return [str(finding) for finding in findings_of(Open, document, prefix="pods")]


def test_fields_are_spelled_as_their_class_says_and_single_ones_as_they_say() -> None:
    found = read("items: [{mountPath: /data, hostIP: 10.0.0.1}]\n")

    assert found.items is not None
    assert (found.items[0].mount_path, found.items[0].host_ip) == ("/data", "10.0.0.1")


def test_a_field_that_is_left_out_or_null_has_its_default_or_none() -> None:
    found = read("items:\n")

    assert (found.pair, found.items, found.known) == ((), None, None)


def test_a_short_form_becomes_the_long_one_before_it_is_checked() -> None:
    assert read("pair: a:b\n").pair == ("a", "b")
    assert findings("pair: [a, 5]\n") == ["f.yaml:1:11: pair[1]: found 5, expected text"]


def test_an_open_class_ignores_further_keys_and_a_closed_one_names_them() -> None:
    assert findings("further: 1\nitems: [{mountPath: /a, mount: /b}]\n") == [
        'f.yaml:2:25: items[0].mount: unknown field "items[0].mount"'
    ]


def test_true_is_no_number_and_a_number_no_text() -> None:
    assert findings("sizes: {a: true, b: 1, c: 0.5, d: 1Gi}\nitems: [{mountPath: 1}]\n") == [
        "f.yaml:1:12: sizes.a: found true, expected a whole number or a number or text",
        "f.yaml:2:21: items[0].mountPath: found 1, expected text",
    ]


def test_as_json_has_every_field_with_its_default_by_its_name_in_the_program() -> None:
    assert read("pair: a:b\nitems: [{mountPath: /a}]\nsizes: {x: 1}\n").as_json() == {
        "pair": ["a", "b"],
        "items": [{"mount_path": "/a", "host_ip": None}],
        "sizes": {"x": 1},
        "known": None,
    }


def test_what_was_read_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match=r"Open\.pair cannot be changed"):
        read("pair: a:b\n").pair = ()
