"""The word splitter against the table of spec/compose-hooks.md 1.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boathook.compose.reading.shellwords import BadCommand, split

SPLIT = [
    ("echo a b", ["echo", "a", "b"]),
    ("  echo   a\t b \n", ["echo", "a", "b"]),
    ("'a b' c", ["a b", "c"]),
    ('"a b" c', ["a b", "c"]),
    ("a\"b c\"d'e f'g", ["ab cde fg"]),
    ('echo ""', ["echo", ""]),
    ("echo ''", ["echo", ""]),
    (r"a\tb", ["atb"]),
    (r"a\nb", ["anb"]),
    (r"a\\b", ["a\\b"]),
    (r"a\;b", ["a;b"]),
    (r"a\"b", ['a"b']),
    (r"a\ b", ["a b"]),
    ("a\\\nb", ["a\nb"]),
    (r'"a\"b"', ['a"b']),
    (r'"a\tb"', ["atb"]),
    (r"'a\tb'", [r"a\tb"]),
    ("'a;b|c>d'", ["a;b|c>d"]),
    ('"a&b<c"', ["a&b<c"]),
    ("`a b` c", ["`a b`", "c"]),
    ("$(a b) c", ["$(a b)", "c"]),
    ("x$(a b)y", ["x$(a b)y"]),
    ("echo #no comment", ["echo", "#no", "comment"]),
    ("echo {} * ~", ["echo", "{}", "*", "~"]),
    ("FOO=bar echo", ["FOO=bar", "echo"]),
    ("echo $HOME", ["echo", "$HOME"]),
    ('"it\'s"', ["it's"]),
    ("'say \"hi\"'", ['say "hi"']),
    ("   ", []),
    ("", []),
]

CUT = [
    ("echo a; echo b", ["echo", "a"], "; echo b"),
    ("echo a && echo b", ["echo", "a"], "&& echo b"),
    ("echo a | cat", ["echo", "a"], "| cat"),
    ("echo a>f", ["echo", "a"], ">f"),
    ("cat <f", ["cat"], "<f"),
    ("echo 2>f x", ["echo"], "2>f x"),
    ("echo a2>f", ["echo", "a2"], ">f"),
]

BAD = ["echo 'a", 'echo "a', "echo `a", "echo $(a", "echo (a)", "echo a)", "echo $((1+2))", "a(b", "echo a\\"]


@pytest.mark.behaviour("compose:19")
@pytest.mark.parametrize(("text", "words"), SPLIT)
def test_a_command_string_is_split_into_words(text: str, words: list[str]) -> None:
    found = split(text)

    assert list(found.words) == words
    assert found.dropped == ""


@pytest.mark.behaviour("compose:18", "compose:19")
@pytest.mark.parametrize(("text", "words", "dropped"), CUT)
def test_what_follows_an_unquoted_operator_is_dropped_and_said(text: str, words: list[str], dropped: str) -> None:
    found = split(text)

    assert (list(found.words), found.dropped) == (words, dropped)


@pytest.mark.behaviour("compose:19", "compose:20")
@pytest.mark.parametrize("text", BAD)
def test_open_quotes_and_stray_brackets_are_refused(text: str) -> None:
    with pytest.raises(BadCommand):
        split(text)


@given(st.lists(st.text()))
def test_words_in_single_quotes_come_back_as_they_were(words: list[str]) -> None:
    text = " ".join("'" + word.replace("'", "'\"'\"'") + "'" for word in words)

    assert list(split(text).words) == words
