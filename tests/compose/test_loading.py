"""Several files as one project: merging, ``extends``, ``include``, profiles, and where each problem stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from boathook.compose.parse import parse_loaded
from boathook.compose.reading.config import as_yaml
from boathook.compose.reading.loading import FileText, Loaded, load
from boathook.compose.reading.normal import normal_project
from boathook.errors import ManifestError
from boathook.model import Exec, Hook, JsonObject, OnFailure
from boathook.objects import mapping, mappings

DIRECTORY = Path("/project")


def loaded(
    *texts: str,
    others: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    profiles: tuple[str, ...] = (),
    services: tuple[str, ...] = (),
) -> Loaded:
    """These files, called ``1.yaml`` and so on; ``others`` can be named by them."""
    return load(
        [FileText(file=f"/project/{at}.yaml", text=text) for at, text in enumerate(texts, 1)],
        directory=DIRECTORY,
        name="demo",
        variables=variables or {},
        read=lambda path: (others or {}).get(str(path.relative_to(DIRECTORY))),
        profiles=profiles,
        services=services,
    )


def config(
    *texts: str, others: Mapping[str, str] | None = None, variables: Mapping[str, str] | None = None
) -> JsonObject:
    return normal_project(loaded(*texts, others=others, variables=variables))


def problems_of(*texts: str, others: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ManifestError) as refused:
        config(*texts, others=others)
    return [str(problem) for problem in refused.value.problems]


def commands(*texts: str, others: Mapping[str, str] | None = None, service: str = "app") -> list[str]:
    project = parse_loaded(loaded(*texts, others=others)).project
    return [" ".join(_exec(hook).command) for hook in project.service(service).post_start]


def _exec(hook: Hook) -> Exec:
    assert isinstance(hook.handler, Exec)
    return hook.handler


BASE = "services: {app: {image: a, post_start: [{command: one}, {command: two}]}}"


@pytest.mark.behaviour("compose:22", "deps:30")
@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ("[{command: three}]", ["one", "two", "three"]),
        ("!override [{command: three}]", ["three"]),
        ("!reset []", []),
        ("!reset null", []),
        ("[]", ["one", "two"]),
        ("", ["one", "two"]),
    ],
)
def test_hook_lists_of_a_later_file_are_appended_unless_it_says_otherwise(over: str, expected: list[str]) -> None:
    assert commands(BASE, f"services: {{app: {{post_start: {over}}}}}") == expected


def test_a_reset_may_be_followed_by_another_file() -> None:
    again = "services: {app: {post_start: [{command: again}]}}"

    assert commands(BASE, "services: {app: {post_start: !reset []}}", again) == ["again"]


@pytest.mark.behaviour("compose:23", "deps:30")
def test_the_hooks_of_the_extended_service_come_first() -> None:
    text = """
services:
  app: {extends: {file: shared/base.yaml, service: middle}, post_start: [{command: app}]}
"""
    base = """
services:
  root: {image: a, post_start: [{command: root}]}
  middle: {extends: root, post_start: [{command: middle}]}
"""
    assert commands(text, others={"shared/base.yaml": base}) == ["root", "middle", "app"]


@pytest.mark.behaviour("compose:24")
def test_config_prints_what_reads_back_as_the_same() -> None:
    text = """
services:
  app:
    image: a
    environment: [A=$$x]
    post_start: [{command: echo "a b" $$X, environment: [B=1, C]}]
"""
    printed = as_yaml(config(text))

    hook = yaml.safe_load(printed)["services"]["app"]["post_start"][0]
    assert hook == {"command": ["echo", "a b", "$$X"], "environment": {"B": "1", "C": None}}
    assert list(yaml.safe_load(printed)["services"]["app"])[-1] == "post_start"
    assert config(printed) == config(text)


def test_paths_count_from_the_file_that_a_service_is_extended_from_or_included_with() -> None:
    others = {
        "shared/base.yaml": "services: {base: {image: a, volumes: [./base:/base]}}",
        "part/compose.yaml": "services: {part: {image: a, volumes: [./part:/part]}}",
    }
    text = """
