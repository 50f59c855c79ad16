"""What probes lead to in the life of a pod, in virtual time: kills, restarts, readiness, and their end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import anyio
import pytest

from boathook.model import HookPoint
from boathook.pods import Phase, PodWorker
from boathook.pods.model import ProbeKind, RestartPolicy
from tests.pods.build import (
    a_probe,
    a_staged_pod,
    answers,
    answers_stop,
    ignores_stop,
    live,
    one,
    plain,
    runs,
    sidecar,
    takes,
    times,
    until_ended,
)

STARTUP, LIVENESS, READINESS = ProbeKind.STARTUP, ProbeKind.LIVENESS, ProbeKind.READINESS
LIVENESS_ILL = answers(LIVENESS, exit_code=1)
"""The liveness probe of app fails each time."""


def without_unhealthy(told: list[str]) -> list[str]:
    return [line for line in told if "Unhealthy" not in line]


def lasting(seconds: float) -> Any:
    async def for_a_while(worker: PodWorker) -> None:
        await anyio.sleep(seconds)

    return for_a_while


class TestKills:
    @pytest.mark.behaviour("pods:8", "pods:16")
    def test_a_failed_liveness_probe_has_its_container_killed_with_the_probes_period_and_restarted(self) -> None:
        probe = a_probe(LIVENESS, delay=5, period=100, grace=3)
        pod = a_staged_pod(one(pre_stop="bye", liveness_probe=probe), grace=60)

        life = live(pod, LIVENESS_ILL, takes(1), ignores_stop(), then=lasting(9))

        assert without_unhealthy(life.told)[:9] == [
            "0 started app",
            "0 phase Running",
            "5 Killing app: Container app failed liveness probe, will be restarted",
            "5 preStop app",
            "6 preStop app succeeded",
            "6 SIGTERM app 2s left",
            "8 SIGKILL app",
            "8 exited app 137",
            "8 started app",
        ]
        assert life.statuses[-1]["containerStatuses"][0]["restartCount"] == 1  # type: ignore[index,call-overload]

    @pytest.mark.behaviour("pods:8")
    @pytest.mark.parametrize("kind", [STARTUP, LIVENESS])
    def test_under_never_the_only_container_takes_the_pod_with_it(self, kind: ProbeKind) -> None:
        probe = a_probe(kind, delay=2, period=100, grace=3)
        probes: dict[str, Any] = {f"{kind}_probe": probe}
        pod = a_staged_pod(one(pre_stop="bye", **probes), grace=60, restart_policy=RestartPolicy.NEVER)

        life = live(pod, answers(kind, exit_code=1), runs(900), takes(1), answers_stop(2), then=until_ended)

        assert without_unhealthy(life.told)[2:-1] == [
            "2 Killing app: Stopping container app",
            "2 preStop app",
            "3 preStop app succeeded",
            "3 SIGTERM app 59s left",
            "3 exited app 2",
            "3 phase Failed",
        ]

    def test_under_never_with_another_container_only_the_ill_one_is_killed(self) -> None:
        probe = a_probe(LIVENESS, delay=2, period=100, grace=3)
        pod = a_staged_pod(one(liveness_probe=probe), one("other"), grace=60, restart_policy=RestartPolicy.NEVER)

        life = live(pod, LIVENESS_ILL, runs(900), runs(900, "other"), then=lasting(10))

        assert without_unhealthy(life.told)[3:6] == [
            "2 Killing app: Container app failed liveness probe",
            "2 SIGTERM app 3s left",
            "2 exited app 143",
        ]
        assert times(life.told, "started app") == [0]
        assert life.told[-1] == "10 phase Failed"

    @pytest.mark.behaviour("pods:17")
    def test_with_a_period_of_zero_a_probe_kill_runs_no_hook_and_gives_two_seconds(self) -> None:
        pod = a_staged_pod(one(pre_stop="bye", liveness_probe=a_probe(LIVENESS, delay=2, period=100)), grace=0)

        life = live(pod, LIVENESS_ILL, ignores_stop(), then=lasting(4.5))

        assert [line for line in life.told if "SIG" in line][:2] == ["2 SIGTERM app 2s left", "4 SIGKILL app"]
        assert times(life.told, "preStop app") == [4.5]

    def test_a_sidecar_is_killed_in_the_words_for_init_containers(self) -> None:
        pod = a_staged_pod(one(), init=(sidecar(liveness_probe=a_probe(LIVENESS, delay=2, period=100)),))

        life = live(pod, answers(LIVENESS, "side", exit_code=1), then=lasting(3))

        assert "2 Killing side: Init container side failed liveness probe" in life.told
        assert times(life.told, "started side") == [0, 2]

    def test_containers_are_killed_one_after_another_and_started_afterwards(self) -> None:
        probe = a_probe(LIVENESS, delay=2, period=100)
        pod = a_staged_pod(
            one("c1", pre_stop="bye", liveness_probe=probe), one("c2", pre_stop="bye", liveness_probe=probe), grace=30
        )
        ill = [answers(LIVENESS, name, exit_code=1) for name in ("c1", "c2")]

        life = live(pod, *ill, takes(3, name="c1"), takes(3, name="c2"), then=lasting(7))

        assert times(life.told, "preStop c1")[0] == 2
        assert times(life.told, "preStop c2")[0] == 5
        assert times(life.told, "started c1") == [0, 8]

    @pytest.mark.behaviour("pods:29")
    def test_restarts_after_probe_kills_come_under_back_off_too(self) -> None:
        pod = a_staged_pod(one(liveness_probe=a_probe(LIVENESS, delay=1, period=100)))

        life = live(pod, LIVENESS_ILL, then=lasting(60))

        starts = times(life.told, "started app")
        assert starts[:3] == [0, 1, 2]
        assert starts[3] - starts[2] >= 10
        assert any("CrashLoopBackOff" in str(status) for status in life.statuses)


class TestDeletion:
    @pytest.mark.behaviour("pods:16")
    def test_a_deletion_during_a_liveness_kill_lets_it_finish_and_restart_once(self) -> None:
        async def delete(worker: PodWorker) -> None:
            await anyio.sleep(6)
            worker.request_stop(timedelta(seconds=4))

        probe = a_probe(LIVENESS, delay=5, period=100)
        pod = a_staged_pod(one(pre_stop="bye", liveness_probe=probe), grace=60)

        life = live(pod, LIVENESS_ILL, takes(10), then=delete)

        assert without_unhealthy(life.told)[2:] == [
            "5 Killing app: Container app failed liveness probe, will be restarted",
            "5 preStop app",
            "6 stop requested",
            "15 preStop app succeeded",
            "15 SIGTERM app 50s left",
            "15 exited app 143",
            "15 started app",
            "15 Killing app: Stopping container app",
            "15 preStop app",
            "19 preStop app timed_out",
            "19 SIGTERM app 2s left",
            "19 preStop app ended at last 137",
            "19 FailedPreStopHook app: PreStopHook failed",
            "19 exited app 143",
            "19 phase Failed",
        ]

    @pytest.mark.behaviour("pods:30")
    def test_readiness_goes_on_while_a_regular_container_is_stopped_and_liveness_does_not(self) -> None:
        pod = a_staged_pod(
            one(
                pre_stop="bye",
                liveness_probe=a_probe(LIVENESS, failures=100),
                readiness_probe=a_probe(READINESS),
            ),
            grace=60,
        )

        async def delete(worker: PodWorker) -> None:
            await anyio.sleep(2.5)

        life = live(pod, LIVENESS_ILL, answers(READINESS, exit_code=1), takes(5), then=delete)

        unhealthy = [line for line in life.told if "Unhealthy" in line]
        assert max(float(line.split()[0]) for line in unhealthy if "Liveness" in line) < 2.5
        assert max(float(line.split()[0]) for line in unhealthy if "Readiness" in line) >= 6

    @pytest.mark.behaviour("pods:30")
    def test_liveness_of_a_sidecar_goes_on_during_a_deletion_and_kills_nothing(self) -> None:
        pod = a_staged_pod(one(pre_stop="bye"), init=(sidecar(liveness_probe=a_probe(LIVENESS, delay=3)),), grace=60)

        async def delete(worker: PodWorker) -> None:
            await anyio.sleep(2)

        life = live(pod, answers(LIVENESS, "side", exit_code=1), takes(5), then=delete)

        assert any("Unhealthy side: Liveness" in line for line in life.told)
        assert times(life.told, "started side") == [0]
        assert [line for line in life.told if "Killing side" in line] == ["2 Killing side: Stopping container side"]


class TestGates:
    @pytest.mark.behaviour("pods:3")
    def test_probes_wait_until_every_container_of_the_pod_has_started(self) -> None:
        pod = a_staged_pod(one("c1", liveness_probe=a_probe(LIVENESS, failures=100)), one("c2", post_start="slow"))

        life = live(pod, answers(LIVENESS, "c1", exit_code=1), takes(5, HookPoint.POST_START, "c2"), then=lasting(7))

        assert min(float(line.split()[0]) for line in life.told if "Unhealthy" in line) >= 5

    def test_the_next_init_container_waits_for_the_startup_probe_of_a_sidecar(self) -> None:
        probe = a_probe(STARTUP, delay=4, failures=10)
        pod = a_staged_pod(one(), init=(sidecar(startup_probe=probe), plain()))

        life = live(pod)

        assert times(life.told, "started init") == [4]

    def test_liveness_and_readiness_of_a_sidecar_hold_up_nothing(self) -> None:
        side = sidecar(readiness_probe=a_probe(READINESS), liveness_probe=a_probe(LIVENESS, failures=100))
        pod = a_staged_pod(one(), init=(side,))
        ill = [answers(kind, "side", exit_code=1) for kind in (LIVENESS, READINESS)]

        life = live(pod, *ill, then=lasting(3))

        assert times(life.told, "started app") == [0]

    def test_a_sidecar_that_never_starts_is_restarted_and_holds_up_the_rest(self) -> None:
        pod = a_staged_pod(one(), init=(sidecar(startup_probe=a_probe(STARTUP, delay=2, period=100)), plain()))

        life = live(pod, answers(STARTUP, "side", exit_code=1), then=lasting(5))

        assert "2 Killing side: Init container side failed startup probe" in life.told
        assert times(life.told, "started init") == []
        assert life.worker.phase is Phase.FAILED

    def test_the_status_says_what_is_started_and_what_is_ready(self) -> None:
        seen: list[Any] = []

        async def look(worker: PodWorker) -> None:
            for _ in range(3):
                await anyio.sleep(2)
                seen.append(worker.status)

        app = one(startup_probe=a_probe(STARTUP, delay=3), readiness_probe=a_probe(READINESS, delay=5))

        live(a_staged_pod(app), then=look)

        flags = [(s["containerStatuses"][0]["started"], s["containerStatuses"][0]["ready"]) for s in seen]
        assert flags == [(False, False), (True, False), (True, True)]
        ready = [{one["type"]: one["status"] for one in s["conditions"]}["Ready"] for s in seen]
        assert ready == ["False", "False", "True"]
