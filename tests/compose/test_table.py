"""Text in columns, and rows by templates."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from boathook.compose.showing.table import Listed, Row, columns, parse_template
from boathook.errors import UsageError

ROW: Row = {"Name": "a<b", "Size": 3, "Ports": [{"URL": "x", "Port": 1}], "State": "running"}
LABELS: Mapping[str, str] = {"com.example.role-name": "db"}


def listed(style: str) -> str:
    other: Row = {**ROW, "Name": "longer-name"}
    rows: tuple[tuple[Row, Mapping[str, str]], ...] = ((ROW, LABELS), (other, {}))
    return Listed(rows=rows, headings={"Size": "HOW BIG"}, default="{{.Name}}\t{{.Size}}").shown(style)


def test_a_column_is_as_wide_as_its_widest_entry_and_at_least_so_wide() -> None:
    rows = [("A", "B", "C"), ("1234567890", "2", ""), ("é", "", "3")]

    assert columns(rows, least=4, padding=2) == "A           B   C\n1234567890  2   \né               3\n"


def test_nothing_is_nothing() -> None:
    assert columns([], least=4, padding=2) == ""


def test_a_table_has_the_headings_of_its_fields() -> None:
    assert listed("table") == listed("") == "NAME          HOW BIG\na<b           3\nlonger-name   3\n"
    assert listed("table {{.State}}\\t{{.Name}}") == ("STATE     NAME\nrunning   a<b\nrunning   longer-name\n")
    assert listed('table {{.Label "com.example.role-name"}}') == "role name\ndb\n\n"


def test_json_is_one_object_a_line_without_markup() -> None:
    first, second = listed("json").splitlines()

    assert first == '{"Name":"a\\u003cb","Size":3,"Ports":[{"URL":"x","Port":1}],"State":"running"}'
    assert '"longer-name"' in second


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.Name}}", "a<b"),
        ("{{ .Size }}!", "3!"),
        ("{{json .Ports}}", '[{"URL":"x","Port":1}]'),
        ("{{json .Name}}", '"a\\u003cb"'),
        ("{{upper .State}} {{lower .Name}} {{title .State}} {{len .State}}", "RUNNING a<b Running 7"),
        ('{{.Label "com.example.role-name"}}', "db"),
        ('{{.Label "nope"}}', ""),
        ("plain\\ttext\\n", "plain\ttext\n"),
    ],
)
def test_a_template_takes_fields_and_labels(template: str, text: str) -> None:
    assert parse_template(template).fill(ROW, LABELS) == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{range .Ports}}{{end}}", "is not supported"),
        ("{{.Name", "an action is not closed"),
        ("{{}}", "is not supported"),
    ],
)
def test_what_is_not_known_of_templates_is_refused(template: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_template(template)


def test_a_field_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UsageError, match='no field "Nope"; there are Name, Ports, Size, State'):
        listed("{{.Nope}}")