include: [part/compose.yaml]
services: {app: {extends: {file: shared/base.yaml, service: base}, volumes: [./app:/app]}}
"""
    services = mapping(config(text, others=others), "services")

    def sources(name: str) -> list[object]:
        return [one["source"] for one in mappings(mapping(services, name).get("volumes"))]

    assert sources("app") == ["/project/shared/base", "/project/app"]
    assert sources("part") == ["/project/part/part"]


def test_an_included_file_has_its_own_variables_and_the_environment_wins() -> None:
    others = {
        "part/compose.yaml": "services: {part: {image: '$A-$B'}}",
        "part/.env": "A=own\nB=own",
    }
    found = config("include: [part/compose.yaml]", others=others, variables={"B": "shell"})

    assert mapping(found, "services", "part")["image"] == "own-shell"


def test_what_both_sides_of_an_include_define_is_merged_the_including_side_last() -> None:
    others = {"part.yaml": "services: {app: {image: part, labels: {a: part, b: part}}}"}
    found = config("include: [part.yaml]\nservices: {app: {labels: {a: own}}}", others=others)

    assert mapping(found, "services", "app")["image"] == "part"
    assert mapping(found, "services", "app", "labels") == {"a": "own", "b": "part"}


PROFILES = """
services:
  always: {image: a}
  one: {image: a, profiles: [p]}
  two: {image: a, profiles: [p, q]}
"""


@pytest.mark.parametrize(
    ("profiles", "services", "expected"),
    [
        ((), (), {"always"}),
        (("q",), (), {"always", "two"}),
        (("*",), (), {"always", "one", "two"}),
        ((), ("one",), {"always", "one", "two"}),
    ],
)
def test_profiles_and_named_services_decide_what_is_there(
    profiles: tuple[str, ...], services: tuple[str, ...], expected: set[str]
) -> None:
    project = parse_loaded(loaded(PROFILES, profiles=profiles, services=services)).project

    assert project.names == expected


def test_a_dependency_that_no_profile_enables_is_refused_with_the_remedy() -> None:
    text = "services: {app: {image: a, depends_on: [db]}, db: {image: a, profiles: [p]}}"

    (problem,) = problems_of(text)

    assert 'service "app" depends on undefined service "db"' in problem
    with pytest.raises(ManifestError) as refused:
        parse_loaded(loaded(text))
    assert refused.value.problems[0].remedy == '"db" is disabled; enable it with --profile p'


def test_problems_of_all_files_are_told_at_once_each_in_its_own_file() -> None:
    found = problems_of(
        "services:\n  app: {image: a, fooo: 1}\n",
        "services:\n  app:\n    ports: ['x:80']\n    stop_grace_period: 5 apples\n",
    )

    assert [one.partition(": ")[0] for one in found] == [
        "/project/1.yaml:2:19",
        "/project/2.yaml:3:13",
        "/project/2.yaml:4:24",
    ]


def test_a_broken_file_does_not_hide_what_is_broken_in_another() -> None:
    found = problems_of("services: {a: {image: a}", "services: {b: [}")

    assert [one.partition(":")[0] for one in found] == ["/project/1.yaml", "/project/2.yaml"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("services: {a: {extends: b, image: a}, b: {extends: a}}", "services extend each other: a -> b -> a"),
        ("services: {a: {extends: nope}}", 'cannot extend service "nope": there is none of that name'),
        ("services: {a: {extends: {file: no.yaml, service: a}}}", "/project/no.yaml is not there"),
        ("services: {a: {image: a, extends: {file: x}}}", "services.a.extends: found a mapping, expected"),
        ("include: [no.yaml]\nservices: {a: {image: a}}", "/project/no.yaml is not there"),
        ("include: x\nservices: {a: {image: a}}", 'include: found "x", expected a list'),
        ("include: [{path: x, foo: 1}]", 'unknown field "foo"'),
        ("services: {a: {image: a, links: [b]}, b: {image: a, ipc: 'service:a'}}", "dependency cycle detected"),
        ("services: {a: {image: a, networks: [n]}}", 'service "a" refers to undefined network "n"'),
        ("services: {a: {command: x}}", 'service "a" has neither an image nor a build context specified'),
        ("services: {a: {image: a, container_name: xy, scale: 2}}", "2 containers cannot have one name"),
        ("services: {a: {image: a, healthcheck: {test: [x]}}}", 'found "x" in front, expected "CMD"'),
        ("services: {a: {image: a, post_start: [{command: x, per_replica: true}]}}", "unknown field"),
        ("services: {a: {image: a, mem_limit: 5q}}", 'found "5q", expected a size'),
        ("services: {a: {image: a, ports: ['1-3:4-5']}}", '"1-3:4-5" publishes 3 ports as 2'),
    ],
)
def test_what_is_wrong_is_said(text: str, problem: str) -> None:
    found = problems_of(text)

    assert any(problem in one for one in found), found


def test_an_include_cycle_is_refused_with_its_way() -> None:
    others = {"a.yaml": "include: [b.yaml]", "b.yaml": "include: [a.yaml]"}

    (problem,) = problems_of("include: [a.yaml]\nservices: {x: {image: a}}", others=others)

    assert problem.endswith(
        "include cycle detected: /project/1.yaml -> /project/a.yaml -> /project/b.yaml -> /project/a.yaml"
    )


def test_fields_that_nothing_acts_upon_are_named_in_warnings() -> None:
    text = """
