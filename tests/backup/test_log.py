"""The backup's own log."""

from __future__ import annotations

import pytest

from boathook.backup.log import BackupLog, quoted
from boathook.backup.parse import backup_pod
from boathook.clock import VIRTUAL_EPOCH
from tests.backup.build import a_pod, hooks


class StoppedClock:
    def now(self):  # type: ignore[no-untyped-def]
        return VIRTUAL_EPOCH


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain/value-1.0", "plain/value-1.0"),
        ("", '""'),
        ("two words", '"two words"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a\nb", '"a\\nb"'),
        ("[a b]", '"[a b]"'),
    ],
)
def test_values_are_bare_where_they_can_be(value: str, written: str) -> None:
    assert quoted(value) == written


@pytest.mark.behaviour("backup:121")
def test_a_running_hook_is_logged_with_all_that_identifies_it_and_keys_in_order() -> None:
    lines: list[str] = []
    pod = backup_pod(a_pod(annotations=hooks(pre='["fsfreeze", "-f", "/data"]', pre_timeout="90s")))
    assert pod.hooks.pre is not None

    BackupLog(backup="nightly", clock=StoppedClock(), write=lines.append).hook_runs(pod, pod.hooks.pre)

    assert lines == [
        'time="2000-01-01T00:00:00Z" level=info msg="running exec hook" backup=velero/nightly '
        'hookCommand="[fsfreeze -f /data]" hookContainer=db hookName="<from-annotation>" hookOnError=Fail '
        'hookPhase=pre hookSource=annotation hookTimeout="{1m30s}" hookType=exec name=db namespace=default '
        "resource=pods"
    ]


def test_error_lines_are_kept_for_the_results_with_the_pod_s_namespace() -> None:
    log = BackupLog(backup="nightly", clock=StoppedClock(), write=lambda line: None)

    log.error("Error executing hook", {"resource": "pods", "namespace": "other", "name": "db"}, error="exit code 3")

    assert [(one.namespace, str(one)) for one in log.errors] == [
        ("other", " resource: /pods name: /db message: /Error executing hook error: /exit code 3")
    ]
