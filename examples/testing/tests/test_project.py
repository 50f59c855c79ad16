"""What the Compose project really does, and what it does with hooks of every duration."""

import pytest


def test_nobody_asks_the_server_before_it_is_registered(run_project):
    project = run_project("../compose.yaml")

    project.assert_order("web started", "web.post_start ended", "mailer started")
    project.wait_for("mailer started")
    assert project.exec("web", "cat", "/state/registration").stdout == "shop\n"


def test_it_finishes_its_requests_before_it_is_told_to_stop(run_project):
    project = run_project("../compose.yaml")

    project.stop("web")

    assert [hook.stdout for hook in project.hooks[1:]] == ["no longer registered\n", "all requests are done\n"]
    project.assert_order("web.pre_stop[0] ended", "web.pre_stop[1] ended", "web SIGTERM", "web exited")
    assert project.exit_codes == {"web-1": 0}
    assert project.logs("web") == "serving\nclosed\n"


def test_it_is_registered_again_when_it_is_restarted(run_project):
    project = run_project("../compose.yaml").restart("web")

    assert len(project.hook_runs("web.post_start")) == 2
    assert project.states["web-1"] == "running"


@pytest.mark.parametrize("minutes", [1, 60])
def test_compose_waits_for_requests_as_long_as_they_take(simulate_project, minutes):
    plan = simulate_project("../compose.yaml", assume={"pre_stop:web": f"{minutes}m", "stop:web": "1h"})

    began = plan.at("web.pre_stop[0] started")
    assert plan.at("web SIGTERM") == began + 2 * 60 * minutes
    assert plan.at("web SIGKILL") == plan.at("web SIGTERM") + 10
