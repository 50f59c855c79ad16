"""Annotations and Backup documents as they are read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from boathook.backup.model import BackupPod, PodHook
from boathook.backup.parse import backup_pod, freezes, parse_backup, parse_command
from boathook.errors import ManifestError
from boathook.model import Exec, JsonObject, OnFailure
from tests.backup.build import ARK_PRE, PLAIN, POST, PRE, a_pod


def read(annotations: dict[str, str]) -> BackupPod:
    return backup_pod(a_pod("app", annotations=annotations))


def pre(annotations: dict[str, str]) -> PodHook:
    hook = read(annotations).hooks.pre
    assert hook is not None
    return hook


def command(hook: PodHook | None) -> tuple[str, ...]:
    assert hook is not None
    assert isinstance(hook.hook.handler, Exec)
    return hook.hook.handler.command


def warnings(annotations: dict[str, str]) -> list[str]:
    return [finding.id for finding in read(annotations).hooks.findings]


@pytest.mark.behaviour("backup:9", "backup:13", "backup:14")
@pytest.mark.parametrize("form", [PRE, POST, PLAIN, ARK_PRE, "post.hook.backup.ark.heptio.com"])
def test_a_form_without_a_command_is_no_hook_and_one_with_a_command_takes_its_own_fields(form: str) -> None:
    without = read({f"{form}/container": "some-container"}).hooks
    hooks = read({f"{form}/command": "/bin/ls", f"{form}/container": "some-container", f"{form}/timeout": "5m3s"}).hooks

    hook = hooks.post if form.startswith("post") else hooks.pre
    assert (without.pre, without.post) == (None, None)
    assert hook is not None
    assert (hook.container, hook.hook.timeout) == ("some-container", timedelta(seconds=303))
    assert hook.hook.on_failure is OnFailure.STOP


@pytest.mark.behaviour("backup:10", "backup:11", "backup:99", "backup:100")
@pytest.mark.parametrize(
    ("written", "argv"),
    [
        ('["a","b","c"]', ("a", "b", "c")),
        ("/usr/bin/foo", ("/usr/bin/foo",)),
        ("echo a b", ("echo a b",)),
        ('["a", 1]', ('["a", 1]',)),
        ('["a"', ('["a"',)),
        ('["a"] b', ('["a"] b',)),
        ('["a", null]', ('["a", null]',)),
        (' ["a"]', (' ["a"]',)),
        ("[]", ()),
        ('["$(VAR)", "$VAR"]', ("$(VAR)", "$VAR")),
    ],
)
def test_a_command_is_a_json_array_of_strings_or_one_word(written: str, argv: tuple[str, ...]) -> None:
    assert parse_command(written) == argv


@pytest.mark.behaviour("backup:12", "backup:101")
@pytest.mark.parametrize(
    ("written", "on_failure", "warned"),
    [
        ("Continue", OnFailure.CONTINUE, []),
        ("Fail", OnFailure.STOP, []),
        ("continue", OnFailure.STOP, ["backup.on-error"]),
        ("", OnFailure.STOP, []),
    ],
)
def test_on_error_is_fail_unless_it_says_continue_exactly(
    written: str, on_failure: OnFailure, warned: list[str]
) -> None:
    annotations = {f"{PRE}/command": "/x", f"{PRE}/on-error": written}

    assert pre(annotations).hook.on_failure is on_failure
    assert warnings(annotations) == warned


@pytest.mark.behaviour("backup:103")
@pytest.mark.parametrize(
    ("written", "seconds", "warned"),
    [
        ("300", 30, True),
        ("-5s", 30, True),
        ("0s", 30, False),
        ("1.5m", 90, False),
        ("5 m", 30, True),
        ("", 30, False),
    ],
)
def test_a_timeout_that_is_no_positive_duration_is_30_seconds(written: str, seconds: float, warned: bool) -> None:
    annotations = {f"{PRE}/command": "/x", f"{PRE}/timeout": written}

    assert pre(annotations).hook.timeout == timedelta(seconds=seconds)
    assert warnings(annotations) == (["backup.timeout"] if warned else [])


@pytest.mark.behaviour("backup:94", "backup:97")
def test_prefixed_wins_over_unprefixed_and_velero_over_ark() -> None:
    both = {f"{ARK_PRE}/command": "/ark", f"{PLAIN}/command": "/plain"}

    assert command(pre({**both, f"{PRE}/command": "/velero"})) == ("/velero",)
    assert command(pre(both)) == ("/ark",)
    assert command(pre({f"{PRE}/command": "", f"{PLAIN}/command": "/plain"})) == ("/plain",)


@pytest.mark.behaviour("backup:95")
def test_fields_of_another_form_do_not_count() -> None:
    assert pre({f"{PRE}/command": "/x", f"{PLAIN}/timeout": "5m"}).hook.timeout == timedelta(seconds=30)


@pytest.mark.behaviour("backup:96")
def test_an_unprefixed_command_is_no_post_hook() -> None:
    assert read({f"{PLAIN}/command": "/x"}).hooks.post is None


def test_what_is_likely_a_mistake_is_said() -> None:
    assert warnings({f"{PRE}/command": "echo a b"}) == ["backup.one-word-command"]
    assert warnings({f"{PRE}/comand": "/x"}) == ["backup.unknown-key"]
    assert warnings({f"{PRE}/command": '["fsfreeze", "--freeze", "/data"]'}) == ["backup.freeze-without-thaw"]


@pytest.mark.parametrize(
    ("argv", "freezing"),
    [
        ('["/sbin/fsfreeze", "--freeze", "/data"]', True),
        ('["fsfreeze", "-f", "/data"]', True),
        ('["sh", "-c", "sync; fsfreeze -f /data"]', True),
        ('["xfs_freeze", "-f", "/data"]', True),
        ('["fsfreeze", "--unfreeze", "/data"]', False),
        ('["xfs_freeze", "-u", "/data"]', False),
        ("/bin/sync", False),
    ],
)
def test_commands_that_freeze_are_known(argv: str, freezing: bool) -> None:
    assert freezes(pre({f"{PRE}/command": argv}).hook) is freezing


def test_only_emptydirs_and_claims_are_copied_and_what_the_pod_excludes_is_not() -> None:
    volumes: list[JsonObject] = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "host", "hostPath": {"path": "/etc"}},
        {"name": "config", "configMap": {"name": "config"}},
        {"name": "cache", "emptyDir": {}},
    ]
    pod = a_pod(volumes=volumes, annotations={"backup.velero.io/backup-volumes-excludes": "cache"})

    assert [volume.name for volume in backup_pod(pod).volumes] == ["scratch", "data"]


DOCUMENT = """\
apiVersion: {version}
kind: Backup
metadata:
  name: nightly
spec:
  includedNamespaces: [shop]
  labelSelector:
    matchLabels: {{app: db}}
    matchExpressions:
    - {{key: tier, operator: NotIn, values: [web]}}
  ttl: 24h
"""


@pytest.mark.parametrize("version", ["velero.io/v1", "ark.heptio.com/v1"])
def test_a_backup_document_of_either_group_is_read(version: str) -> None:
    spec = parse_backup(DOCUMENT.format(version=version), "backup.yaml")

    assert (spec.name, spec.included_namespaces, spec.ttl) == ("nightly", ("shop",), timedelta(hours=24))
    assert spec.selector_text == "app=db,tier notin (web)"


def test_all_problems_of_a_backup_document_are_told_and_spec_hooks_are_refused_by_name() -> None:
    text = "apiVersion: v1\nkind: Backup\nspec:\n  hooks: {resources: []}\n  nothing: 1\n  ttl: 5\n"

    with pytest.raises(ManifestError) as refused:
        parse_backup(text, "backup.yaml", name="x")

    lines = [(problem.source.line, problem.id) for problem in refused.value.problems]
    assert (1, "backup.api-version") in lines
    assert (4, "backup.not-yet") in lines
    assert {line for line, _ in lines} == {1, 4, 5, 6}
