"""What a Compose file means, and how a wrong one is refused: every problem at once, each with its position."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from boathook.codec import from_json, to_json
from boathook.compose.model import BindMount, Project, Service, VolumeMount
from boathook.compose.parse import normal_name, parse_project
from boathook.errors import ManifestError, UsageError
from boathook.model import Exec
from tests.compose.build import EXAMPLES, a_project, parsed


def a_service(fields: str, *, variables: dict[str, str] | None = None) -> Service:
    """The service ``app`` with these fields, written in flow style."""
    return a_project(
        f"services: {{app: {{image: backend, {fields}}}}}\nvolumes: {{data: {{}}}}", variables=variables
    ).service("app")


def the_hook(fields: str, *, variables: dict[str, str] | None = None) -> Exec:
    handler = a_service(f"post_start: [{{{fields}}}]", variables=variables).post_start[0].handler
    assert isinstance(handler, Exec)
    return handler


def problems_of(text: str, *, variables: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ManifestError) as refused:
        parsed(text, variables=variables)
    return [str(problem) for problem in refused.value.problems]


def hook_problems(item: str) -> list[str]:
    return problems_of(f"services:\n  app:\n    image: backend\n    post_start:\n{item}")


def test_the_documented_post_start_example_means_what_its_page_says() -> None:
    project = a_project((EXAMPLES / "post-start/compose.yaml").read_text())

    app = project.service("app")
    assert app.user == "1001"
    assert app.post_start[0].handler == Exec(
        command=("/opt/scripts/register-service.sh",), user="root", privileged=False, working_dir=None, environment=()
    )


def test_the_documented_pre_stop_example_means_what_its_page_says() -> None:
    project = a_project((EXAMPLES / "pre-stop/compose.yaml").read_text())

    app = project.service("app")
    assert app.mounts == (VolumeMount(volume="data", target="/data", read_only=False, nocopy=False, subpath=""),)
    assert [volume.name for volume in project.volumes] == ["demo_data"]
    assert isinstance(app.pre_stop[0].handler, Exec)
    assert app.pre_stop[0].handler.command == ("cp", "/data/app.db", "/data/app.db.bak")


def test_an_integer_user_means_its_digits_in_services_and_hooks() -> None:
    assert a_service("user: 1001").user == "1001"
    assert the_hook("command: x, user: 1001").user == "1001"


def test_every_default_of_a_service_is_filled_in() -> None:
    app = a_service("")

    assert app.stop_grace == timedelta(seconds=10)
    assert (app.user, app.command, app.entrypoint, app.stop_signal) == ("", None, None, "")
    assert app.post_start == app.pre_stop == ()


@pytest.mark.behaviour("compose:14", "compose:15")
def test_a_hook_variable_without_a_value_is_removed_and_not_taken_from_the_shell() -> None:
    shell = {"KEY": "from the shell"}

    assert the_hook("command: x, environment: {KEY: null, A: 1.5, B: true}", variables=shell).environment == (
        ("A", "1.5"),
        ("B", "true"),
        ("KEY", None),
    )
    assert the_hook("command: x, environment: [KEY, A=, A=2]", variables=shell).environment == (
        ("A", "2"),
        ("KEY", None),
    )


def test_a_service_variable_without_a_value_is_taken_from_the_shell() -> None:
    app = a_service("environment: {KEY: null, NOTSET: null}", variables={"KEY": "shell"})

    assert app.environment == (("KEY", "shell"), ("NOTSET", None))


@pytest.mark.behaviour("compose:16")
def test_values_are_interpolated_before_a_command_is_split() -> None:
    variables = {"SP": "p q", "HOSTVAR": "h", "EMPTY": ""}

    assert the_hook("command: 'echo ${SP} x'", variables=variables).command == ("echo", "p", "q", "x")
    assert the_hook("command: 'echo \"${SP}\" ${EMPTY} x'", variables=variables).command == ("echo", "p q", "x")
    assert the_hook("command: 'echo $$X'", variables=variables).command == ("echo", "$X")
    assert the_hook("command: x, environment: {A: '${HOSTVAR}'}", variables=variables).environment == (("A", "h"),)


def test_an_unset_variable_is_a_warning_said_once() -> None:
    found = parsed("services: {app: {image: 'a${NOPE}', command: 'echo $NOPE'}}")

    assert [one.message for one in found.warnings] == ['The "NOPE" variable is not set. Defaulting to a blank string.']


@pytest.mark.behaviour("compose:18")
def test_dropped_characters_of_a_command_string_are_a_warning() -> None:
    found = parsed("services: {app: {image: a, pre_stop: [{command: 'echo a; echo b'}]}}")

    handler = found.project.service("app").pre_stop[0].handler
    assert isinstance(handler, Exec)
    assert handler.command == ("echo", "a")
    assert [(one.id, one.source.path) for one in found.warnings] == [
        ("compose.dropped-words", "services.app.pre_stop[0].command")
    ]
    assert '"; echo b" is dropped' in found.warnings[0].message


@pytest.mark.behaviour("compose:13")
@pytest.mark.parametrize("command", ['""', "[]", "null", '"  "'])
def test_an_empty_command_is_refused_with_its_place(command: str) -> None:
    assert hook_problems(f"      - command: {command}\n") == [
        "compose.yaml:5:18: services.app.post_start[0].command: the command is empty, expected a program to run"
    ]


@pytest.mark.behaviour("compose:20")
def test_unbalanced_quotes_are_refused_with_their_place() -> None:
    assert hook_problems("      - command: echo 'a\n") == [
        "compose.yaml:5:18: services.app.post_start[0].command: invalid command line string: no closing '"
    ]


@pytest.mark.behaviour("compose:21")
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("post_start: [{user: root}]", "services.app.post_start[0].command: required"),
        ("post_start: [{command: x, per_replica: true}]", 'unknown field "services.app.post_start[0].per_replica"'),
        ("post_start: echo x", 'services.app.post_start: found "echo x", expected a list of mappings'),
        ("post_start: {command: x}", "services.app.post_start: found a mapping, expected a list of mappings"),
        ("post_start: [echo x]", 'services.app.post_start[0]: found "echo x", expected a mapping'),
        ("post_start: [{command: x, user: [1]}]", "services.app.post_start[0].user: found a list, expected a user"),
        ("post_start: [{command: x, user: true}]", "services.app.post_start[0].user: found true, expected a user"),
        ("post_start: [{command: x, privileged: maybe}]", 'post_start[0].privileged: found "maybe", expected true or'),
        ("post_start: [{command: [a, 1]}]", "post_start[0].command[1]: found 1, expected a string"),
        ("post_start: [{command: x, environment: {A : [1]}}]", "environment.A: found a list, expected a string"),
        ("post_start: [{command: x, environment: ['A =1']}]", 'found the key "A ", expected one that is not empty'),
        ("post_start: [{command: 'a (b'}]", 'post_start[0].command: invalid command line string: a "("'),
        ("pre_stop: [{command: '${Y:?need y}'}]", "required variable Y is missing a value: need y"),
        ("fooo: 1", 'unknown field "services.app.fooo"'),
        ("volumes: [nope:/x]", 'service "app" refers to undefined volume "nope"'),
        ("volumes: ['data:x']", 'found the target "x", expected an absolute path'),
        ("depends_on: [zzz]", 'service "app" depends on undefined service "zzz"'),
        ("stop_grace_period: 10 seconds", 'stop_grace_period: unknown unit " seconds" in duration "10 seconds"'),
        ("stop_signal: SIGNOPE", 'found "SIGNOPE", expected a signal such as SIGTERM'),
        ("working_dir: tmp", 'found "tmp", expected an absolute path'),
        ("env_file: missing.env", "env file /project/missing.env not found"),
    ],
)
def test_a_wrong_field_is_refused_by_name(fields: str, problem: str) -> None:
    found = problems_of(f"services: {{app: {{image: backend, {fields}}}}}\nvolumes: {{data: {{}}}}")

    assert any(problem in one for one in found), found


def test_all_problems_of_a_file_are_told_at_once() -> None:
    found = problems_of(
        """
