"""A backup in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from boathook.backup.describe import describe, table
from boathook.backup.layout import results
from boathook.backup.model import Backup, Phase, Problem
from boathook.backup.selector import parse_selector
from tests.backup.build import a_spec

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def a_backup(phase: Phase = Phase.COMPLETED, **fields: object) -> Backup:
    made = Backup(
        spec=a_spec(),
        uid="uid",
        phase=phase,
        failure_reason=None,
        started=NOW,
        completed=NOW + timedelta(seconds=5) if phase.ended else None,
        total_items=1,
        items_backed_up=1,
        errors=0,
        warnings=0,
        hooks_attempted=2,
        hooks_failed=1,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def a_problem(namespace: str, message: str) -> Problem:
    return Problem(namespace=namespace, resource="pods", name="db", message=message, error="it broke")


@pytest.mark.behaviour("backup:122")
def test_hooks_attempted_and_failed_stand_at_the_end_and_no_hooks_of_the_spec_are_none() -> None:
    told = describe(a_backup())

    assert "Hooks:         <none>\n" in told
    assert told.endswith("HooksAttempted: 2\nHooksFailed:   1\n")


def test_a_failed_backup_says_why_and_where_to_read_more() -> None:
    told = describe(a_backup(Phase.FAILED, failure_reason="no space"))

    assert "Phase:         Failed (run `boathook backup logs nightly` for more information)\n" in told
    assert "Failure reason: no space\n" in told


def test_errors_stand_under_their_namespace_in_the_peers_words() -> None:
    kept = results((a_problem("default", "Error executing hook"), a_problem("", "Backup failed")), ())

    told = describe(a_backup(Phase.PARTIALLY_FAILED, errors=2), results=kept)

    assert (
        "Errors:\n"
        "  Velero:\n"
        "     resource: /pods name: /db message: /Backup failed error: /it broke\n"
        "  Cluster:   <none>\n"
        "  Namespaces:\n"
        "    default:\n"
        "      resource: /pods name: /db message: /Error executing hook error: /it broke\n"
    ) in told
    assert "Warnings:" not in told


def test_a_backup_that_is_being_made_has_no_end_and_no_counts_yet() -> None:
    told = describe(a_backup(Phase.IN_PROGRESS))

    assert "Completed:     <n/a>\n" in told
    assert "Items backed up" not in told


def test_objects_are_listed_when_details_are_asked_for_and_volumes_always() -> None:
    volume = {"namespace": "default", "pod": "db", "volume": "data", "phase": "Completed", "size_bytes": 29}

    told = describe(a_backup(), resources={"v1/Pod": ["default/db"]}, volumes=[volume], details=True)

    assert "Resource List:\n  v1/Pod:\n    - default/db\n" in told
    assert "Backup Volumes:\n  default/db: data (29 bytes)\n" in told


def test_the_table_tells_how_long_a_backup_is_kept() -> None:
    kept = a_backup(spec=a_spec(selector=parse_selector("app=db,tier!=web")))
    expired = a_backup(Phase.PARTIALLY_FAILED, errors=2, spec=a_spec("old", ttl=timedelta(minutes=30)))

    told = table((kept, expired), NOW + timedelta(hours=3)).splitlines()

    assert told[0].split("   ")[0] == "NAME"
    assert [line.split()[0] for line in told[1:]] == ["nightly", "old"]
    assert "29d" in told[1]
    assert told[1].endswith("app=db,tier notin (web)")
    assert "2h ago" in told[2]
