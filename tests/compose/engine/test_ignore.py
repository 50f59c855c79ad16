"""What a build context leaves out."""

from __future__ import annotations

import pytest

from boathook.compose.engine.ignore import parse_ignored
from boathook.errors import UsageError


def left_out(lines: str, *paths: str) -> list[str]:
    ignored = parse_ignored(lines.splitlines())
    return [path for path in paths if ignored.leaves_out(path)]


@pytest.mark.parametrize(
    ("pattern", "out", "kept"),
    [
        ("temp", ["temp", "temp/a", "temp/a/b"], ["other", "a/temp", "temporary"]),
        ("/temp/", ["temp", "temp/a"], ["a/temp"]),
        ("*/temp*", ["a/temp", "a/temporary/x"], ["temp", "a/b/temp"]),
        ("*/*/temp*", ["a/b/temp"], ["a/temp"]),
        ("temp?", ["tempa"], ["temp", "tempab", "temp/"]),
        ("**/*.go", ["a.go", "a/b/c.go"], ["a.gone"]),
        ("**", ["a", "a/b", ".hidden"], []),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["a/b", "z"]),
        ("*.md", ["README.md"], ["docs/README.md"]),
        ("[ab].txt", ["a.txt", "b.txt"], ["c.txt", "[ab].txt"]),
        ("[^a].txt", ["b.txt"], ["a.txt"]),
        ("a\\*b", ["a*b"], ["axb"]),
        ("a+b(c).{d}", ["a+b(c).{d}"], ["aab(c).{d}"]),
        ("./x/../y", ["y"], ["x"]),
        ("a b", ["a b"], ["a"]),
    ],
)
def test_a_pattern_speaks_of_paths_from_the_root_and_of_all_below_them(
    pattern: str, out: list[str], kept: list[str]
) -> None:
    assert left_out(pattern, *out, *kept) == out


def test_blank_lines_comments_and_blanks_around_mean_nothing() -> None:
    assert left_out("\ufeff# no\n\n  a  \n#b\n", "a", "b", "#b", "# no") == ["a"]


@pytest.mark.parametrize(
    ("lines", "out"),
    [
        ("*.md\n!README.md", ["README-secret.md", "x.md"]),
        ("!README.md\n*.md", ["README.md", "README-secret.md", "x.md"]),
        ("*.md\n!README*.md\nREADME-secret.md", ["README-secret.md", "x.md"]),
        ("docs\n!docs/keep", ["docs/drop"]),
        ("*\n!**/keep", ["README.md", "README-secret.md", "x.md", "docs/drop"]),
    ],
)
def test_the_last_line_that_speaks_of_a_path_decides(lines: str, out: list[str]) -> None:
    paths = ["README.md", "README-secret.md", "x.md", "docs/keep", "docs/drop"]

    assert sorted(left_out(lines, *paths)) == sorted(out)


@pytest.mark.parametrize(
    ("line", "message"),
    [("!", 'illegal exclusion pattern: "!"'), ("a[", 'syntax error in pattern "a["')],
)
def test_a_pattern_that_means_nothing_is_refused(line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("[", r"\[")):
        parse_ignored([line])
