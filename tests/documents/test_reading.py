from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boathook.documents import Dialect, load, read
from boathook.documents.nodes import NodeLoader
from boathook.errors import ManifestError


def problems(text: str) -> list[str]:
    with pytest.raises(ManifestError) as refused:
        load(text, "f.yaml")
    return [str(problem) for problem in refused.value.problems]


def test_empty_documents_are_left_out() -> None:
    documents = load("---\n# only a comment\n---\na: 1\n---\n---\nb: 2\n", "f.yaml")

    assert [document.value for document in documents] == [{"a": 1}, {"b": 2}]


def test_every_part_of_every_document_has_its_position_from_one() -> None:
    first, second = load("a: 1\n---\n# why\nspec:\n  containers:\n  - name: x\n    image: y\n", "f.yaml")

    assert str(first.source(("a",))) == "f.yaml:1:4"
    assert str(second.source(())) == "f.yaml:4:1"
    image = second.source(("spec", "containers", 0, "image"))
    assert (image.line, image.column, image.path) == (7, 12, "spec.containers[0].image")
    assert str(second.key_source(("spec", "containers", 0, "image"))) == "f.yaml:7:5"


@pytest.mark.behaviour("deps:25")
def test_what_is_missing_has_the_position_of_the_mapping_it_is_missing_from() -> None:
    (document,) = load("a:\n  httpGet:\n    path: /x\n", "f.yaml")

    source = document.source(("a", "httpGet", "port"))

    assert (source.line, source.column, source.path) == (3, 5, "a.httpGet.port")


def test_a_document_that_begins_behind_its_dashes_has_positions_too() -> None:
    first, second = load("--- {a: [1, 2]}\n--- &x\n  b: é\n  c: 1\n", "f.yaml")

    assert str(first.source(("a", 1))) == "f.yaml:1:13"
    assert str(second.source(("c",))) == "f.yaml:4:6"


@pytest.mark.behaviour("deps:25")
def test_a_broken_document_does_not_hide_what_is_wrong_with_the_others() -> None:
    text = "a: 1\n---\nb: 'x\n---\nc: [\n---\na: 1\na: 2\n"

    assert problems(text) == [
        "f.yaml:4:1: not valid YAML: found unexpected document indicator while scanning a quoted scalar, "
        "which begins at line 3",
        "f.yaml:6:1: not valid YAML: did not find expected node content while parsing a flow node",
        'f.yaml:8:1: key "a" is written twice: at line 7 and again at line 8',
    ]


@pytest.mark.behaviour("deps:25")
def test_an_error_in_the_third_document_has_the_line_of_the_file() -> None:
    assert problems("a: 1\n---\nb: 2\n---\nc: 3\n d: 4\n") == [
        "f.yaml:6:3: not valid YAML: mapping values are not allowed in this context"
    ]


def test_documents_around_a_broken_one_are_read_all_the_same() -> None:
    reading = read("a: 1\n---\nb: [\n---\nc: 3\n", "f.yaml")

    assert [document.value for document in reading.documents] == [{"a": 1}, {"c": 3}]
    assert str(reading.documents[1].source(("c",))) == "f.yaml:5:4"
    assert len(reading.problems) == 1


@pytest.mark.behaviour("deps:26")
def test_a_key_that_is_written_twice_is_refused_with_both_lines() -> None:
    assert problems("x:\n  image: a\n  'image': b\n  image: c\n") == [
        'f.yaml:3:3: key "image" is written twice: at line 2 and again at line 3',
        'f.yaml:4:3: key "image" is written twice: at line 3 and again at line 4',
    ]


def test_keys_that_become_the_same_text_are_one_key_written_twice() -> None:
    assert len(problems("1: a\n'1': b\n")) == 1


def test_merged_keys_keep_the_place_where_they_were_written() -> None:
    text = "base: &b\n  x: 1\n  y: 1\nother: &o {y: 2, z: 2}\ntop:\n  x: 9\n  <<: [*b, *o]\n"
    (document,) = load(text, "f.yaml", dialect=Dialect.COMPOSE)

    assert isinstance(document.value, dict)
    assert document.value["top"] == {"x": 9, "y": 1, "z": 2}
    assert str(document.source(("top", "x"))) == "f.yaml:6:6"
    assert str(document.source(("top", "y"))) == "f.yaml:3:6"
    assert str(document.key_source(("top", "z"))) == "f.yaml:4:18"