services:
  app:
    image: a
    isolation: x
    build: {context: ., ssh: [default]}
    deploy: {mode: global}
"""
    one = loaded(text)

    normal_project(one)

    assert [finding.source.path for finding in one.problems.findings] == [
        "services.app.isolation",
        "services.app.build.ssh",
        "services.app.deploy.mode",
    ]


def test_a_hook_may_have_a_time_out_and_say_what_a_failure_means() -> None:
    text = """
services:
  app:
    image: a
    post_start: [{command: x, x-boathook: {timeout: 1m30s, on_failure: continue}}, {command: y, x-other: 1}]
"""
    one, two = parse_loaded(loaded(text)).project.service("app").post_start

    assert one.timeout is not None
    assert (one.timeout.total_seconds(), one.on_failure) == (90, OnFailure.CONTINUE)
    assert (two.timeout, two.on_failure) == (None, OnFailure.STOP)


@pytest.mark.parametrize(
    ("extension", "problem"),
    [
        ("{timeout: soon}", "x-boathook"),
        ("{timeout: 0s}", 'found "0s", expected a duration above nothing'),
        ("{on_failure: retry}", 'found "retry", expected "abort" or "continue"'),
        ("{tries: 3}", "unknown field"),
    ],
)
def test_a_wrong_extension_of_a_hook_is_refused(extension: str, problem: str) -> None:
    with pytest.raises(ManifestError) as refused:
        parse_loaded(loaded(f"services: {{a: {{image: a, pre_stop: [{{command: x, x-boathook: {extension}}}]}}}}"))

    assert any(problem in str(one) for one in refused.value.problems)


def test_a_wrong_field_without_effect_is_refused_when_the_project_is_to_run() -> None:
    with pytest.raises(ManifestError, match="invalid port"):
        parse_loaded(loaded("services: {a: {image: a, ports: ['x:80']}}"))


def test_a_variable_may_be_called_like_an_extension() -> None:
    app = parse_loaded(loaded("services: {app: {image: a, environment: {x-a: 1}, labels: {x-b: 2}}}")).project.service(
        "app"
    )

    assert (app.environment, app.labels) == ((("x-a", "1"),), (("x-b", "2"),))
