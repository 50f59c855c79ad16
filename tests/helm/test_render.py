from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from boathook.errors import ManifestError, MissingExtra, NotFound, PlaceError, UsageError
from boathook.helm import render
from boathook.helm.model import GivenValue, ReleaseOptions, ValueSource
from boathook.helm.render import BUILT_IN_CAPABILITIES, HelmCliRenderer, RenderedFiles, SdkRenderer, find_renderer
from boathook.helm.render_child import large_integers, merge
from tests.helm.build import write_chart

RELEASE = ReleaseOptions(name="demo", namespace="default", revision=1, is_upgrade=False)


async def render_chart(chart: Path, *values: GivenValue) -> RenderedFiles:
    return await SdkRenderer().render(chart, values, RELEASE, BUILT_IN_CAPABILITIES)


def given(source: ValueSource, text: str) -> GivenValue:
    return GivenValue(source=source, text=text)


@pytest.mark.anyio
async def test_a_chart_is_rendered_with_its_release(tmp_path: Path) -> None:
    chart = write_chart(
        tmp_path / "c", a_yaml="a: {{ .Release.Name }} {{ .Release.Revision }} {{ .Release.IsInstall }}\n"
    )

    assert (await render_chart(chart)).files == {"c/templates/a.yaml": "a: demo 1 true\n"}


@pytest.mark.anyio
@pytest.mark.behaviour("helm:68")
async def test_later_kinds_of_values_win_whatever_their_order(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("a: file\nb: file\nc: {d: file, e: file}\n")
    chart = write_chart(tmp_path / "c", values="a: default\nz: default\n", a_yaml="a: {{ .Values | toJson }}\n")

    rendered = await render_chart(
        chart,
        given(ValueSource.SET_STRING, "b=007"),
        given(ValueSource.SET, "b=1,c.d=true"),
        given(ValueSource.FILE, str(file)),
    )

    assert rendered.config == {"a": "file", "b": "007", "c": {"d": True, "e": "file"}}
    assert '"z":"default"' in rendered.files["c/templates/a.yaml"]


@pytest.mark.anyio
@pytest.mark.behaviour("helm:68")
async def test_values_have_helms_types(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c")

    rendered = await render_chart(chart, given(ValueSource.SET, "t=true,z=0,o=007,f=1.5,n=null,l={a,b}"))

    assert rendered.config == {"t": True, "z": 0, "o": "007", "f": "1.5", "n": None, "l": ["a", "b"]}


@pytest.mark.anyio
async def test_an_indexed_expression_changes_one_element_of_a_list(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("l: [{a: 1}, {a: 2, b: 3}]\n")
    chart = write_chart(tmp_path / "c")

    rendered = await render_chart(chart, given(ValueSource.FILE, str(file)), given(ValueSource.SET, "l[1].a=x"))

    assert rendered.config == {"l": [{"a": 1}, {"a": "x", "b": 3}]}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("template", "line", "column", "words"),
    [
        ("a: 1\nb: {{ .Values.a.b.c }}\n", 2, 14, "nil pointer evaluating"),
        ('a: 1\nb: {{ required "say b" .Values.b }}\n', 2, 7, "say b"),
        ("a: 1\nb: {{ nosuch }}\n", 2, None, 'function "nosuch" not defined'),
        ("a: 1\nb: {{ if }}\n", 2, None, "missing value for if"),
    ],
)
async def test_a_chart_that_does_not_render_names_the_place_in_its_template(
    tmp_path: Path, template: str, line: int, column: int | None, words: str
) -> None:
    chart = write_chart(tmp_path / "c", a_yaml=template)

    with pytest.raises(ManifestError) as refused:
        await render_chart(chart)

    source = refused.value.problems[0].source
    assert (source.file, source.line, source.column) == (str(chart / "templates/a.yaml"), line, column)
    assert words in str(refused.value)


@pytest.mark.anyio
@pytest.mark.behaviour("helm:67")
async def test_templates_cannot_read_the_environment_and_find_nothing_in_a_cluster(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", a_yaml='a: {{ lookup "v1" "Pod" "x" "y" }}\n')
    reading = write_chart(tmp_path / "d", a_yaml='a: {{ env "HOME" }}\n')

    assert (await render_chart(chart)).files == {"c/templates/a.yaml": "a: map[]\n"}
    with pytest.raises(ManifestError, match='function "env" not defined'):
        await render_chart(reading)


@pytest.mark.anyio
async def test_templates_without_end_are_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "DEADLINE", timedelta(seconds=1))
    chart = write_chart(
        tmp_path / "c", a_yaml="a: {{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}\n"
    )

    with pytest.raises(ManifestError, match="did not end within 1 seconds"):
        await render_chart(chart)


@pytest.mark.anyio
async def test_a_file_of_values_that_is_missing_is_named(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c")

    with pytest.raises(UsageError, match=r"open nofile\.yaml: no such file or directory"):
        await render_chart(chart, given(ValueSource.FILE, "nofile.yaml"))


@pytest.mark.anyio
async def test_an_expression_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot use the given values"):
        await render_chart(write_chart(tmp_path / "c"), given(ValueSource.SET, "a"))


@pytest.mark.anyio
async def test_values_from_an_address_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only files are supported"):
        await render_chart(write_chart(tmp_path / "c"), given(ValueSource.FILE, "https://example.org/v.yaml"))


@pytest.mark.anyio
async def test_a_missing_chart_is_not_found() -> None:
    with pytest.raises(NotFound, match='chart "nochart" not found'):
        await render_chart(Path("nochart"))


@pytest.mark.anyio
async def test_a_directory_that_is_no_chart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"Chart\.yaml"):
        await render_chart(tmp_path)


@pytest.mark.anyio
async def test_a_large_integer_of_an_expression_is_a_finding(tmp_path: Path) -> None:
    rendered = await render_chart(write_chart(tmp_path / "c"), given(ValueSource.SET, "a.b=12345678,c=999"))

    assert [(finding.id, finding.source.path) for finding in rendered.findings] == [("helm.large-integer", "a.b")]


def test_the_named_program_comes_before_the_sdk_and_the_sdk_before_the_path() -> None:
    program = shutil.which("true")
    assert program is not None

    assert isinstance(find_renderer({"BOATHOOK_HELM": program}), HelmCliRenderer)
    assert isinstance(find_renderer({}), SdkRenderer)


def test_a_program_that_is_named_and_missing_is_said() -> None:
    with pytest.raises(PlaceError, match='BOATHOOK_HELM names "/nowhere/helm"'):
        find_renderer({"BOATHOOK_HELM": "/nowhere/helm"})


@pytest.mark.behaviour("deps:2")
def test_without_any_renderer_the_extra_is_named() -> None:
    assert isinstance(render.missing_extra("none"), MissingExtra)
    assert "boathook[helm]" in (render.missing_extra("none").hint or "")


def test_maps_are_merged_and_all_else_is_replaced() -> None:
    assert merge({"a": {"b": 1, "c": [1, 2]}}, {"a": {"c": [3]}, "d": None}) == {"a": {"b": 1, "c": [3]}, "d": None}


def test_only_integers_that_print_otherwise_are_large() -> None:
    assert large_integers({"a": [1_000_000, True, 1.5e9], "b": {"c": 999_999}}) == ["a[0]"]
