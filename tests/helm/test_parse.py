from __future__ import annotations

import pytest

from boathook.errors import ManifestError
from boathook.helm.model import HookEvent
from boathook.helm.parse import hook_weight, split_documents
from boathook.model import Severity
from tests.helm.build import config_map, job, rendered


@pytest.mark.behaviour("helm:1")
def test_a_document_with_the_annotation_is_a_hook_and_no_resource() -> None:
    files = rendered(hook_yaml=config_map("a", event="pre-install"))

    assert [hook.name for hook in files.hooks] == ["a"]
    assert files.resources == ()


@pytest.mark.behaviour("helm:2")
def test_events_are_trimmed_and_lower_cased() -> None:
    files = rendered(hook_yaml=config_map("a", event=" Pre-Install , POST-INSTALL "))

    assert files.hooks[0].events == (HookEvent.PRE_INSTALL, HookEvent.POST_INSTALL)


@pytest.mark.behaviour("helm:3", "helm:4", "helm:5", "helm:6", "helm:7")
@pytest.mark.parametrize("event", ["pre-install,foo", "pre-install,", "", "crd-install", "test-failure"])
def test_an_unknown_event_drops_the_whole_document_and_says_so(event: str) -> None:
    files = rendered(hook_yaml=config_map("a", event=event))

    assert (files.hooks, files.resources) == ((), ())
    assert [finding.id for finding in files.findings] == ["helm.unknown-event"]
    assert "skipping unknown hooks" in files.findings[0].message


@pytest.mark.behaviour("helm:8")
def test_the_older_name_of_the_test_event_is_stored_as_test() -> None:
    assert rendered(hook_yaml=config_map("a", event="test-success")).hooks[0].events == (HookEvent.TEST,)


@pytest.mark.behaviour("helm:9")
def test_an_event_written_twice_is_kept_twice() -> None:
    files = rendered(hook_yaml=config_map("a", event="test,test-success"))

    assert files.hooks[0].events == (HookEvent.TEST, HookEvent.TEST)


@pytest.mark.behaviour("helm:10")
@pytest.mark.parametrize(
    ("written", "weight"),
    [("abc", 0), ("5.0", 0), (" 5", 0), ("", 0), ("+5", 5), ("-007", -7), ("٣", 0), ("1_0", 0)],
)
def test_a_weight_is_a_sign_and_digits_or_0(written: str, weight: int) -> None:
    assert hook_weight(written) == weight


@pytest.mark.behaviour("helm:10")
def test_a_missing_weight_is_0() -> None:
    assert rendered(hook_yaml=config_map("a", event="test")).hooks[0].weight == 0


@pytest.mark.behaviour("helm:13")
def test_hooks_are_stored_by_kind() -> None:
    files = rendered(
        a_yaml=config_map("z-cm", event="pre-install"),
        b_yaml=job("a-job", weight="-9"),
        c_yaml=config_map("m-sa", kind="ServiceAccount", event="pre-install"),
    )

    assert [hook.name for hook in files.hooks] == ["m-sa", "z-cm", "a-job"]


@pytest.mark.behaviour("helm:15")
def test_each_document_of_a_file_is_classified_alone() -> None:
    files = rendered(both_yaml=config_map("plain") + "---\n" + config_map("hook", event="pre-install"))

    assert [hook.name for hook in files.hooks] == ["hook"]
    assert [resource.value and resource.value["metadata"] for resource in files.resources] == [{"name": "plain"}]


@pytest.mark.behaviour("helm:16")
def test_partials_are_never_emitted() -> None:
    files = rendered(_helper_yaml=config_map("a"))

    assert files.resources == ()


@pytest.mark.behaviour("helm:17")
def test_a_glued_separator_separates() -> None:
    assert split_documents("---apiVersion: v1\nkind: A\n---kind: B\n") == ("apiVersion: v1\nkind: A\n", "kind: B\n")


def test_a_separator_inside_a_block_of_text_separates_nothing() -> None:
    assert len(split_documents("a: |\n  x\n  ---\n  y\n")) == 1


@pytest.mark.behaviour("helm:18")
def test_a_document_that_is_no_mapping_is_refused_with_its_place() -> None:
    with pytest.raises(ManifestError) as refused:
        rendered(list_yaml="- a\n- b\n")

    assert str(refused.value).startswith("chart/templates/list.yaml")
    assert "YAML parse error on chart/templates/list.yaml" in str(refused.value)


def test_all_problems_of_all_files_are_told_at_once() -> None:
    with pytest.raises(ManifestError) as refused:
        rendered(a_yaml="a: [\n", b_yaml="- b\n", c_yaml="apiVersion: v1\nmetadata: {name: c}\n")

    assert [problem.source.file for problem in refused.value.problems] == [
        "chart/templates/a.yaml",
        "chart/templates/b.yaml",
        "chart/templates/c.yaml",
    ]


def test_notes_are_no_document() -> None:
    files = rendered(**{"NOTES.txt": "thanks: for [\n"})

    assert files.notes == "thanks: for [\n"
    assert files.resources == ()


def test_a_document_of_comments_alone_stays_in_the_manifest_without_an_object() -> None:
    files = rendered(a_yaml="# nothing here\n")

    assert [(one.text, one.value) for one in files.resources] == [("# nothing here\n", None)]


def test_policies_are_kept_as_written_known_or_not() -> None:
    hook = rendered(hook_yaml=job("a", policy=" Hook-Succeeded, bogus", log="hook-failed")).hooks[0]

    assert hook.delete_policies == ("hook-succeeded", "bogus")
    assert hook.output_log_policies == ("hook-failed",)


def test_the_default_policy_is_not_filled_in_while_parsing() -> None:
    assert rendered(hook_yaml=job("a")).hooks[0].delete_policies == ()


@pytest.mark.behaviour("helm:73")
def test_the_documented_jobs_annotations_are_read() -> None:
    hook = rendered(hook_yaml=job("demo", event="post-install", weight="-5", policy="hook-succeeded")).hooks[0]

    assert (hook.events, hook.weight, hook.delete_policies) == ((HookEvent.POST_INSTALL,), -5, ("hook-succeeded",))


def test_only_errors_refuse_a_chart() -> None:
    files = rendered(hook_yaml=job("a", weight="abc", policy="bogus"))

    assert {finding.severity for finding in files.findings} == {Severity.WARNING}
