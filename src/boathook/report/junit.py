"""Results of tests as JUnit XML, as CI systems read it. Pure; knows nothing of who ran what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from xml.etree import ElementTree

_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What XML 1.0 cannot say, not even escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestEntry:
    """One test: ``failed`` and ``skipped`` say why, or are empty."""

    __test__ = False

    suite: str
    name: str
    duration: timedelta
    failed: str = ""
    skipped: str = ""
    details: str = ""
    """More about a failure, several lines."""
    output: str = ""


def junit_xml(name: str, entries: Iterable[TestEntry]) -> str:
    """All tests under one root, a test suite for each of their suites, in order."""
    entries = tuple(entries)
    root = ElementTree.Element("testsuites", {"name": name, **_counts(entries)})
    for suite in dict.fromkeys(entry.suite for entry in entries):
        inside = [entry for entry in entries if entry.suite == suite]
        element = ElementTree.SubElement(root, "testsuite", {"name": f"{name}.{suite}", **_counts(inside)})
        for entry in inside:
            _add_case(element, f"{name}.{suite}", entry)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _counts(entries: Sequence[TestEntry]) -> dict[str, str]:
    return {
        "tests": str(len(entries)),
        "failures": str(sum(bool(entry.failed) for entry in entries)),
        "errors": "0",
        "skipped": str(sum(bool(entry.skipped) for entry in entries)),
        "time": _seconds(sum((entry.duration for entry in entries), timedelta(0))),
    }


def _add_case(parent: ElementTree.Element, classname: str, entry: TestEntry) -> None:
    attributes = {"classname": classname, "name": entry.name, "time": _seconds(entry.duration)}
    element = ElementTree.SubElement(parent, "testcase", attributes)
    if entry.failed:
        failure = ElementTree.SubElement(element, "failure", {"message": _clean(entry.failed)})
        failure.text = _clean(entry.details)
    if entry.skipped:
        ElementTree.SubElement(element, "skipped", {"message": _clean(entry.skipped)})
    if entry.output:
        ElementTree.SubElement(element, "system-out").text = _clean(entry.output)


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.3f}"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
