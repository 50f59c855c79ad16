from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import anyio
import pytest

from boathook.clock import run_virtual
from boathook.cluster.base import ObjectKey
from boathook.errors import Conflict, NotFound, OperationFailed, UsageError
from boathook.events import HookFinished, PhaseChanged
from boathook.helm.actions import dry_run, install, uninstall
from boathook.helm.model import ReleaseStatus, RunPhase
from boathook.helm.text import dry_run_text, hooks_text
from boathook.model import Outcome
from tests.helm.build import (
    MOMENT,
    a_rendered_chart,
    config_map,
    install_options,
    job,
    pod,
    uninstall_options,
)
from tests.helm.cluster import Ends, Stage


def virtually(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """The test, under the virtual clock."""

    def run() -> None:
        run_virtual(test)

    run.__name__ = test.__name__
    run.__dict__.update(test.__dict__)
    return run


async def fails(stage: Stage, *documents: str, timeout: float = 300) -> str:
    with pytest.raises(OperationFailed) as failure:
        await install(a_rendered_chart(*documents), install_options(timeout=timeout), stage.cluster, stage.context)
    return str(failure.value)


async def installed(stage: Stage, *documents: str, timeout: float = 300, run_hooks: bool = True) -> None:
    options = install_options(timeout=timeout, run_hooks=run_hooks)
    await install(a_rendered_chart(*documents), options, stage.cluster, stage.context)


@pytest.mark.behaviour("helm:21")
@virtually
async def test_the_next_hook_starts_when_the_one_before_is_complete() -> None:
    stage = Stage.of(a=Ends(after=3), b=Ends(after=2), c=Ends(after=1))

    await installed(stage, job("a"), job("b"), job("c"))

    ended = [(one.at, one.event.result.hook.name) for one in stage.heard if isinstance(one.event, HookFinished)]
    assert [name for _, name in ended] == ["pre-install a", "pre-install b", "pre-install c"]
    assert [round(at) for at, _ in ended] == [3, 5, 6]


@pytest.mark.behaviour("helm:22")
@virtually
async def test_a_hook_that_is_no_job_and_no_pod_is_ready_as_soon_as_it_exists() -> None:
    stage = Stage.of()

    await installed(stage, config_map("never-ready", kind="Deployment", event="pre-install"))

    assert (await stage.store.last("demo")).status is ReleaseStatus.DEPLOYED
    assert anyio.current_time() == 0


@pytest.mark.behaviour("helm:23")
@virtually
async def test_a_pod_that_succeeded_is_a_hook_that_succeeded() -> None:
    stage = Stage.of(a=Ends(after=1))

    await installed(stage, pod("a"))

    assert (await stage.store.last("demo")).status is ReleaseStatus.DEPLOYED


@pytest.mark.behaviour("helm:23")
@virtually
async def test_a_pod_that_failed_is_a_hook_that_failed() -> None:
    assert await fails(Stage.of(a=Ends(ok=False)), pod("a")) == "failed pre-install: pod a failed"


@pytest.mark.behaviour("helm:23", "helm:24")
@virtually
async def test_a_hook_that_does_not_end_fails_at_its_timeout_and_stays() -> None:
    stage = Stage.of(a=Ends(after=None))

    message = await fails(stage, job("a"), timeout=2)

    assert message == (
        "failed pre-install: resource Job/default/a not ready. status: InProgress, message: Job in progress\n"
        "context deadline exceeded"
    )
    assert anyio.current_time() == pytest.approx(2, abs=0.2)
    assert stage.cluster.names("Job") == ["a"]


@pytest.mark.behaviour("helm:25")
@virtually
async def test_the_timeout_is_for_each_wait_alone() -> None:
    stage = Stage.of(a=Ends(after=1.5), b=Ends(after=1.5))

    await installed(stage, job("a"), job("b"), timeout=2)

    assert (await stage.store.last("demo")).status is ReleaseStatus.DEPLOYED


@pytest.mark.behaviour("helm:26")
@virtually
async def test_without_a_policy_the_object_is_deleted_before_it_is_created() -> None:
    stage = Stage.of()
    await stage.cluster.apply({"kind": "Job", "metadata": {"name": "a"}})
    stage.requests.clear()

    await installed(stage, job("a"))

    assert stage.requests == ["delete Job a", "apply Job a", "log a"]
    assert (await stage.store.last("demo")).hooks[0].delete_policies == ("before-hook-creation",)


@pytest.mark.behaviour("helm:27", "helm:28")
@pytest.mark.parametrize("policy", ["hook-succeeded", "bogus"])
def test_without_deletion_before_creation_an_object_that_is_there_is_updated(policy: str) -> None:
    async def test() -> None:
        stage = Stage.of()
        await stage.cluster.apply({"kind": "Job", "metadata": {"name": "a"}})
        await anyio.sleep(1)
        stage.requests.clear()

        await installed(stage, job("a", policy=policy))

        assert stage.requests[0] == "apply Job a"
        assert "helm.hook-not-run" in stage.notes()

    run_virtual(test)


@pytest.mark.behaviour("helm:29")
@virtually
async def test_succeeded_hooks_are_deleted_after_the_last_one_in_reverse() -> None:
    stage = Stage.of()

    await installed(stage, *(job(name, policy="hook-succeeded") for name in "abc"))

    assert [line for line in stage.requests if not line.startswith("log")] == [
        "apply Job a",
        "apply Job b",
        "apply Job c",
        "delete Job c",
        "delete Job b",
        "delete Job a",
    ]
    assert stage.cluster.names("Job") == []


@pytest.mark.behaviour("helm:30")
@virtually
async def test_after_a_failure_the_failed_hook_goes_first_then_the_earlier_ones() -> None:
    stage = Stage.of(b=Ends(ok=False))

    await fails(stage, job("a", policy="hook-succeeded"), job("b", policy="hook-failed"), job("c"))

    assert [line for line in stage.requests if not line.startswith("log")] == [
        "apply Job a",
        "apply Job b",
        "delete Job b",
        "delete Job a",
    ]


@pytest.mark.behaviour("helm:30")
@virtually
async def test_after_a_failure_hooks_without_the_policy_stay() -> None:
    stage = Stage.of(b=Ends(ok=False))

    await fails(stage, job("a"), job("b"), job("c"))

    assert stage.cluster.names("Job") == ["a", "b"]


@pytest.mark.behaviour("helm:31")
@virtually
async def test_a_hook_that_is_refused_deletes_nothing() -> None:
    stage = Stage.of(b=Ends(refused=True))

    message = await fails(stage, job("a", policy="hook-succeeded"), job("b", policy="hook-failed"))

    assert message == "failed pre-install: warning: Hook pre-install chart/templates/t01.yaml failed: b refused"
    assert stage.cluster.names("Job") == ["a"]


@pytest.mark.behaviour("helm:32")
@virtually
async def test_a_definition_of_custom_resources_outlives_every_policy() -> None:
    stage = Stage.of()
    policies = "before-hook-creation,hook-succeeded,hook-failed"

    await installed(stage, config_map("x", kind="CustomResourceDefinition", event="pre-install", policy=policies))

    assert stage.requests == ["apply CustomResourceDefinition x"]


@pytest.mark.behaviour("helm:33")
@virtually
async def test_a_new_object_waits_until_the_old_one_is_gone() -> None:
    stage = Stage.of(a=Ends(slow_delete=4))
    old = await stage.cluster.apply({"kind": "Job", "metadata": {"name": "a"}})

    await installed(stage, job("a"))

    new: Any = await stage.cluster.get(ObjectKey(kind="Job", namespace="default", name="a"))
    assert new["metadata"]["uid"] != old["metadata"]["uid"]  # type: ignore[index,call-overload]
    assert anyio.current_time() >= 4


@pytest.mark.behaviour("helm:33")
@virtually
async def test_an_old_object_that_does_not_go_fails_the_phase() -> None:
    stage = Stage.of(a=Ends(slow_delete=4))
    await stage.cluster.apply({"kind": "Job", "metadata": {"name": "a"}})

    assert await fails(stage, job("a"), timeout=2) == "failed pre-install: context deadline exceeded"


@pytest.mark.behaviour("helm:34")
@virtually
async def test_a_failed_hooks_output_is_shown_before_it_is_deleted_when_asked_for() -> None:
    stage = Stage.of(a=Ends(ok=False, output="no such table"))

    await fails(stage, job("a", policy="hook-failed", log="hook-failed"))

    assert "helm.hook-output" in stage.notes()
    assert stage.requests == ["apply Job a", "log a", "delete Job a"]


@pytest.mark.behaviour("helm:34")
@virtually
async def test_a_successful_hooks_output_is_not_shown_when_only_failures_are_asked_for() -> None:
    stage = Stage.of(a=Ends(output="done"))

    await installed(stage, job("a", log="hook-failed"), config_map("b", event="pre-install", log="hook-succeeded"))

    assert "helm.hook-output" not in stage.notes()


@virtually
async def test_the_output_of_a_hook_stands_in_its_result_whatever_the_policy() -> None:
    stage = Stage.of(a=Ends(output="done"), b=Ends(after=None, output="waiting"))

    await fails(stage, job("a"), job("b"), timeout=2)

    results = [one.event.result for one in stage.heard if isinstance(one.event, HookFinished)]
    assert [one.stdout and one.stdout.text for one in results] == ["done\n", "waiting\n"]
    assert [one.outcome for one in results] == [Outcome.SUCCEEDED, Outcome.TIMED_OUT]


@pytest.mark.behaviour("helm:35")
@virtually
async def test_output_that_cannot_be_read_changes_nothing() -> None:
    stage = Stage.of(a=Ends(broken_log=True))

    await installed(stage, job("a", log="hook-succeeded"))

    assert "helm.no-hook-output" in stage.notes()
    assert (await stage.store.last("demo")).status is ReleaseStatus.DEPLOYED


@pytest.mark.behaviour("helm:36")
@virtually
async def test_a_hook_that_somebody_deletes_is_waited_for_until_its_timeout() -> None:
    stage = Stage.of(a=Ends(after=None))

    async with anyio.create_task_group() as tasks:

        async def delete_it() -> None:
            await anyio.sleep(1)
            await stage.cluster.delete(ObjectKey(kind="Job", namespace="default", name="a"))

        tasks.start_soon(delete_it)
        message = await fails(stage, job("a"), timeout=3)

    assert "status: NotFound, message: Resource not found\ncontext deadline exceeded" in message
    assert anyio.current_time() == pytest.approx(3, abs=0.2)


@pytest.mark.behaviour("helm:37")
@virtually
async def test_objects_of_the_manifest_carry_helms_marks_and_hooks_do_not() -> None:
    stage = Stage.of()

    await installed(stage, config_map("plain"), config_map("hook", event="pre-install"))

    plain: Any = await stage.cluster.get(ObjectKey(kind="ConfigMap", namespace="default", name="plain"))
    hook = await stage.cluster.get(ObjectKey(kind="ConfigMap", namespace="default", name="hook"))
    assert plain["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "Helm"}
    assert plain["metadata"]["annotations"] == {
        "meta.helm.sh/release-name": "demo",
        "meta.helm.sh/release-namespace": "default",
    }
    assert "meta.helm.sh" not in json.dumps(hook)
    assert "managed-by" not in json.dumps(hook)


@pytest.mark.behaviour("helm:38")
@virtually
async def test_while_a_hook_runs_the_record_says_pending_and_running() -> None:
    stage = Stage.of(a=Ends(after=5))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(installed, stage, job("a"))
        await anyio.sleep(1)
        release = await stage.store.last("demo")

    assert release.status is ReleaseStatus.PENDING_INSTALL
    assert release.hooks[0].last_run.phase is RunPhase.RUNNING


@pytest.mark.behaviour("helm:39")
@virtually
async def test_a_failed_pre_install_hook_leaves_no_object_of_the_manifest() -> None:
    stage = Stage.of(a=Ends(ok=False))

    await fails(stage, job("a"), config_map("plain"))

    (release,) = await stage.store.history("demo")
    assert release.status is ReleaseStatus.FAILED
    assert release.description == 'Release "demo" failed: failed pre-install: job a failed: BackoffLimitExceeded'
    assert release.hooks[0].last_run.phase is RunPhase.FAILED
    assert stage.cluster.names("ConfigMap") == []


@pytest.mark.behaviour("helm:40")
@virtually
async def test_a_failed_post_install_hook_leaves_the_objects_of_the_manifest() -> None:
    stage = Stage.of(a=Ends(ok=False))

    message = await fails(stage, job("a", event="post-install"), config_map("plain"))

    assert message == "failed post-install: job a failed: BackoffLimitExceeded"
    assert (await stage.store.last("demo")).status is ReleaseStatus.FAILED
    assert stage.cluster.names("ConfigMap") == ["plain"]


@virtually
async def test_post_install_hooks_run_after_the_objects_and_pre_install_hooks_before() -> None:
    stage = Stage.of()

    await installed(
        stage,
        config_map("before", event="pre-install"),
        config_map("after", event="post-install"),
        config_map("plain"),
    )

    assert stage.requests == ["apply ConfigMap before", "apply ConfigMap plain", "apply ConfigMap after"]


@virtually
async def test_objects_are_applied_by_kind() -> None:
    stage = Stage.of()

    await installed(stage, job("z", event=None), config_map("b"), config_map("a", kind="ServiceAccount"))

    assert stage.requests == ["apply ServiceAccount a", "apply ConfigMap b", "apply Job z"]
    assert "helm.inert-kind" in stage.notes()


@pytest.mark.behaviour("helm:45")
@virtually
async def test_after_a_failed_pre_delete_hook_everything_is_there_and_it_can_be_tried_again() -> None:
    stage = Stage.of(a=Ends(ok=False))
    await installed(stage, job("a", event="pre-delete"), config_map("plain"))

    with pytest.raises(OperationFailed, match=r"^job a failed: BackoffLimitExceeded$"):
        await uninstall(uninstall_options(), stage.cluster, stage.context)
    kept = await stage.store.last("demo")
    remaining = stage.cluster.names("ConfigMap")
    stage.cluster.ends["a"] = Ends()
    await uninstall(uninstall_options(), stage.cluster, stage.context)

    assert kept.status is ReleaseStatus.UNINSTALLING
    assert kept.hooks[0].last_run.phase is RunPhase.RUNNING
    assert remaining == ["plain"]
    assert await stage.store.history("demo") == ()
    assert stage.cluster.names("ConfigMap") == []


@pytest.mark.behaviour("helm:46")
@virtually
async def test_after_a_failed_post_delete_hook_everything_is_gone_all_the_same() -> None:
    stage = Stage.of(a=Ends(ok=False))
    await installed(stage, job("a", event="post-delete"), config_map("plain"))

    with pytest.raises(OperationFailed, match=r"uninstallation completed with 1 error\(s\): job a failed"):
        await uninstall(uninstall_options(), stage.cluster, stage.context)

    assert await stage.store.history("demo") == ()
    assert stage.cluster.names("ConfigMap") == []


@pytest.mark.behaviour("helm:47")
@virtually
async def test_hook_objects_stay_after_uninstall() -> None:
    stage = Stage.of()
    await installed(stage, config_map("hook", event="pre-install"), config_map("plain"))

    await uninstall(uninstall_options(), stage.cluster, stage.context)

    assert stage.cluster.names("ConfigMap") == ["hook"]


@pytest.mark.behaviour("helm:48")
@virtually
async def test_what_is_to_be_kept_is_kept_and_told_and_an_unknown_policy_keeps_silently() -> None:
    stage = Stage.of()
    keep = "metadata:\n  annotations: {helm.sh/resource-policy: %s}\n  name: %s\n"
    head = "apiVersion: v1\nkind: ConfigMap\n"
    await installed(stage, head + keep % ("keep", "kept"), head + keep % ("hold", "held"), config_map("gone"))

    done = await uninstall(uninstall_options(), stage.cluster, stage.context)

    assert [key.name for key in done.kept] == ["kept"]
    assert stage.cluster.names("ConfigMap") == ["held", "kept"]


@pytest.mark.behaviour("helm:51")
@virtually
async def test_without_hooks_none_is_touched_and_all_are_stored() -> None:
    stage = Stage.of()

    await installed(stage, job("a"), job("b", event="pre-delete"), run_hooks=False)
    stored = await stage.store.last("demo")
    await uninstall(uninstall_options(run_hooks=False), stage.cluster, stage.context)

    assert stage.requests == []
    assert [hook.name for hook in stored.hooks] == ["a", "b"]
    assert {hook.last_run.phase for hook in stored.hooks} == {RunPhase.NEVER}
    assert "# Source: chart/templates/t00.yaml" in hooks_text(stored)


@pytest.mark.behaviour("helm:54")
def test_a_dry_run_shows_hooks_before_the_manifest() -> None:
    release = dry_run(a_rendered_chart(config_map("plain"), job("a")), install_options(), MOMENT)

    text = dry_run_text(release)

    assert "STATUS: pending-install" in text
    assert "DESCRIPTION: Dry run complete" in text
    assert text.index("HOOKS:") < text.index("kind: Job") < text.index("MANIFEST:") < text.index("kind: ConfigMap")


@pytest.mark.behaviour("helm:55")
@virtually
async def test_an_interrupt_during_a_hook_is_told_in_the_record() -> None:
    stage = Stage.of(a=Ends(after=None))

    with anyio.move_on_after(2):
        await installed(stage, job("a"))

    release = await stage.store.last("demo")
    assert release.status is ReleaseStatus.FAILED
    assert release.description == 'Release "demo" failed: context canceled'
    assert await stage.context.obligations.owed() == ()


@pytest.mark.behaviour("helm:56")
@virtually
async def test_the_status_label_follows_the_status() -> None:
    stage = Stage.of(a=Ends(after=5))
    key = ObjectKey(kind="Secret", namespace="default", name="sh.helm.release.v1.demo.v1")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(installed, stage, job("a"))
        await anyio.sleep(1)
        during: Any = await stage.cluster.get(key)
    after: Any = await stage.cluster.get(key)

    assert during["metadata"]["labels"]["status"] == "pending-install"
    assert after["metadata"]["labels"]["status"] == "deployed"


@pytest.mark.behaviour("helm:73")
@virtually
async def test_the_documented_job_leaves_nothing_when_it_succeeds() -> None:
    stage = Stage.of()

    await installed(stage, job("demo", event="post-install", weight="-5", policy="hook-succeeded"))

    assert stage.cluster.names("Job") == []
    assert (await stage.store.last("demo")).status is ReleaseStatus.DEPLOYED


@pytest.mark.behaviour("helm:73")
@virtually
async def test_the_documented_job_stays_with_a_failed_release_when_it_fails() -> None:
    stage = Stage.of(demo=Ends(ok=False))

    await fails(stage, job("demo", event="post-install", weight="-5", policy="hook-succeeded"))

    assert stage.cluster.names("Job") == ["demo"]
    assert (await stage.store.last("demo")).status is ReleaseStatus.FAILED


@virtually
async def test_a_name_in_use_is_refused_whatever_became_of_it() -> None:
    stage = Stage.of(a=Ends(ok=False))
    await fails(stage, job("a"))

    with pytest.raises(Conflict, match="cannot reuse a name that is still in use"):
        await installed(stage)


@virtually
async def test_an_object_of_somebody_else_is_not_taken_over() -> None:
    stage = Stage.of()
    await stage.cluster.apply({"kind": "ConfigMap", "metadata": {"name": "plain"}})

    with pytest.raises(Conflict, match=r'ConfigMap "plain" in namespace "default" exists and cannot be imported'):
        await installed(stage, config_map("plain"))

    assert await stage.store.history("demo") == ()


@virtually
async def test_an_object_that_the_cluster_refuses_fails_the_release() -> None:
    stage = Stage.of(plain=Ends(refused=True))

    message = await fails(stage, config_map("plain"))

    assert message == "plain refused"
    assert (await stage.store.last("demo")).description == 'Release "demo" failed: plain refused'


@virtually
async def test_what_was_never_installed_cannot_be_uninstalled() -> None:
    stage = Stage.of()

    with pytest.raises(NotFound, match="uninstall: Release not loaded: demo: release: not found"):
        await uninstall(uninstall_options(), stage.cluster, stage.context)


@virtually
async def test_a_release_has_a_name_that_dns_allows() -> None:
    stage = Stage.of()

    with pytest.raises(UsageError, match="invalid release name"):
        await install(a_rendered_chart(), replace(install_options(), name="Demo_"), stage.cluster, stage.context)


@virtually
async def test_every_status_is_an_event() -> None:
    stage = Stage.of()

    await installed(stage)
    await uninstall(uninstall_options(), stage.cluster, stage.context)

    phases = [one.event.phase for one in stage.heard if isinstance(one.event, PhaseChanged)]
    assert phases == ["pending-install", "deployed", "uninstalling", "uninstalled"]


@pytest.mark.behaviour("helm:9")
@virtually
async def test_an_event_written_twice_creates_the_object_twice() -> None:
    stage = Stage.of()

    await installed(stage, job("a", event="pre-install,pre-install"))

    assert [line for line in stage.requests if line != "log a"] == ["apply Job a", "delete Job a", "apply Job a"]