services:
  app:
    image: backend
    nope: 1
    post_start:
      - command: ""
      - user: root
  other:
    command: x
    depends_on: [zzz]
    stop_signal: NOPE
secrets: {one: {}}
"""
    )

    assert [one.partition(": ")[0] for one in found] == [
        "compose.yaml:5:5",
        "compose.yaml:7:18",
        "compose.yaml:8:9",
        "compose.yaml:9:3",
        "compose.yaml:11:17",
        "compose.yaml:12:18",
        "compose.yaml:13:11",
    ]


@pytest.mark.behaviour("compose:56")
def test_a_dependency_on_no_service_is_refused_by_name() -> None:
    found = problems_of("services: {app: {image: a, depends_on: [zzz]}}")

    assert [one.partition("depends_on: ")[2] for one in found] == ['service "app" depends on undefined service "zzz"']


@pytest.mark.behaviour("compose:59")
def test_a_volume_that_no_service_mounts_is_no_part_of_the_project() -> None:
    project = a_project("services: {app: {image: a, volumes: [data:/data]}}\nvolumes: {data: {}, spare: {}}")

    assert [volume.key for volume in project.volumes] == ["data"]


@pytest.mark.behaviour("compose:56")
def test_a_dependency_cycle_is_refused_with_its_way() -> None:
    found = problems_of(
        "services: {cyc1: {image: a, depends_on: [cyc2]}, cyc2: {image: a, depends_on: [cyc1]}, c: {image: a}}"
    )

    assert len(found) == 1
    assert found[0].endswith("dependency cycle detected: cyc1 -> cyc2 -> cyc1")


def test_fields_that_change_nothing_are_warnings_that_name_them() -> None:
    found = parsed(
        "services: {app: {image: a, ports: ['80:80'], restart: always, x-mine: 1, develop: {}}}\nversion: '3'"
    )

    assert [one.source.path for one in found.warnings] == ["version", "services.app.develop"]


def test_mounts_in_both_forms() -> None:
    app = a_service(
        "volumes: [data:/a:ro, './b:/b', {type: bind, source: /c, target: /c, bind: {create_host_path: false}},"
        " {type: volume, source: data, target: /d, volume: {nocopy: true}}]"
    )

    assert app.mounts == (
        VolumeMount(volume="data", target="/a", read_only=True, nocopy=False, subpath=""),
        BindMount(path="/project/b", target="/b", read_only=False, create=True),
        BindMount(path="/c", target="/c", read_only=False, create=False),
        VolumeMount(volume="data", target="/d", read_only=False, nocopy=True, subpath=""),
    )


def test_a_volume_that_no_service_uses_is_not_part_of_the_project() -> None:
    assert a_project("services: {app: {image: a}}\nvolumes: {data: {}}").volumes == ()


@pytest.mark.behaviour("compose:39")
def test_the_config_hash_changes_with_a_hook_and_not_with_its_position() -> None:
    def hash_of(text: str) -> str:
        return a_project(text).service("app").config_hash

    one = "services: {app: {image: a, post_start: [{command: x}]}}"

    assert hash_of(one) == hash_of("# moved down\n\n" + one)
    assert hash_of(one) != hash_of(one.replace("command: x", "command: y"))


@pytest.mark.behaviour("compose:55")
def test_project_names() -> None:
    text = "services: {app: {image: a}}"

    with pytest.raises(UsageError, match='invalid project name "Bad!": must consist only of lowercase'):
        parsed(text, name="Bad!")
    assert normal_name("My App") == "myapp"
    assert normal_name("_x.Y-1") == "xy-1"
    assert parsed(text, name=None).project.name == "project"
    assert parsed("name: from-${WHO}\n" + text, name=None, variables={"WHO": "me"}).project.name == "from-me"
    assert parsed("name: written\n" + text, name="given").project.name == "given"


def test_env_files_come_before_the_environment() -> None:
    found = parse_project(
        "services: {app: {image: a, env_file: [one.env, {path: two.env, required: false}], environment: {C: c}}}",
        file="compose.yaml",
        directory=Path("/project"),
        name="demo",
        variables={"V": "v"},
        read=lambda path: "A=a\nB=$V\nC='$V'\nD=x y # note\n" if path.name == "one.env" else None,
    )

    assert dict(found.project.service("app").environment) == {"A": "a", "B": "v", "C": "c", "D": "x y"}


def test_anchors_and_merge_keys_work_inside_hooks() -> None:
    project = a_project(
        """
x-hook: &hook {command: echo a, user: root}
services:
  app:
    image: a
    pre_stop: [{<<: *hook, user: "5"}, *hook]
"""
    )

    assert [hook.handler.user for hook in project.service("app").pre_stop if isinstance(hook.handler, Exec)] == [
        "5",
        "root",
    ]


@pytest.mark.parametrize("written", ["SIGQUIT", "quit", "3", "QUIT"])
def test_a_stop_signal_has_its_full_name(written: str) -> None:
    assert a_service(f"stop_signal: {written}").stop_signal == "SIGQUIT"


def test_several_documents_are_refused() -> None:
    assert "a Compose file has one document" in problems_of("services: {}\n---\nservices: {}\n")[0]


@pytest.mark.parametrize("text", ["", "[]", "x", "services: []", "services: {}"])
def test_a_file_without_services_is_refused(text: str) -> None:
    assert problems_of(text)


def test_a_project_goes_through_json_unharmed() -> None:
    project = a_project((EXAMPLES / "pre-stop/compose.yaml").read_text())

    assert from_json(Project, to_json(project)) == project
