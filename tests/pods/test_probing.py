"""Probes of one instance of a container: what is asked when, and what the answers come to."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from boathook.clock import run_virtual
from boathook.pods.probing import Prober
from boathook.runtimes.base import ContainerId, Response
from boathook.runtimes.simulated import SimulatedRuntime
from tests.pods.build import a_container, a_pod
from tests.pods.probers import BAD, GOOD, IMPOSSIBLE, Answering, Seen, a_prober, asks, started, watch


class TestWhenItIsAsked:
    def test_the_first_question_comes_after_the_initial_delay_and_the_others_each_period(self) -> None:
        seen = watch(12, livenessProbe=asks(initialDelaySeconds=5, periodSeconds=3))

        assert seen.times("liveness") == [5, 8, 11]

    def test_without_numbers_it_is_asked_at_once_and_every_ten_seconds(self) -> None:
        seen = watch(25, livenessProbe={"exec": {"command": ["ask"]}})

        assert seen.times("liveness") == [0, 10, 20]

    def test_the_initial_delay_counts_from_the_start_of_the_container(self) -> None:
        """As after a postStart hook that took longer than the delay."""
        seen = watch(3.5, readinessProbe=asks(initialDelaySeconds=2), starts_after=4)

        assert seen.times("readiness") == [4, 5, 6, 7]

    def test_a_question_that_takes_longer_than_its_period_is_followed_by_the_next_at_once(self) -> None:
        slow = (GOOD, 2.5, "")

        seen = watch(6.5, {"liveness": [slow, GOOD]}, livenessProbe=asks(timeoutSeconds=5))

        assert seen.times("liveness") == [0, 2.5, 3, 4, 5, 6]

    def test_nothing_else_is_asked_before_the_startup_probe_has_succeeded(self) -> None:
        seen = watch(
            5,
            {"startup": [BAD, BAD, GOOD]},
            startupProbe=asks(),
            livenessProbe=asks(),
            readinessProbe=asks(periodSeconds=2),
        )

        assert seen.times("startup") == [0, 1, 2]
        assert seen.times("liveness") == [2, 3, 4]
        assert seen.times("readiness") == [2, 4]


class TestWhatTheAnswersComeTo:
    def test_without_probes_it_has_started_and_is_ready(self) -> None:
        async def look(prober: Prober, *_: object) -> None:
            assert (prober.started, prober.ready, prober.failed) == (True, True, None)

        assert watch(5, then=look).changes == []

    def test_it_is_not_ready_before_it_was_asked(self) -> None:
        seen = watch(5, readinessProbe=asks(initialDelaySeconds=3))

        assert seen.changes == [(3, "started=True ready=True")]

    def test_it_has_not_started_before_its_startup_probe_succeeds(self) -> None:
        seen = watch(5, {"startup": [BAD, GOOD]}, startupProbe=asks())

        assert seen.changes == [(1, "started=True ready=True")]

    def test_readiness_follows_its_thresholds_both_ways(self) -> None:
        answers = [GOOD, GOOD, BAD, GOOD, BAD, BAD, GOOD, GOOD]

        seen = watch(7.5, {"readiness": answers}, readinessProbe=asks(successThreshold=2, failureThreshold=2))

        assert seen.changes == [
            (1, "started=True ready=True"),
            (5, "started=True ready=False"),
            (7, "started=True ready=True"),
        ]

    def test_liveness_fails_after_three_failures_in_a_row_and_no_sooner(self) -> None:
        seen = watch(20, {"liveness": [BAD, BAD, GOOD, BAD, BAD, BAD]}, livenessProbe=asks())

        assert seen.changes == [(5, "started=True ready=True failed=liveness")]

    @pytest.mark.parametrize("kind", ["startup", "liveness"])
    def test_what_has_failed_is_asked_no_more(self, kind: str) -> None:
        probe: dict[str, Any] = {f"{kind}Probe": asks(failureThreshold=2)}

        seen = watch(60, {kind: [BAD]}, **probe)

        assert seen.times(kind) == [0, 1]
        assert len(seen.told) == 2

    def test_readiness_is_still_asked_of_what_is_to_be_killed(self) -> None:
        seen = watch(5, {"liveness": [BAD]}, livenessProbe=asks(failureThreshold=1), readinessProbe=asks())

        assert seen.times("readiness") == [0, 1, 2, 3, 4]
        assert seen.times("liveness") == [0]

    def test_liveness_is_never_asked_after_a_failed_startup(self) -> None:
        seen = watch(9, {"startup": [BAD]}, startupProbe=asks(failureThreshold=1), livenessProbe=asks())

        assert seen.changes == [(0, "started=False ready=False failed=startup")]
        assert seen.times("liveness") == []

    def test_a_question_that_cannot_be_asked_counts_neither_way(self) -> None:
        seen = watch(
            5.5,
            {"liveness": [BAD, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE, BAD, GOOD]},
            livenessProbe=asks(failureThreshold=2),
        )

        assert seen.changes == [(2, "started=True ready=True failed=liveness")]
        assert seen.messages == [
            "Liveness probe failed: ",
            "Liveness probe errored and resulted in unknown state: no such program",
            "Liveness probe failed: ",
        ]

    def test_it_is_tried_three_times_at_once_before_it_counts_as_impossible(self) -> None:
        seen = watch(0.5, {"liveness": [IMPOSSIBLE, IMPOSSIBLE, GOOD]}, livenessProbe=asks())

        assert seen.times("liveness") == [0, 0, 0]
        assert seen.told == []


class TestItsEnd:
    @pytest.mark.behaviour("pods:30")
    def test_stopping_liveness_leaves_readiness(self) -> None:
        async def delete(prober: Prober, *_: object) -> None:
            await anyio.sleep(2.5)
            prober.stop_liveness()

        seen = watch(6, then=delete, livenessProbe=asks(), readinessProbe=asks())

        assert seen.times("liveness") == [0, 1, 2]
        assert seen.times("readiness") == [0, 1, 2, 3, 4, 5]

    @pytest.mark.behaviour("pods:30")
    def test_stopping_liveness_ends_the_startup_probe_and_what_waits_for_it(self) -> None:
        async def delete(prober: Prober, *_: object) -> None:
            await anyio.sleep(1.5)
            prober.stop_liveness()

        seen = watch(6, {"startup": [BAD]}, then=delete, startupProbe=asks(), readinessProbe=asks())

        assert seen.times("startup") == [0, 1]
        assert seen.times("readiness") == []

    def test_liveness_may_be_stopped_before_it_began(self) -> None:
        seen = Seen()
        pod = a_pod(a_container(livenessProbe=asks(), readinessProbe=asks()))

        async def whole() -> None:
            runtime = Answering(seen, {})
            prober = a_prober(pod.containers[0], await started(pod, runtime), runtime, seen, started_at=0)
            prober.stop_liveness()
            with anyio.move_on_after(2.5):
                await prober.run()

        run_virtual(whole)

        assert seen.times("liveness") == []
        assert seen.times("readiness") == [0, 1, 2]

    def test_a_container_that_has_ended_is_not_complained_about(self) -> None:
        async def crash(prober: Prober, runtime: SimulatedRuntime, id: ContainerId) -> None:
            await anyio.sleep(1.5)
            await runtime.signal(id, "SIGKILL")

        seen = watch(4, then=crash, livenessProbe=asks(failureThreshold=1))

        assert seen.told == []
        assert seen.changes == []


class TestPrograms:
    def test_the_event_has_what_the_program_wrote(self) -> None:
        seen = watch(0.5, {"liveness": [(BAD, 0, "cat: no such file\n")]}, livenessProbe=asks())

        assert seen.told == [(0, "Unhealthy", "Liveness probe failed: cat: no such file\n")]

    def test_only_the_beginning_of_a_long_output_is_kept(self) -> None:
        seen = watch(0.5, {"liveness": [(BAD, 0, "x" * 20_000)]}, livenessProbe=asks())

        assert seen.messages == ["Liveness probe failed: " + "x" * 10_240]

    @pytest.mark.parametrize(("seconds", "said"), [(1, "1s"), (90, "1m30s")])
    def test_a_program_that_takes_too_long_is_killed_and_has_failed(self, seconds: int, said: str) -> None:
        probe = asks(timeoutSeconds=seconds, failureThreshold=1)

        seen = watch(100, {"startup": [(GOOD, 500, "")]}, startupProbe=probe)

        assert seen.told == [
            (seconds, "Unhealthy", f'Startup probe failed: command timed out: "ask it" timed out after {said}')
        ]
        assert seen.changes == [(seconds, "started=False ready=False failed=startup")]
        assert seen.alive == 0


class TestHttp:
    @pytest.mark.parametrize(
        ("status", "told"),
        [
            (199, [("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 199")]),
            (200, []),
            (299, []),
            (304, [("ProbeWarning", "Readiness probe warning: Probe terminated redirects, Response body: moved")]),
            (400, [("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 400")]),
            (503, [("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")]),
        ],
    )
    def test_success_is_a_status_from_200_to_399(self, status: int, told: list[tuple[str, str]]) -> None:
        answer = Response(status=status, body=b"moved")

        seen = watch(0.5, {"readiness": [answer]}, readinessProbe={"httpGet": {"port": 80}})

        assert [(reason, message) for _, reason, message in seen.told] == told
        assert [change for _, change in seen.changes] == (["started=True ready=True"] if 200 <= status < 400 else [])

    @pytest.mark.behaviour("pods:23")
    def test_a_port_that_the_container_does_not_name_cannot_be_asked(self) -> None:
        handler = {"httpGet": {"port": "web"}}

        seen = watch(25, livenessProbe={**handler, "failureThreshold": 1}, ports=[{"name": "api", "containerPort": 1}])

        text = 'Liveness probe errored and resulted in unknown state: strconv.Atoi: parsing "web": invalid syntax'
        assert seen.messages == [text] * 3
        assert seen.changes == []
