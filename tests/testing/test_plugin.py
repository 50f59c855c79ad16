"""The plug-in as its users have it: real runs of pytest in projects of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from boathook.home import Home
from tests.testing.build import POD, PROJECT

pytest_plugins = ("pytester",)


@pytest.fixture
def project(pytester: pytest.Pytester, home: Home, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a pod, which pulls nothing."""
    monkeypatch.setenv("BOATHOOK_OFFLINE", "1")
    pytester.path.joinpath("pod.yaml").write_text(POD)
    return pytester


def run(project: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    project.makepyfile(tests)
    return project.runpytest_subprocess("-p", "no:cacheprovider", *options, timeout=60)


@pytest.mark.runtime
def test_a_pod_is_run_and_planned_in_the_same_words(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        import pytest

        @pytest.fixture(params=["run", "planned"])
        def pod(request):
            if request.param == "planned":
                return request.getfixturevalue("simulate_pod")("pod.yaml")
            return request.getfixturevalue("run_pod")("pod.yaml").stop()

        def test_hook(pod):
            assert pod.hook("app.preStop").succeeded
            pod.assert_order("app started", "app.preStop ended", "app SIGTERM", "app exited")
        """,
    )

    result.assert_outcomes(passed=2)


@pytest.mark.runtime
def test_a_failed_test_shows_what_happened_to_its_pod(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        def test_run(run_pod):
            assert run_pod("pod.yaml").phase == "Pending"

        def test_plan(simulate_pod):
            assert simulate_pod("pod.yaml", assume={"preStop:app": 4}).at("app SIGTERM") == 3
        """,
    )

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ['*timeline of pod "web"*', "*app*running", '*timeline of pod "web"*', "*4.000*SIGTERM*"]
    )


@pytest.mark.runtime
def test_a_compose_project_is_run_and_planned_in_the_same_words(project: pytest.Pytester) -> None:
    project.path.joinpath("compose.yaml").write_text(PROJECT)

    result = run(
        project,
        """
        import pytest

        @pytest.fixture(params=["run", "planned"])
        def shop(request):
            if request.param == "planned":
                return request.getfixturevalue("simulate_project")("compose.yaml")
            return request.getfixturevalue("run_project")("compose.yaml").down()

        def test_hook(shop):
            assert shop.hook("db.post_start").succeeded
            shop.assert_order("db started", "db.post_start ended", "app started", "app.post_start ended")
            shop.assert_order("app.pre_stop[1] ended", "app SIGTERM", "db SIGTERM")
        """,
    )

    result.assert_outcomes(passed=2)


@pytest.mark.runtime
def test_a_failed_test_shows_what_happened_to_its_project(project: pytest.Pytester) -> None:
    project.path.joinpath("compose.yaml").write_text(PROJECT)

    result = run(
        project,
        """
        def test_run(run_project):
            assert run_project().states == {}

        def test_plan(simulate_project):
            assert simulate_project(assume={"post_start:db": 4}).at("app started") == 3
        """,
    )

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ['*timeline of project "shop"*', "*app-1*running", '*timeline of project "shop"*', "*4.000*app-1*running"]
    )


@pytest.mark.runtime
def test_nothing_is_left_of_a_test_that_fails_with_its_project_running(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nboathook_home = state\n")
    project.path.joinpath("compose.yaml").write_text(PROJECT)

    result = run(project, "def test_it(run_project):\n    run_project()\n    assert False\n")

    result.assert_outcomes(failed=1)
    assert sorted(one.name for one in project.path.joinpath("state").iterdir()) == ["images", "local.json"]


def test_the_place_of_projects_is_an_option(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nboathook_on = moon\n")

    result = run(project, "def test_it(run_project):\n    run_project(text='services: {}')\n")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*unknown value for --on: found "moon"*'])


@pytest.mark.runtime
def test_nothing_is_left_of_a_test_that_fails_with_its_pod_running(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nboathook_home = state\n")

    result = run(project, "def test_it(run_pod):\n    run_pod('pod.yaml')\n    assert False\n")

    result.assert_outcomes(failed=1)
    assert sorted(one.name for one in project.path.joinpath("state").iterdir()) == ["images", "local.json"]


@pytest.mark.runtime
def test_an_interrupt_ends_what_runs(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nboathook_home = state\n")
    project.makepyfile(
        """
        def test_it(run_pod):
            pod = run_pod("pod.yaml")
            print("it runs", flush=True)
            pod.wait()
        """
    )
    state = project.path / "state"

    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider"], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert any("it runs" in line for line in running.stdout)
        seen = list(state.glob("place-*/containers/*/record.json"))
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()

    assert len(seen) == 1
    assert "KeyboardInterrupt" in rest
    assert running.returncode == pytest.ExitCode.INTERRUPTED
    assert list(state.glob("place-*")) == []


@pytest.mark.runtime
def test_images_of_the_project_are_set_in_its_ini_file(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nboathook_offline = true\nboathook_image_map =\n    shop/*=host\n")
    project.path.joinpath("pod.yaml").write_text(POD.replace("busybox", "shop/backend:1"))

    result = run(project, "def test_it(run_pod):\n    assert run_pod('pod.yaml').exec('true').exit_code == 0\n")

    result.assert_outcomes(passed=1)


@pytest.mark.runtime
def test_a_pod_may_serve_all_tests_of_a_module(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        import pytest

        @pytest.fixture(scope="module")
        def pod(boathook_places, request):
            with boathook_places.open(request.path.parent) as run_pod:
                yield run_pod("pod.yaml")

        def test_one(pod):
            assert pod.phase == "Running"

        def test_two(pod, run_pod, simulate_pod):
            assert pod.exec("true").exit_code == 0
        """,
    )

    result.assert_outcomes(passed=2)


@pytest.mark.runtime
def test_tests_in_several_processes_do_not_meet(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(run_pod, number):
            assert run_pod("pod.yaml").stop().hook("preStop").succeeded
        """,
        "-n",
        "2",
    )

    result.assert_outcomes(passed=4)


@pytest.mark.runtime
def test_an_async_test_may_use_the_fixtures(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_it(run_pod, simulate_pod):
            assert run_pod("pod.yaml").stop().ran("preStop")
            assert simulate_pod("pod.yaml").ran("preStop")
        """,
    )

    result.assert_outcomes(passed=1)


def test_a_run_without_pods_imports_nothing_of_boathook_but_the_plug_in(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        import sys

        def test_it():
            found = sorted(name for name in sys.modules if name.partition(".")[0] in ("boathook", "yaml"))
            assert found == ["boathook", "boathook.testing", "boathook.testing.plugin"]
        """,
    )

    result.assert_outcomes(passed=1)


def test_a_wrong_setting_is_told_by_the_test_that_needs_it(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nboathook_network = bridge\n")

    result = run(project, "def test_it(run_pod): pass\ndef test_other(): pass\n")

    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(['*unknown value for --network: found "bridge"*'])


def test_the_home_of_the_session_is_deleted(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = project.mkdir("scratch")
    monkeypatch.setenv("TMPDIR", str(scratch))

    result = run(project, "def test_it(boathook_places):\n    assert boathook_places.home.path.is_dir()\n")

    result.assert_outcomes(passed=1)
    assert [name for name in os.listdir(scratch) if name.startswith("boathook")] == []
