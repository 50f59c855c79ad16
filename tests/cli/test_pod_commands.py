"""``boathook pod stop``, ``delete``, ``exec``, ``logs``, ``ps`` and ``--exit-code-from`` as their users call them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from boathook.cli.main import main
from boathook.cli.pod.ending import SHORTEST, grace_of
from boathook.cli.pod.running import code_of, code_source
from boathook.errors import UsageError
from boathook.home import Home
from boathook.pods import PodRun, parse_pods
from boathook.pods.model import Phase
from tests.cli.test_pod import SECONDS, boathook, started_until, supervised, the_rest

__all__ = ["supervised"]

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: web, tier: TIER}}
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: app
    image: busybox
    command: [sh, -c, "echo out; echo err >&2; trap 'exit 3' TERM; while :; do sleep 0.1; done"]
    workingDir: /tmp
    env: [{name: GREETING, value: hello}]
    lifecycle:
      preStop: {exec: {command: [echo, bye]}}
"""


def a_pod(name: str = "demo", tier: str = "front") -> str:
    return POD.replace("NAME", name).replace("TIER", tier)


def a_file(tmp_path: Path, *pods: str) -> Path:
    file = tmp_path / "pod.yaml"
    file.write_text("---\n".join(pods or (a_pod(),)))
    return file


def called(*args: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, args)])


@pytest.mark.runtime
def test_a_stopped_pod_can_be_looked_at_until_it_is_deleted(tmp_path: Path, supervised: Home) -> None:
    boathook("pod", "run", "-d", a_file(tmp_path))

    stopped = boathook("pod", "stop", "demo")
    listed = boathook("pod", "ps")
    logs = boathook("pod", "logs", "demo")
    described = boathook("pod", "describe", "demo")
    again = boathook("pod", "stop", "demo")
    deleted = boathook("pod", "delete", "demo")
    gone = boathook("pod", "get", "demo")

    assert 'pod "demo" stopped' in stopped.stdout, stopped.stderr
    assert listed.stdout.splitlines()[1].split()[:3] == ["demo", "0/1", "Error"]
    assert (logs.stdout, logs.stderr) == ("out\n", "err\n")
    assert "Exit Code:    3" in described.stdout
    assert "Hook Runs:\n  app preStop:\n    Outcome:    succeeded\n" in described.stdout
    assert "Stopping container app" in described.stdout
    assert again.stdout == 'pod "demo" has ended already\n'
    assert 'pod "demo" deleted' in deleted.stdout
    assert gone.stderr == 'error: pods "demo" not found\n'
    assert list(supervised.containers.iterdir()) == []


@pytest.mark.runtime
def test_the_record_of_a_stopped_pod_gives_way_to_a_new_one(tmp_path: Path, supervised: Home) -> None:
    file = a_file(tmp_path)
    boathook("pod", "run", "-d", file)
    boathook("pod", "stop", "demo")

    replaced = boathook("pod", "run", file, "--for", "0s", "--exit-code-from", "app")

    assert replaced.returncode == 3, replaced.stderr
    assert 'note: replaced the record of pod "demo", which had ended\n' in replaced.stderr


@pytest.mark.runtime
def test_pods_are_chosen_by_label_and_each_is_told_of_by_itself(tmp_path: Path, supervised: Home) -> None:
    file = a_file(tmp_path, a_pod("one"), a_pod("two", "back"))
    boathook("pod", "run", "-d", file)

    names = boathook("pod", "ps", "-l", "app=web,tier in (back,middle)", "-o", "name")
    wide = boathook("pod", "ps", "-o", "wide")
    listed = yaml.safe_load(boathook("pod", "get", "-o", "yaml").stdout)
    stopped = boathook("pod", "stop", "-l", "tier!=none")
    deleted = boathook("pod", "delete", "--all", "--force")

    assert names.stdout == "pod/two\n"
    assert "supervisor/" in wide.stdout
    assert [one["metadata"]["name"] for one in listed["items"]] == ["one", "two"]
    assert stopped.stdout.count("stop requested") == 2
    assert stopped.stdout.count("SIGTERM") == 2
    assert 'pod "one" force deleted' in deleted.stdout
    assert 'pod "two" force deleted' in deleted.stdout


@pytest.mark.runtime
def test_exec_is_as_a_hook_would_be_and_ends_with_the_programs_code(tmp_path: Path, home: Home) -> None:
    process = started_until("Running", "pod", "run", a_file(tmp_path))

    ran = boathook("pod", "exec", "demo", "--", "sh", "-c", "echo $GREETING $PWD; echo no >&2; cat; exit 7")
    missing = boathook("pod", "exec", "demo", "no-such-program")
    unknown = boathook("pod", "exec", "demo", "-c", "nope", "--", "true")
    stopped = boathook("pod", "stop", "demo")
    the_rest(process)

    assert (ran.returncode, ran.stdout, ran.stderr) == (7, "hello /tmp\n", "no\n")
    assert missing.returncode == 1
    assert "no-such-program" in missing.stderr
    assert unknown.stderr == 'error: container "nope" is not in pod "demo"\nhint: it has: app\n'
    assert f"(its record goes with the command that ran it, process {process.pid})" in stopped.stdout


