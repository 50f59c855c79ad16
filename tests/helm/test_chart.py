from __future__ import annotations

from pathlib import Path

import pytest

from boathook.errors import ManifestError
from boathook.helm.chart import load_chart
from boathook.helm.hooks import run_order
from boathook.helm.model import GivenValue, HookEvent, ReleaseOptions, RenderedChart, ValueSource
from boathook.model import JsonValue
from tests.helm.build import config_map, write_chart

EXAMPLE = Path(__file__).parents[2] / "examples/helm/post-install-job"


async def load(chart: Path, *values: str) -> RenderedChart:
    return await load_chart(
        chart,
        values=tuple(GivenValue(source=ValueSource.SET, text=text) for text in values),
        release=ReleaseOptions(name="demo", namespace="default", revision=1, is_upgrade=False),
    )


@pytest.mark.anyio
@pytest.mark.behaviour("helm:73")
@pytest.mark.parametrize(("values", "seconds"), [((), "10"), (("sleepyTime=3",), "3")])
async def test_the_documented_job_renders_as_documented(values: tuple[str, ...], seconds: str) -> None:
    rendered = await load(EXAMPLE, *values)

    (hook,) = rendered.hooks
    assert f'command: ["/bin/sleep","{seconds}"]' in hook.manifest
    assert (hook.name, hook.events, hook.weight) == ("demo", (HookEvent.POST_INSTALL,), -5)
    assert hook.delete_policies == ("hook-succeeded",)


@pytest.mark.anyio
async def test_a_library_chart_is_refused(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", metadata="type: library\n")

    with pytest.raises(ManifestError, match=r"Chart\.yaml:4:1: type: library charts are not installable"):
        await load(chart)


@pytest.mark.anyio
async def test_a_chart_for_another_kubernetes_is_refused(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", metadata='kubeVersion: ">=99"\n')

    with pytest.raises(ManifestError, match=r"kubeVersion: >=99 which is incompatible with Kubernetes v1\.36\.0"):
        await load(chart)


@pytest.mark.anyio
async def test_missing_dependencies_are_named(tmp_path: Path) -> None:
    chart = write_chart(
        tmp_path / "c",
        metadata="dependencies:\n"
        "- {name: foo, version: '1', repository: ''}\n"
        "- {name: bar, version: '1', repository: ''}\n",
    )

    with pytest.raises(ManifestError, match="missing in charts/ directory: foo, bar"):
        await load(chart)


@pytest.mark.anyio
@pytest.mark.behaviour("helm:20")
async def test_a_subcharts_hooks_count_with_their_weight_and_go_with_the_subchart(tmp_path: Path) -> None:
    chart = write_chart(
        tmp_path / "c",
        metadata='dependencies: [{name: sub, version: "*", repository: "", condition: sub.enabled}]\n',
        a_yaml=config_map("parent", event="pre-install", weight="0"),
    )
    write_chart(chart / "charts/sub", a_yaml=config_map("child", event="pre-install", weight="-1"))

    enabled, disabled = await load(chart), await load(chart, "sub.enabled=false")

    assert [hook.name for hook in run_order(enabled.hooks, HookEvent.PRE_INSTALL)] == ["child", "parent"]
    assert [hook.name for hook in disabled.hooks] == ["parent"]


SHOWN = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: shown}
data:
"""


def shown_data(rendered: RenderedChart) -> JsonValue:
    (value,) = (one.value for one in rendered.resources if one.value is not None)
    return value["data"]


@pytest.mark.anyio
@pytest.mark.behaviour("helm:69")
async def test_a_condition_wins_over_tags_and_its_first_boolean_counts(tmp_path: Path) -> None:
    chart = write_chart(
        tmp_path / "c",
        metadata="dependencies:\n- {name: sub, version: '*', repository: '', condition: 'a.use,b.use', tags: [back]}\n",
        values="tags: {back: false}\na: {use: no boolean}\nb: {use: true}\n",
    )
    write_chart(chart / "charts/sub", a_yaml=config_map("child", event=None))

    async def names(*values: str) -> list[str]:
        return [one.path for one in (await load(chart, *values)).resources]

    assert await names() == ["c/charts/sub/templates/a.yaml"]
    assert await names("a.use=false") == []
    assert await names("b.use=null") == []


@pytest.mark.anyio
@pytest.mark.behaviour("helm:70")
async def test_both_forms_of_import_values_bring_values_up(tmp_path: Path) -> None:
    chart = write_chart(
        tmp_path / "c",
        metadata="dependencies:\n- name: sub\n  version: '*'\n  repository: ''\n"
        "  import-values: [data, {child: inner.deep, parent: taken}]\n",
        a_yaml=SHOWN + "  one: {{ .Values.one | quote }}\n  two: {{ .Values.taken.two | quote }}\n",
    )
    write_chart(chart / "charts/sub", values="exports: {data: {one: exported}}\ninner: {deep: {two: named}}\n")

    assert shown_data(await load(chart)) == {"one": "exported", "two": "named"}


@pytest.mark.anyio
@pytest.mark.behaviour("helm:71")
async def test_global_values_are_seen_in_a_subchart(tmp_path: Path) -> None:
    chart = write_chart(
        tmp_path / "c",
        metadata="dependencies: [{name: sub, version: '*', repository: ''}]\n",
        values="global: {zone: here}\n",
    )
    write_chart(chart / "charts/sub", a_yaml=SHOWN + "  zone: {{ .Values.global.zone | quote }}\n")

    assert shown_data(await load(chart)) == {"zone": "here"}


@pytest.mark.anyio
@pytest.mark.behaviour("helm:16")
async def test_a_partial_emits_nothing(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", _helper_yaml=config_map("hidden"), a_yaml=config_map("shown"))

    assert [one.path for one in (await load(chart)).resources] == ["c/templates/a.yaml"]


@pytest.mark.anyio
async def test_definitions_of_custom_resources_are_loaded_apart(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c")
    (chart / "crds").mkdir()
    (chart / "crds/one.yaml").write_text(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: ones.example.org\n"
    )

    (crd,) = (await load(chart)).crds
    assert crd.kind == "CustomResourceDefinition"
