"""The same charts and records to a real helm 4.2.3.

Known differences, all wanted:

| what | helm | here | why |
| --- | --- | --- | --- |
| blank lines before a ``---`` | taken away (4.2.3) | kept | helm itself keeps them from 4.2.4 on |
| a key written twice in a document | the last one counts | refused, with its place | it is a mistake every time |
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from boathook.helm.chart import load_chart
from boathook.helm.model import GivenValue, LastRun, ReleaseOptions, RenderedChart, RunPhase, ValueSource
from boathook.helm.render import HelmCliRenderer, Renderer, SdkRenderer
from boathook.helm.storage import from_record, secret_of
from boathook.helm.text import hooks_text
from tests.helm.build import MOMENT, a_release, config_map, job, rendered, write_chart
from tests.peers.helm import helm_program, run_helm, serving

pytestmark = pytest.mark.peer

EXAMPLE = Path(__file__).parents[2] / "examples/helm/post-install-job"


async def load(chart: Path, renderer: Renderer, *values: str) -> RenderedChart:
    return await load_chart(
        chart,
        values=tuple(GivenValue(source=ValueSource.SET, text=text) for text in values),
        release=ReleaseOptions(name="demo", namespace="default", revision=1, is_upgrade=False),
        renderer=renderer,
    )


def documents(text: str) -> list[str]:
    return [part.strip() for part in text.split("---\n# Source: ") if part.strip()]


def as_template(rendered: RenderedChart) -> list[str]:
    parts = [(one.path, one.text) for one in rendered.resources] + [(one.path, one.manifest) for one in rendered.hooks]
    return [f"{path}\n{text}".strip() for path, text in parts]


def a_mixed_chart(directory: Path) -> Path:
    return write_chart(
        directory / "mixed",
        values="names: [x, y]\n",
        all_yaml="---\n".join(
            [
                job("z-job", event=None),
                config_map("b", event="pre-install", weight="5"),
                config_map("a"),
                job("hook", event="Post-Install, pre-delete", policy="hook-succeeded", weight="-3"),
                config_map("dropped", event="pre-install,foo"),
                "apiVersion: example.org/v1\nkind: Zebra\nmetadata: {name: z}\n",
                "apiVersion: example.org/v1\nkind: Apple\nmetadata: {name: a}\n",
            ]
        ),
        more_yaml="{{ range .Values.names }}---\n" + config_map("{{ . }}") + "{{ end }}",
        NOTES_txt="installed {{ .Release.Name }}\n",
    )


@pytest.mark.anyio
@pytest.mark.parametrize("values", [(), ("sleepyTime=3",)])
async def test_the_example_renders_as_helm_renders_it(tmp_path: Path, values: tuple[str, ...]) -> None:
    options = [argument for value in values for argument in ("--set", value)]

    expected = run_helm("template", "demo", str(EXAMPLE), *options, home=tmp_path)

    assert as_template(await load(EXAMPLE, SdkRenderer(), *values)) == documents(expected)


@pytest.mark.anyio
async def test_hooks_and_resources_are_told_apart_and_sorted_as_helm_does(tmp_path: Path) -> None:
    chart = a_mixed_chart(tmp_path)

    expected = run_helm("template", "demo", str(chart), home=tmp_path)

    assert as_template(await load(chart, SdkRenderer())) == documents(expected)


@pytest.mark.anyio
async def test_both_renderers_give_the_same(tmp_path: Path) -> None:
    chart = a_mixed_chart(tmp_path)

    sdk, cli = await load(chart, SdkRenderer()), await load(chart, HelmCliRenderer(str(helm_program())))

    assert as_template(sdk) == as_template(cli)
    assert (sdk.notes, sdk.config, sdk.chart.metadata) == (cli.notes, cli.config, cli.chart.metadata)
    assert sdk.chart.templates == cli.chart.templates


@pytest.mark.anyio
async def test_helms_own_record_of_a_chart_says_the_same_as_ours(tmp_path: Path) -> None:
    chart = a_mixed_chart(tmp_path)
    answer = run_helm("install", "demo", str(chart), "--dry-run=client", "-o", "json", home=tmp_path)

    theirs = from_record(json.loads(answer))
    ours = await load(chart, SdkRenderer())

    def facts(hooks: tuple[object, ...]) -> list[object]:
        return [(h.name, h.kind, h.path, h.events, h.weight, h.delete_policies) for h in hooks]  # type: ignore[attr-defined]

    assert facts(theirs.hooks) == facts(ours.hooks)
    assert theirs.notes == ours.notes


@pytest.mark.behaviour("helm:56")
def test_helm_reads_our_records(tmp_path: Path) -> None:
    text = job("demo", event="post-install", weight="-5", policy="hook-succeeded")
    (hook,) = rendered(job_yaml=text).hooks
    ran = replace(hook, last_run=LastRun(started=MOMENT, completed=MOMENT, phase=RunPhase.SUCCEEDED))
    manifest = "---\n# Source: x\nkind: A\n"
    release = replace(a_release(hooks=(ran,)), manifest=manifest, notes="thanks\n", config={"a": 1})

    with serving([secret_of(release, stamp="createdAt", now=MOMENT)]) as server:
        listed = json.loads(run_helm("list", "-o", "json", home=tmp_path, server=server))
        history = json.loads(run_helm("history", "demo", "-o", "json", home=tmp_path, server=server))
        hooks = run_helm("get", "hooks", "demo", home=tmp_path, server=server)
        values = run_helm("get", "values", "demo", home=tmp_path, server=server)
        notes = run_helm("get", "notes", "demo", home=tmp_path, server=server)
        shown = run_helm("get", "manifest", "demo", home=tmp_path, server=server)

    assert [(one["name"], one["status"], one["chart"]) for one in listed] == [("demo", "deployed", "chart-0.1.0")]
    assert [(one["revision"], one["description"]) for one in history] == [(1, "Install complete")]
    assert hooks == hooks_text(release)
    assert "a: 1" in values
    assert "thanks" in notes
    assert shown == f"{manifest}\n"