def test_merging_what_is_no_mapping_is_refused() -> None:
    assert problems("a:\n  <<: 5\n") == ["f.yaml:2:7: a merge key (<<) needs a mapping or a list of mappings"]


def test_aliases_stand_for_the_value_they_name() -> None:
    (document,) = load("a: &x [1, {b: 2}]\nc: *x\n", "f.yaml")

    assert document.value == {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}
    assert str(document.source(("c", 1, "b"))) == "f.yaml:1:15"


def test_an_alias_bomb_is_refused_before_it_is_written_out() -> None:
    text = "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True):
        text += f"{after}: &{after} [{','.join([f'*{before}'] * 10)}]\n"

    (problem,) = problems(text)

    assert "aliases of this value make up more than 1000000 values" in problem


def test_a_value_that_contains_itself_is_refused() -> None:
    assert problems("a: &a [*a]\n") == ["f.yaml:1:4: an alias stands inside the value that it names"]


@pytest.mark.parametrize("text", ["[" * 200 + "]" * 200, "- " * 200 + "a", "[" * 100_000, "- " * 100_000])
def test_bottomless_nesting_is_refused(text: str) -> None:
    assert len(problems(text)) == 1


def test_what_has_no_plain_value_is_refused_with_its_place() -> None:
    assert problems("a: !reset []\nb: !foo 1\nc: !!int x\n? [k]\n: 1\n~: 2\n") == [
        'f.yaml:1:4: tag "!reset" is not supported',
        'f.yaml:2:4: tag "!foo" is not supported',
        'f.yaml:3:4: "x" is not what its tag "!!int" says',
        "f.yaml:4:3: a key must be text, a number or a truth value",
        "f.yaml:6:1: a key must be text, a number or a truth value",
    ]


def test_tags_of_yaml_itself_are_followed() -> None:
    (document,) = load("a: !!str 1\nb: !!int '1'\nc: !!bool yes\ne: !!map {f: !!null x}\n", "f.yaml")

    assert document.value == {"a": "1", "b": 1, "c": True, "e": {"f": None}}


def test_quoted_scalars_are_text() -> None:
    (document,) = load("a: 'yes'\nb: \"1\"\nc: |\n  1\nd: ''\n", "f.yaml")

    assert document.value == {"a": "yes", "b": "1", "c": "1\n", "d": ""}


def test_control_characters_and_a_byte_order_mark() -> None:
    assert load("\ufeffa: 1\n", "f.yaml")[0].value == {"a": 1}
    assert problems("a: 1\nb: \x01\n") == ["f.yaml:2:4: character U+0001 is not allowed"]


@pytest.mark.behaviour("deps:27")
def test_many_documents_keep_their_positions_apart() -> None:
    text = "---\n".join(f"a: {n}\nb: [x, z]\n" for n in range(1000))

    documents = load(text, "f.yaml")

    assert [document.value for document in documents] == [{"a": n, "b": ["x", "z"]} for n in range(1000)]
    assert documents[999].source(("b", 1)).line == 999 * 3 + 2


KEYS = st.text("abcé~ ", max_size=4)
VALUES = st.recursive(
    st.integers(-99, 99) | st.text("ab:#'\"\n -é", max_size=6) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(VALUES.filter(lambda value: value is not None), max_size=4), st.booleans())
def test_what_is_written_is_what_is_read(values: list[object], flow: bool) -> None:
    import yaml

    text = yaml.safe_dump_all(values, allow_unicode=True, default_flow_style=flow, explicit_start=True)

    assert [document.value for document in load(text, "f.yaml")] == values


@given(st.text("ab:-[]{}'\"\n #&*!|>é\r\t?,%", max_size=30))
def test_any_text_gives_documents_or_findings_with_a_place(text: str) -> None:
    reading = read(text, "f.yaml")

    lines = text.count("\n") + text.count("\r") + 1
    for problem in reading.problems:
        assert problem.source.line is not None
        assert 1 <= problem.source.line <= lines
    for document in reading.documents:
        assert document.source(()).line is not None


def test_the_c_parser_is_in_use() -> None:
    import yaml

    assert issubclass(NodeLoader, yaml.CSafeLoader)
