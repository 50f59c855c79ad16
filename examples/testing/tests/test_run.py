"""What the pod really does."""


def test_it_is_registered_once_it_has_started(run_pod):
    pod = run_pod("../pod.yaml")

    assert pod.hook("web.postStart").succeeded
    assert pod.exec("cat", "/state/registration").stdout == "shop\n"


def test_it_finishes_its_requests_before_it_is_told_to_stop(run_pod):
    pod = run_pod("../pod.yaml")
    pod.exec("touch", "/state/request")

    pod.stop(wait=False)
    pod.wait_for("web.preStop started")
    assert not pod.happened("web SIGTERM")
    pod.exec("rm", "/state/request")
    pod.wait()

    hook = pod.hook("web.preStop")
    assert hook.stdout == "no longer registered\nall requests are done\n"
    assert hook.duration < 10
    pod.assert_order("stop requested", "web.preStop started", "web.preStop ended", "web SIGTERM", "web exited")
    assert pod.exit_codes == {"web": 0}
    assert pod.logs("web") == "serving\nclosed\n"


def test_a_request_that_never_ends_does_not_keep_it_alive(run_pod):
    pod = run_pod("../pod.yaml")
    pod.exec("touch", "/state/request")

    pod.stop(grace=1)

    hook = pod.hook("web.preStop")
    assert hook.outcome == "timed_out"
    assert hook.stdout == "no longer registered\n"
    assert pod.exit_codes == {"web": 0}
