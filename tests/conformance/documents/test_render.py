"""What is written into a block: valid YAML, the case's sentences, its log, and nothing that changes from run to run."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from boathook.conformance.documents import Style, block_of, parse_page, placeholder
from boathook.conformance.model import Observation, Status
from boathook.pods import parse_pods
from tests.conformance.documents.build import (
    BASIC,
    FAILURE,
    MULTIPLE,
    SEED_PAGE,
    a_case,
    a_pod,
    a_project_case,
    a_result,
    basic_pod,
)

pytestmark = pytest.mark.behaviour("pods:32")

BOTH = pytest.mark.parametrize("style", list(Style))


def test_the_style_of_the_reference_page_gives_its_first_block() -> None:
    page = parse_page(SEED_PAGE.read_text(), "prestop.md")

    written = block_of(a_result(BASIC, pods=[basic_pod()]), Style.SEED)

    assert written == list(page.content(page.blocks[0]))
    assert page.with_blocks({BASIC.name: written}) == SEED_PAGE.read_text()


def test_a_cleared_block_says_what_the_reference_page_says() -> None:
    page = parse_page(SEED_PAGE.read_text(), "prestop.md")

    assert [list(page.content(block)) for block in page.blocks[1:]] == [placeholder(FAILURE), placeholder(MULTIPLE)]


def test_a_fenced_block_holds_a_manifest_that_can_be_applied() -> None:
    lines = block_of(a_result(BASIC, pods=[basic_pod()]), Style.FENCED)

    manifest = "\n".join(lines[lines.index("```yaml") + 1 : lines.index("```")])
    (pod,) = parse_pods(manifest, "page.md").pods
    assert pod.name == "prestop-pod"
    assert lines[-5:] == ["", "```text", "PreStop hook executed successfully", "```", ""]
    assert "1. This Pod should start successfully and run for some time" in lines


@BOTH
def test_what_a_cluster_assigned_is_not_shown(style: Style) -> None:
    text = "\n".join(block_of(a_result(), style))

    assert not {word for word in ("case-1", "0001", "namespace", "status", "12.3") if word in text}


@BOTH
def test_the_order_of_keys_changes_nothing(style: Style) -> None:
    pod = basic_pod()
    turned = dict(reversed(pod.items()))

    assert block_of(a_result(pods=[pod]), style) == block_of(a_result(pods=[turned]), style)


def test_several_pods_are_several_documents() -> None:
    lines = block_of(a_result(pods=[a_pod("a"), a_pod("b")]), Style.FENCED)

    manifest = "\n".join(lines[lines.index("```yaml") + 1 : lines.index("```")])
    assert [one["metadata"]["name"] for one in yaml.safe_load_all(manifest)] == ["a", "b"]


@BOTH
def test_a_failed_run_says_so_without_its_times(style: Style) -> None:
    missed = Observation(what="TERM after the hook", expected="10 to 12 s", observed="3.2 s", ok=False)
    failed = a_result(status=Status.FAILED, reason="TERM came after 3.2 s", observations=[missed])

    lines = block_of(failed, style)

    assert "**This test failed.**" in lines
    assert "- TERM after the hook" in lines
    assert "3.2" not in "\n".join(lines)


def test_backticks_in_a_log_do_not_end_its_fence() -> None:
    lines = block_of(a_result(log=["a ```` b", "```"]), Style.FENCED)

    assert lines[-5:] == ["`````text", "a ```` b", "```", "`````", ""]


def test_a_control_character_is_shown_and_not_sent() -> None:
    lines = block_of(a_result(log=["\x1b[31mred\r", "two\nlines"]), Style.FENCED)

    assert lines[-5:-2] == ["\\x1b[31mred\\r", "two", "lines"]


pieces = ["<!-- x_starts -->", "\n<!-- x_ends -->\n", "\u2028", *"ab`\\\n\r\t <!->_xstarend"]
texts = st.lists(st.sampled_from(pieces), max_size=12).map("".join)


@given(st.sampled_from(list(Style)), texts, st.lists(texts, max_size=3), texts, st.lists(texts, max_size=3))
def test_no_text_of_a_run_is_taken_for_a_marker(
    style: Style, description: str, steps: list[str], argument: str, log: list[str]
) -> None:
    case = a_case("x", description=description, steps=steps)
    page = parse_page("<!-- x_starts -->\n<!-- x_ends -->\nend", "page.md")

    text = page.with_blocks({"x": block_of(a_result(case, pods=[a_pod(args=[argument])], log=log), style)})

    (block,) = parse_page(text, "page.md").blocks
    assert block.name == "x"
    assert text.endswith("<!-- x_ends -->\nend")


@given(texts)
def test_the_shown_manifest_means_what_was_applied(argument: str) -> None:
    lines = block_of(a_result(pods=[a_pod(args=[argument])], log=[]), Style.FENCED)
    fence = next(line for line in lines if line.endswith("yaml"))
    closing = fence.removesuffix("yaml")

    manifest = yaml.safe_load("\n".join(lines[lines.index(fence) + 1 : lines.index(closing)]))

    assert manifest["spec"]["containers"][0]["args"] == [argument]


def test_a_project_is_shown_by_its_files_the_steps_and_what_happened() -> None:
    case = a_project_case(compose="services: {}\n", base="a: b\n")

    lines = block_of(a_result(case, pods=[], log=["$ boathook compose up -d", "  register begins"]), Style.FENCED)

    assert lines == [
        "",
        "It shows something.",
        "",
        "`compose.yaml`:",
        "",
        "```yaml",
        "services: {}",
        "```",
        "",
        "`base.yaml`:",
        "",
        "```yaml",
        "a: b",
        "```",
        "",
        "1. First this happens",
        "2. Then that",
        "",
        "### What happens",
        "",
        "```text",
        "$ boathook compose up -d",
        "  register begins",
        "```",
        "",
    ]


def test_a_cleared_block_of_a_project_says_what_comes_there() -> None:
    assert placeholder(a_project_case()) == [
        "<!-- Test details, files, steps, and logs for Some Project Test will be auto-inserted here -->"
    ]
