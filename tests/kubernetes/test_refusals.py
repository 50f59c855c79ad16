"""The recorded answers that the parser of pods is compared with are those of the API server itself."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.kubernetes.testbed import LONGEST_SECONDS, Testbed
from tests.pods.test_api_refusals import RECORDED

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(LONGEST_SECONDS)]

VERSION = "v1.36."
"""Of the server whose answers are recorded; others have other words."""

NEXT = re.compile(r", (?=(?:spec|metadata)[.\[])")
ANSWER = re.compile(r'Error from server \((?:Invalid|BadRequest)\): error when creating "[^"]*": (?P<text>.*)')


def answers(testbed: Testbed, file: Path) -> dict[str, list[str]]:
    """What the server says to every recorded pod: nothing to one that it accepts. Nothing is created."""
    said: dict[str, list[str]] = {}
    file.write_text("\n---\n".join(json.dumps(one["pod"]) for one in RECORDED.values()), encoding="utf-8")
    # It goes on after an error, and tells them in the order of the file.
    command = [str(testbed.script), "kubectl", "apply", "--dry-run=server", "-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    accepted = set(re.findall(r"^pod/(\S+) created", done.stdout, re.MULTILINE))
    refused = iter(match["text"] for line in done.stderr.splitlines() if (match := ANSWER.match(line)))
    for case, one in RECORDED.items():
        said[case] = [] if one["pod"]["metadata"]["name"] in accepted else _parts(next(refused))
    return said


def _parts(text: str) -> list[str]:
    """The several problems of one answer."""
    if (unreadable := text.partition("cannot be handled as a Pod: "))[1]:
        return [unreadable[2]]
    problems = text.partition(" is invalid: ")[2]
    if problems.startswith("[") and problems.endswith("]"):
        problems = problems[1:-1]
    return NEXT.split(problems)


def test_the_recorded_refusals_are_the_servers(kubernetes: Testbed, tmp_path: Path) -> None:
    version = json.loads(kubernetes.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"]
    if not version.startswith(VERSION):
        pytest.skip(f"the record is that of Kubernetes {VERSION}x, and this is {version}")

    said = answers(kubernetes, tmp_path / "pods.yaml")

    # The server goes through some fields (requests of resources) in no order of its own: another one each time.
    assert {case: sorted(texts) for case, texts in said.items()} == {
        case: sorted(one["refused"]) for case, one in RECORDED.items()
    }
