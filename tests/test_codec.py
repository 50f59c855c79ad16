"""Every value that is kept or sent comes back as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boathook.codec import CodecError, from_json, to_json
from boathook.events import ContainerStarted, Event, Stamped
from boathook.journal import Obligation, ObligationState, Owner
from boathook.model import Handler, HookResult, JsonObject, JsonValue, Outcome, Output, Sleep, Target
from boathook.runtimes.base import ContainerSpec, NetworkMode, SandboxSpec
from tests.hooks.build import a_hook

TARGET = Target(kind="container", scope="default/db", name="app", instance="uid/0")

st.register_type_strategy(timedelta, st.timedeltas(timedelta(0), timedelta(days=3650)))
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(Path, st.text("ab/.", min_size=1).map(Path))

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
payloads: st.SearchStrategy[JsonObject] = st.dictionaries(st.text(max_size=3), values, max_size=3)
events: st.SearchStrategy[Any] = st.one_of(*(st.from_type(cls) for cls in get_args(Event)))


def there_and_back(expected: Any, value: object) -> object:
    return from_json(expected, json.loads(json.dumps(to_json(value))))


@settings(max_examples=300)
@given(events)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    assert there_and_back(Event, event) == event


@given(st.from_type(HookResult))
def test_a_hook_result_comes_back_as_it_was(result: HookResult) -> None:
    assert there_and_back(HookResult, result) == result


@given(st.from_type(ContainerSpec), st.from_type(SandboxSpec))
def test_what_a_fresh_container_is_made_of_comes_back_as_it_was(container: ContainerSpec, sandbox: SandboxSpec) -> None:
    assert there_and_back(ContainerSpec, container) == container
    assert there_and_back(SandboxSpec, sandbox) == sandbox


@given(payloads, st.from_type(Owner), st.from_type(Target), st.datetimes(timezones=st.just(UTC)))
def test_an_obligation_comes_back_as_it_was(
    payload: JsonObject, owner: Owner, target: Target, created: datetime
) -> None:
    obligation = Obligation(
        id="x",
        kind="backup.post-hook",
        target=target,
        description="run it",
        payload=payload,
        owner=owner,
        run="r",
        created=created,
        state=ObligationState.OPEN,
        reason=None,
    )

    assert there_and_back(Obligation, obligation) == obligation


def test_a_member_of_a_union_and_the_value_at_the_top_carry_their_class() -> None:
    hook_json = to_json(Sleep(duration=timedelta(seconds=1.5)))

    assert hook_json == {"type": "Sleep", "duration": 1.5}
    assert from_json(Handler, hook_json) == Sleep(duration=timedelta(seconds=1.5))


def test_a_stamped_event_comes_back_with_its_event() -> None:
    stamped = Stamped(sequence=1, at=0.5, wall=datetime(2026, 1, 1, tzinfo=UTC), event=ContainerStarted(target=TARGET))

    assert there_and_back(Stamped, stamped) == stamped


def test_several_values_come_back_as_a_tuple() -> None:
    assert there_and_back(tuple[Target, ...], (TARGET, TARGET)) == (TARGET, TARGET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    modes: frozenset[NetworkMode]
    by_mode: Mapping[NetworkMode, Target]
    pair: tuple[int, str]
    either: str | int
    maybe: Path | None
    inner: Everything | None
    anything: JsonValue


def test_sets_mappings_pairs_and_nested_values_come_back_as_they_were() -> None:
    value = Everything(
        modes=frozenset(NetworkMode),
        by_mode={NetworkMode.POD: TARGET},
        pair=(1, "b"),
        either=3,
        maybe=Path("/x"),
        inner=Everything(
            modes=frozenset(), by_mode={}, pair=(2, "c"), either="x", maybe=None, inner=None, anything=[1, {"a": None}]
        ),
        anything={"type": "kept"},
    )

    assert there_and_back(Everything, value) == value


@pytest.mark.parametrize(
    ("expected", "data", "message"),
    [
        (Target, {"kind": "pod"}, 'Target: "scope" is missing'),
        (
            Handler,
            {"type": "Grpc"},
            'found type "Grpc", expected one of Exec, RunContainer, HttpGet, TcpSocket, Sleep, Manifest',
        ),
        (Output, {"text": "x", "total_bytes": "1", "omitted_bytes": 0}, "Output.total_bytes: found str, expected int"),
        (Outcome, "fine", "'fine' is not a valid Outcome"),
        (datetime, "yesterday", "expected datetime"),
        (tuple[int, str], [1], "found 1 items, expected 2"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_place(expected: Any, data: JsonValue, message: str) -> None:
    with pytest.raises(CodecError, match=message.replace(".", r"\.")):
        from_json(expected, data)


def test_a_value_without_a_json_form_is_refused() -> None:
    with pytest.raises(CodecError, match="cannot write a object as JSON"):
        to_json(object())


def test_where_the_declared_type_says_what_it_is_no_class_is_written() -> None:
    written = to_json(a_hook())

    assert isinstance(written, dict)
    assert written["source"] == {
        "file": "pod.yaml",
        "line": 12,
        "column": 9,
        "path": "spec.containers[0].lifecycle.preStop",
    }
