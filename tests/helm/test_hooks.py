from __future__ import annotations

from dataclasses import replace

import pytest

from boathook.helm.hooks import (
    INSTALL_ORDER,
    UNINSTALL_ORDER,
    is_deleted_by,
    kind_sorted,
    logs_output,
    policies_when_run,
    run_order,
)
from boathook.helm.model import BEFORE_HOOK_CREATION, DELETE_POLICIES, HOOK_SUCCEEDED, HookEvent
from tests.helm.build import a_hook

EVENT = HookEvent.PRE_INSTALL


def names(*hooks: object) -> list[str]:
    return [f"{hook.kind} {hook.name}" for hook in hooks]  # type: ignore[attr-defined]


@pytest.mark.behaviour("helm:11")
def test_hooks_run_from_the_lowest_weight_to_the_highest() -> None:
    hooks = [a_hook("a", weight=10), a_hook("b", weight=-5), a_hook("c", weight=0)]

    assert [hook.weight for hook in run_order(hooks, EVENT)] == [-5, 0, 10]


@pytest.mark.behaviour("helm:12")
def test_hooks_of_equal_weight_run_by_name_whatever_their_kind() -> None:
    hooks = [a_hook("z-cm", kind="ConfigMap"), a_hook("a-job"), a_hook("m-sa", kind="ServiceAccount")]

    assert [hook.name for hook in run_order(hooks, EVENT)] == ["a-job", "m-sa", "z-cm"]


@pytest.mark.behaviour("helm:13")
def test_hooks_are_stored_by_kind_and_weight_plays_no_part() -> None:
    hooks = [a_hook("z-cm", kind="ConfigMap"), a_hook("a-job", weight=-9), a_hook("m-sa", kind="ServiceAccount")]

    assert [hook.name for hook in kind_sorted(hooks, lambda hook: hook.kind)] == ["m-sa", "z-cm", "a-job"]


@pytest.mark.behaviour("helm:14")
def test_kind_breaks_a_tie_of_weight_and_name() -> None:
    stored = kind_sorted([a_hook("same"), a_hook("same", kind="ConfigMap")], lambda hook: hook.kind)

    assert names(*run_order(stored, EVENT)) == ["ConfigMap same", "Job same"]


@pytest.mark.behaviour("helm:19")
def test_unknown_kinds_come_after_all_known_ones_alphabetically() -> None:
    kinds = ["Zebra", "ValidatingWebhookConfiguration", "Apple", "Secret"]

    assert kind_sorted(kinds, str) == ("Secret", "ValidatingWebhookConfiguration", "Apple", "Zebra")


@pytest.mark.behaviour("helm:9")
def test_an_event_written_twice_runs_its_hook_twice() -> None:
    hooks = [a_hook("once"), a_hook("twice", events=(EVENT, EVENT))]

    assert [hook.name for hook in run_order(hooks, EVENT)] == ["once", "twice", "twice"]


def test_hooks_of_other_events_do_not_run() -> None:
    assert run_order([a_hook("a", events=(HookEvent.TEST,))], EVENT) == ()


def test_both_kind_lists_hold_the_same_kinds() -> None:
    assert sorted(INSTALL_ORDER) == sorted(UNINSTALL_ORDER)
    assert UNINSTALL_ORDER[5] == "Service"
    assert UNINSTALL_ORDER[-1] == "PriorityClass"


def test_no_policy_means_deletion_before_creation_once_the_hook_runs() -> None:
    assert policies_when_run(a_hook("a")) == (BEFORE_HOOK_CREATION,)


@pytest.mark.behaviour("helm:28")
def test_an_unknown_policy_matches_nothing_and_keeps_the_default_away() -> None:
    hook = a_hook("a", delete_policies=("bogus",))

    assert not any(is_deleted_by(hook, policy) for policy in DELETE_POLICIES)


@pytest.mark.behaviour("helm:32")
def test_a_definition_of_custom_resources_is_never_deleted() -> None:
    hook = a_hook("a", kind="CustomResourceDefinition", delete_policies=DELETE_POLICIES)

    assert not any(is_deleted_by(hook, policy) for policy in DELETE_POLICIES)


@pytest.mark.parametrize(("kind", "shown"), [("Job", True), ("Pod", True), ("ConfigMap", False)])
def test_only_jobs_and_pods_have_output_to_show(kind: str, shown: bool) -> None:
    hook = replace(a_hook("a", kind=kind), output_log_policies=(HOOK_SUCCEEDED,))

    assert logs_output(hook, HOOK_SUCCEEDED) is shown
