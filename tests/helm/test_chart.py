from __future__ import annotations

from pathlib import Path

import pytest

from boathook.errors import ManifestError
from boathook.helm.chart import load_chart
from boathook.helm.hooks import run_order
from boathook.helm.model import GivenValue, HookEvent, ReleaseOptions, RenderedChart, ValueSource
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
