"""JUnit XML as CI systems read it."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree

import pytest

from boathook.report.junit import TestEntry, junit_xml


def an_entry(name: str, *, suite: str = "prestop", failed: str = "", skipped: str = "", details: str = "") -> TestEntry:
    return TestEntry(
        suite=suite, name=name, duration=timedelta(seconds=1.5), failed=failed, skipped=skipped, details=details
    )


def test_results_are_counted_suite_by_suite() -> None:
    entries = [an_entry("a"), an_entry("b", failed="late"), an_entry("c", suite="probes", skipped="no kubelet")]

    root = ElementTree.fromstring(junit_xml("boathook", entries))

    assert root.attrib == {
        "name": "boathook", "tests": "3", "failures": "1", "errors": "0", "skipped": "1", "time": "4.500"
    }  # fmt: skip
    assert [(suite.get("name"), suite.get("tests")) for suite in root] == [
        ("boathook.prestop", "2"),
        ("boathook.probes", "1"),
    ]


@pytest.mark.behaviour("deps:33")
def test_a_failure_says_what_was_expected_and_what_happened() -> None:
    root = ElementTree.fromstring(
        junit_xml("boathook", [an_entry("a", failed="a < b & c", details="1.0 it\n2.0 ends")])
    )

    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "a < b & c"
    assert failure.text == "1.0 it\n2.0 ends"


def test_characters_that_xml_does_not_know_are_replaced() -> None:
    text = junit_xml("boathook", [an_entry("a", failed="\x1b[31mred\x00")])

    failure = ElementTree.fromstring(text).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "\ufffd[31mred\ufffd"
