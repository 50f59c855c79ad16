"""What the pod does with hooks and programs of every duration: in virtual time, so that a minute costs nothing."""

import pytest


def test_a_hook_that_takes_eight_seconds_leaves_two_for_the_server(simulate_pod):
    plan = simulate_pod("../pod.yaml", assume={"preStop:web": "8s", "stop:web": "1s"})

    assert plan.hook("web.preStop").succeeded
    assert plan.at("web SIGTERM") == 8
    assert plan.at("web exited") == 9
    assert not plan.happened("web SIGKILL")


@pytest.mark.parametrize("seconds", range(0, 60, 5))
def test_the_pod_is_gone_twelve_seconds_after_its_deletion_whatever_its_requests_do(simulate_pod, seconds):
    plan = simulate_pod("../pod.yaml", assume={"preStop:web": seconds, "stop:web": "1h"})

    assert plan.at("web SIGTERM") == min(seconds, 10)
    assert plan.at("web exited") == max(10, min(seconds, 10) + 2)
    assert plan.exit_codes == {"web": 137}
