from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from boathook.helm.model import HOOK_SUCCEEDED, LastRun, ReleaseStatus, RunPhase
from boathook.helm.storage import decode, encode, from_record, secret_of, to_record
from tests.helm.build import MOMENT, a_hook, a_release


@pytest.mark.behaviour("helm:56")
def test_a_release_is_a_secret_with_helms_name_type_and_labels() -> None:
    secret = secret_of(a_release(revision=3, status=ReleaseStatus.FAILED), stamp="createdAt", now=MOMENT)

    assert secret["type"] == "helm.sh/release.v1"
    assert secret["metadata"] == {
        "name": "sh.helm.release.v1.demo.v3",
        "namespace": "default",
        "labels": {"createdAt": "1767323045", "name": "demo", "owner": "helm", "status": "failed", "version": "3"},
    }


@pytest.mark.behaviour("helm:56")
def test_the_record_is_encoded_twice_around_gzip() -> None:
    secret = secret_of(a_release(), stamp="createdAt", now=MOMENT)
    data = secret["data"]
    assert isinstance(data, dict)

    helms = base64.b64decode(base64.b64decode(str(data["release"])))

    assert helms.startswith(b"\x1f\x8b\x08")
    assert json.loads(gzip.decompress(helms))["name"] == "demo"


def test_a_release_survives_its_record() -> None:
    ran = replace(
        a_hook("a", weight=-5, delete_policies=(HOOK_SUCCEEDED,)),
        last_run=LastRun(started=MOMENT, completed=MOMENT + timedelta(seconds=1), phase=RunPhase.SUCCEEDED),
    )
    release = replace(a_release(hooks=(ran, a_hook("b"))), config={"a": [1, None]}, notes="hello ü", deleted=MOMENT)

    assert decode(encode(release)) == replace(release, chart=replace(release.chart, path=""))


def test_a_hook_that_never_ran_has_no_policies_and_no_times_in_the_record() -> None:
    record = to_record(a_release(hooks=(a_hook("a"),)))

    assert record["hooks"] == [
        {
            "name": "a",
            "kind": "Job",
            "path": "chart/templates/a.yaml",
            "manifest": "kind: Job\n",
            "events": ["pre-install"],
            "last_run": {"phase": ""},
        }
    ]


def test_a_record_of_helm_3_is_read() -> None:
    release = from_record(
        {
            "name": "old",
            "info": {
                "first_deployed": "2024-05-06T07:08:09.123456789+02:00",
                "last_deployed": "2024-05-06T07:08:09.123456789+02:00",
                "deleted": "",
                "description": "Install complete",
                "status": "deployed",
            },
            "chart": {"metadata": {"name": "c", "version": "1.0.0"}, "templates": [], "values": {}},
            "manifest": "",
            "version": 1,
            "namespace": "default",
            "hooks": [{"name": "h", "kind": "Job", "events": ["test"], "last_run": {"started_at": "", "phase": ""}}],
        }
    )

    assert release.first_deployed.microsecond == 123456
    assert release.deleted is None
    assert release.hooks[0].last_run.started is None


def test_what_is_no_record_is_said_to_be_none() -> None:
    with pytest.raises(ValueError, match="no release record"):
        decode(base64.b64encode(b"{}"))
