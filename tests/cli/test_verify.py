"""``boathook verify`` as its user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from boathook.home import Home

SECONDS = 90


def boathook(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "boathook", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


@pytest.mark.usefixtures("home")
class TestWithoutRunning:
    def test_cases_are_listed_by_suite(self) -> None:
        done = boathook("verify", "prestop", "--list")

        assert done.returncode == 0
        first, second, *_ = done.stdout.splitlines()
        assert first == "prestop"
        assert second.split(maxsplit=1) == ["prestop_basic_execution_test", "PreStop Basic Execution Test"]

    def test_they_are_listed_as_json_with_their_manifests(self) -> None:
        done = boathook("verify", "--case", "hook_identity_test", "--list", "-o", "json")

        (case,) = json.loads(done.stdout)
        assert case["suite"] == "handlers"
        assert "kind: Pod" in case["manifest"]

    def test_cases_of_projects_are_listed_with_their_files(self) -> None:
        done = boathook("verify", "--case", "compose_extends_test", "--list", "-o", "json")

        (case,) = json.loads(done.stdout)
        assert case["suite"] == "compose"
        assert list(case["files"]) == ["compose.yaml", "base.yaml"]
        assert case["files"]["base.yaml"].startswith("services:\n")

    def test_an_engine_has_its_own_images(self) -> None:
        done = boathook("verify", "compose", "--on", "docker", "--image-map", "busybox=host")

        assert done.returncode == 2
        assert done.stderr.startswith("error: --image-map is not supported with --on docker")

    def test_a_suite_that_there_is_not_is_an_error_that_names_those_there_are(self) -> None:
        done = boathook("verify", "prestart")

        assert done.returncode == 2
        assert done.stderr.startswith('error: there is no suite "prestart"\nhint: the suites are prestop, poststart')

    def test_options_of_a_cluster_need_a_cluster(self) -> None:
        done = boathook("verify", "--context", "x")

        assert done.returncode == 2
        assert done.stderr == "error: --context is about a cluster\nhint: add --on kubernetes\n"


@pytest.mark.runtime
class TestRunning:
    def test_cases_pass_and_nothing_is_left_behind(self, home: Home, tmp_path: Path) -> None:
        file = tmp_path / "results.xml"

        done = boathook(
            "verify", "--offline", "--case", "hook_identity_test", "--case", "prestop_kubelet_restart_test",
            "--junit", file,
        )  # fmt: skip

        assert done.returncode == 0, done.stdout
        *_, summary = done.stdout.splitlines()
        assert summary == "1 passed, 1 skipped on local"
        root = ElementTree.parse(file).getroot()
        assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("2", "0", "1")
        assert [path.name for path in home.path.iterdir() if path.name.startswith("place-")] == []
        assert not home.journal.exists()

    def test_cases_of_projects_pass_and_nothing_is_left_behind(self, home: Home) -> None:
        done = boathook(
            "verify", "--offline", "--case", "compose_post_start_failure_test", "--case", "compose_kill_test"
        )

        assert done.returncode == 0, done.stdout
        assert done.stdout.splitlines()[-1] == "2 passed on local"
        assert [path.name for path in home.path.iterdir() if path.name.startswith("place-")] == []
        assert not home.journal.exists()

    def test_results_are_given_as_json(self, home: Home) -> None:
        done = boathook("verify", "--offline", "--case", "hook_exec_missing_binary_test", "-o", "json")

        (result,) = json.loads(done.stdout)
        assert result["status"] == "passed"
        assert result["log"] == [
            "Event FailedPreStopHook: PreStopHook failed",
            "Container app exited with code 0",
        ]
        assert all(one["ok"] for one in result["observations"])

    def test_a_failed_case_shows_what_was_expected_and_the_timeline(self, home: Home, tmp_path: Path) -> None:
        """An image without agnhost's program: its exit code is not the one that the case expects."""
        root = tmp_path / "rootfs"
        root.mkdir()
        image = "registry.k8s.io/e2e-test-images/agnhost:2.53"

        done = boathook(
            "verify", "--offline", "--case", "poststart_failure_never_test", "--image-map", f"{image}=rootfs:{root}"
        )

        assert done.returncode == 1
        assert done.stdout.startswith("failed")
        assert "expected" in done.stdout
        assert "observed" in done.stdout
        assert "> create pod" in done.stdout

    def test_ctrl_c_ends_everything_that_runs(self, home: Home) -> None:
        command = [sys.executable, "-m", "boathook", "verify", "--offline"]
        command += ["--case", "hook_identity_test", "--case", "poststart_hang_and_delete_test"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            # The short one has passed while the long one still goes on.
            assert "hook_identity_test" in running.stdout.readline()
            running.send_signal(signal.SIGINT)
            assert running.wait(SECONDS) == 130

        assert [path.name for path in home.path.iterdir() if path.name.startswith("place-")] == []
        assert _still_there(home) == []


def _still_there(home: Home) -> list[str]:
    """Processes whose command line names the state directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(home.path) in line:
                found.append(line)
    return found