@pytest.mark.runtime
def test_logs_are_chosen_by_number_and_can_carry_time_and_name(tmp_path: Path, supervised: Home) -> None:
    file = a_file(tmp_path, a_pod().replace("echo out; ", "seq 1 5; "))
    boathook("pod", "run", "-d", file)
    boathook("pod", "stop", "demo")

    tail = boathook("pod", "logs", "demo", "--tail", "3", "--prefix")
    followed = boathook("pod", "logs", "demo", "-f", "--tail", "2")
    none = boathook("pod", "logs", "demo", "--since", "0s")
    timed = boathook("pod", "logs", "demo", "--timestamps")
    previous = boathook("pod", "logs", "demo", "-p")

    assert (tail.stdout, tail.stderr) == ("[pod/demo/app] 4\n[pod/demo/app] 5\n", "[pod/demo/app] err\n")
    assert (followed.stdout, followed.stderr) == ("5\n", "err\n")
    assert (none.stdout, none.stderr) == ("", "")
    assert timed.stdout.splitlines()[0].endswith("Z 1")
    assert previous.stderr == 'error: previous terminated container "app" in pod "demo" not found\n'


@pytest.mark.runtime
def test_a_program_reads_this_commands_input_only_where_that_is_asked_for(tmp_path: Path, supervised: Home) -> None:
    boathook("pod", "run", "-d", a_file(tmp_path))
    given, large = b"one\ntwo\n", bytes(range(256)) * 4000
    file = tmp_path / "large"
    file.write_bytes(large)

    def run(*command: str, source: bytes | None = None) -> bytes:
        line = [sys.executable, "-m", "boathook", "pod", "exec", "demo", *command]
        if source is not None:
            return subprocess.run(line, input=source, stdout=subprocess.PIPE, timeout=SECONDS, check=True).stdout
        with file.open("rb") as opened:
            return subprocess.run(line, stdin=opened, stdout=subprocess.PIPE, timeout=SECONDS, check=True).stdout

    following = started_until("out", "pod", "logs", "demo", "-f")
    following.kill()
    the_rest(following)

    assert run("-i", "--", "cat", source=given) == given
    assert run("-i", "--", "cat") == large
    assert run("-i", "--", "head", "-c", "3") == large[:3]
    assert run("--", "cat", source=given) == b""


@pytest.mark.runtime
def test_a_program_whose_output_nobody_reads_any_more_is_ended(tmp_path: Path, supervised: Home) -> None:
    boathook("pod", "run", "-d", a_file(tmp_path))
    following = started_until("out", "pod", "logs", "demo", "-f")
    following.kill()
    the_rest(following)

    line = f"{sys.executable} -m boathook pod exec demo -- yes | head -n 1"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=SECONDS, check=False)

    assert (done.stdout, done.stderr) == ("y\n", "")


def test_what_is_kubectls_and_not_done_is_refused_by_name(home: Home) -> None:
    assert "--tty is not supported" in called("pod", "exec", "x", "-it", "--", "sh").output


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("stop",), "which pods is not said"),
        (("delete", "x", "--all"), "--all and a name contradict each other"),
        (("delete", "x", "-l", "a=b"), "a name and --selector contradict each other"),
        (("ps", "-l", "a b"), 'invalid selector "a b"'),
        (("delete", "x", "--now", "--grace-period", "3"), "--now and --grace-period cannot be specified together"),
        (("delete", "job/x"), 'found "job/", expected a pod\'s name'),
        (("logs", "x", "-c", "a", "--all-containers"), "--container and --all-containers contradict each other"),
    ],
)
def test_contradictions_are_refused(home: Home, args: tuple[str, ...], expected: str) -> None:
    refused = called("pod", *args)

    assert refused.exit_code == 2
    assert expected in refused.output


def test_no_pods_are_said_as_kubectl_says_it(home: Home) -> None:
    assert called("pod", "ps").output == "No resources found in default namespace.\n"
    assert called("pod", "ps", "-A").output == "No resources found.\n"
    assert json.loads(called("pod", "list", "-o", "json").output)["items"] == []


@pytest.mark.parametrize(
    ("seconds", "force", "now", "expected"),
    [
        (None, False, False, None),
        (7, False, False, timedelta(seconds=7)),
        (0, False, False, SHORTEST),
        (None, False, True, SHORTEST),
        (None, True, False, timedelta(0)),
        (0, True, False, timedelta(0)),
    ],
)
def test_grace_options_mean_what_kubectl_means(
    seconds: int | None, force: bool, now: bool, expected: timedelta | None
) -> None:
    assert grace_of(seconds, force, now=now) == expected


def test_force_and_a_period_contradict_each_other() -> None:
    with pytest.raises(UsageError):
        grace_of(3, True, now=False)


def test_the_container_of_the_exit_code_is_named_with_its_pod_where_there_are_several(tmp_path: Path) -> None:
    several = parse_pods(a_file(tmp_path, a_pod("one"), a_pod("two")).read_text(), "pod.yaml")

    with pytest.raises(UsageError, match="ambiguous"):
        code_source(several, "app")
    with pytest.raises(UsageError, match='no pod "three"'):
        code_source(several, "three/app")
    with pytest.raises(UsageError, match='container "x" is not in pod "one"'):
        code_source(several, "one/x")
    assert code_source(several, "two/app") == ("two", "app")


def test_the_exit_code_is_the_last_one_and_1_where_there_is_none() -> None:
    (pod,) = parse_pods(a_pod(), "pod.yaml").pods

    def code(state: dict[str, object]) -> int:
        status = {"containerStatuses": [{"name": "app"} | state]}
        run = PodRun(
            pod=pod,
            phase=Phase.FAILED,
            asked_to_stop=True,
            results=(),
            exit_codes={},
            status=status,  # type: ignore[arg-type]
        )
        return code_of((run,), ("demo", "app"))

    assert code({"state": {"terminated": {"exitCode": 4}}}) == 4
    assert code({"state": {"waiting": {}}, "lastState": {"terminated": {"exitCode": 5}}}) == 5
    assert code({"state": {"waiting": {}}}) == 1
