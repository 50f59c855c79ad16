"""Markers are found as the reference page has them, and what is outside of them is kept byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boathook.conformance.documents.pages import parse_page
from boathook.errors import ManifestError
from tests.conformance.documents.build import SEED_PAGE, a_block

pytestmark = pytest.mark.behaviour("pods:32")


def problems_of(text: str) -> list[str]:
    with pytest.raises(ManifestError) as refused:
        parse_page(text, "page.md")
    return [str(problem) for problem in refused.value.problems]


def test_the_reference_page_has_three_blocks() -> None:
    page = parse_page(SEED_PAGE.read_text(), "prestop.md")

    assert [block.name for block in page.blocks] == [
        "prestop_basic_execution_test",
        "prestop_basic_failure_test",
        "prestop_multiple_containers_test",
    ]
    assert page.text == SEED_PAGE.read_text()


@pytest.mark.parametrize(
    "line", ["<!-- x_starts -->", "  <!--x_starts-->\t", "\t<!--   x_starts -->", "\ufeff<!-- x_starts -->"]
)
def test_a_marker_is_a_comment_alone_on_its_line(line: str) -> None:
    assert len(parse_page(f"{line}\n<!-- x_ends -->", "page.md").blocks) == 1


@pytest.mark.parametrize(
    "line", ["see <!-- x_starts -->", "<!-- X_starts -->", "<!-- x starts -->", "<!-- 1_ends -->."]
)
def test_what_only_resembles_a_marker_is_text(line: str) -> None:
    assert parse_page(line, "page.md").blocks == ()


def test_every_marker_without_its_partner_is_told_with_its_line() -> None:
    text = "<!-- a_ends -->\n\n<!-- b_starts -->\n<!-- b_ends -->\n<!-- c_starts -->\n"

    assert problems_of(text) == [
        'page.md:1: "a_ends" has no "a_starts" before it',
        'page.md:5: "c_starts" has no "c_ends" after it',
    ]


def test_blocks_do_not_stand_inside_of_each_other() -> None:
    text = "<!-- a_starts -->\n<!-- b_starts -->\n<!-- b_ends -->\n<!-- a_ends -->\n"

    assert problems_of(text) == ['page.md:2: "b_starts" stands inside of "a", begun in line 1']


def test_blocks_do_not_cross() -> None:
    text = "<!-- a_starts -->\n<!-- b_starts -->\n<!-- a_ends -->\n<!-- b_ends -->\n"

    assert 'page.md:3: "a_ends" comes before "b_ends"' in problems_of(text)


def test_a_name_has_one_block_in_a_page() -> None:
    assert problems_of(a_block("a") + a_block("a")) == ['page.md:3: "a_starts" is there a second time']


def test_new_lines_end_as_the_page_s_other_lines_do() -> None:
    page = parse_page("head\r\n<!-- a_starts -->\r\nold\nmixed\r\n<!-- a_ends -->\r\n", "page.md")

    assert page.with_blocks({"a": ["new", ""]}) == "head\r\n<!-- a_starts -->\r\nnew\r\n\r\n<!-- a_ends -->\r\n"


plain = st.text(st.characters(codec="utf-8"), max_size=30).filter(lambda text: "<!--" not in text)
endings = st.sampled_from(["\n", "\r\n"])
names = st.from_regex(r"[a-z0-9][a-z0-9_]{0,8}", fullmatch=True)


@st.composite
def pages(draw: st.DrawFn) -> tuple[str, list[str], list[str]]:
    """A page's text, the names of its blocks, and the pieces outside of their contents."""
    found = draw(st.lists(names, unique=True, max_size=4))
    bom = draw(st.sampled_from(["", "\ufeff"]))
    outside, text = [], ""
    piece = bom
    for name in found:
        before = draw(plain)
        piece += before + draw(endings) if before else ""
        piece += f"<!-- {name}_starts -->{draw(endings)}"
        content = draw(plain)
        text += piece + (content + draw(endings) if content else "")
        outside.append(piece)
        piece = f"<!-- {name}_ends -->" + draw(endings)
    outside.append(piece + draw(plain))
    return text + outside[-1], found, outside


@given(pages(), st.lists(plain.filter(lambda text: "\n" not in text and not text.endswith("\r")), max_size=4))
def test_outside_of_the_blocks_nothing_changes_and_the_same_blocks_are_found_again(
    made: tuple[str, list[str], list[str]], lines: list[str]
) -> None:
    text, found, outside = made
    page = parse_page(text, "page.md")

    after = page.with_blocks(dict.fromkeys(found, lines))
    again = parse_page(after, "page.md")

    content = "".join(line + page.newline for line in lines)
    assert page.text == text
    assert [block.name for block in page.blocks] == found
    assert after == content.join(outside)
    assert [block.name for block in again.blocks] == found
    assert [list(again.content(block)) for block in again.blocks] == [lines] * len(found)
    assert again.with_blocks(dict.fromkeys(found, lines)) == after
    assert page.with_blocks({}) == text
