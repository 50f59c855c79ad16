from __future__ import annotations

from dataclasses import replace

from boathook.helm.model import HookEvent, LastRun, RunPhase
from boathook.helm.text import list_text, status_text, stored_text
from tests.helm.build import MOMENT, a_hook, a_release


def test_a_status_reads_as_helms() -> None:
    release = replace(a_release(), notes="thanks\n")

    assert status_text(release, resources=[{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}]) == (
        "NAME: demo\n"
        "LAST DEPLOYED: Fri Jan  2 03:04:05 2026\n"
        "NAMESPACE: default\n"
        "STATUS: deployed\n"
        "REVISION: 1\n"
        "DESCRIPTION: Install complete\n"
        "RESOURCES:\n"
        "==> v1/ConfigMap\n"
        "NAME\n"
        "a\n"
        "\n"
        "TEST SUITE: None\n"
        "NOTES:\n"
        "thanks\n"
    )


def test_only_tests_that_have_started_are_shown() -> None:
    started = LastRun(started=MOMENT, completed=MOMENT, phase=RunPhase.SUCCEEDED)
    ran = replace(a_hook("t1", events=(HookEvent.TEST,)), last_run=started)
    release = a_release(hooks=(ran, a_hook("t2", events=(HookEvent.TEST,))))

    assert "TEST SUITE:     t1\nLast Started:   Fri Jan  2 03:04:05 2026\n" in status_text(release)
    assert "t2" not in status_text(release)


def test_a_list_has_helms_columns() -> None:
    heading, row = list_text([a_release()]).splitlines()

    assert [cell.strip() for cell in heading.split("\t")] == [
        "NAME",
        "NAMESPACE",
        "REVISION",
        "UPDATED",
        "STATUS",
        "CHART",
        "APP VERSION",
    ]
    assert [cell.strip() for cell in row.split("\t")] == [
        "demo",
        "default",
        "1",
        "2026-01-02 03:04:05.678901 +0000 UTC",
        "deployed",
        "chart-0.1.0",
        "1.0",
    ]


def test_stored_hooks_are_shown_run_or_not_in_stored_order() -> None:
    release = a_release(hooks=(a_hook("b"), a_hook("a")))

    assert stored_text(release, "hooks") == (
        "---\n# Source: chart/templates/b.yaml\nkind: Job\n\n---\n# Source: chart/templates/a.yaml\nkind: Job\n\n"
    )


def test_values_that_nobody_gave_are_null() -> None:
    assert stored_text(a_release(), "values") == "USER-SUPPLIED VALUES:\nnull\n"
    assert stored_text(replace(a_release(), config={"a": {"b": 1}}), "values") == "USER-SUPPLIED VALUES:\na:\n  b: 1\n"


def test_a_chart_without_notes_prints_none() -> None:
    assert stored_text(a_release(), "notes") == ""
