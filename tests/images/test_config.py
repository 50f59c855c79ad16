from __future__ import annotations

from datetime import timedelta

import pytest

from boathook.errors import UsageError
from boathook.images.config import changed, from_engine, to_engine, with_path
from boathook.images.model import ImageConfig, ImageHealthcheck

SECTION = {
    "Entrypoint": ["/entry"],
    "Cmd": ["run", "it"],
    "Env": ["A=1", "B=x=y", "C="],
    "WorkingDir": "/srv",
    "User": "app",
    "Volumes": {"/data": {}, "/cache": {}},
    "StopSignal": "SIGQUIT",
}


def test_an_engines_configuration_is_read_whole() -> None:
    config = from_engine(SECTION)

    assert config == ImageConfig(
        entrypoint=("/entry",),
        command=("run", "it"),
        environment=(("A", "1"), ("B", "x=y"), ("C", "")),
        working_dir="/srv",
        user="app",
        volumes=("/cache", "/data"),
        stop_signal="SIGQUIT",
    )
    assert from_engine(to_engine(config)) == config
    assert from_engine({"Cmd": None, "Env": None, "Volumes": None}) == ImageConfig()


def test_an_engines_healthcheck_is_read_and_written() -> None:
    check = {"Test": ["CMD-SHELL", "probe"], "Interval": 1_500_000_000, "Retries": 2}
    config = from_engine({"Healthcheck": check, "Shell": ["/bin/bash", "-c"]})

    assert config.healthcheck == ImageHealthcheck(
        test=("CMD-SHELL", "probe"), interval=timedelta(seconds=1.5), retries=2
    )
    assert to_engine(config) == {"Healthcheck": check, "Shell": ["/bin/bash", "-c"]}
    assert from_engine({"Healthcheck": {"Test": ["NONE"]}}) == ImageConfig()


def test_instructions_change_the_configuration() -> None:
    config = changed(
        from_engine(SECTION),
        (
            'CMD ["sh", "-c", "true"]',
            "env A=2 D='x y'",
            "ENV E some words",
            "USER 1000:0",
            "WORKDIR sub",
            "VOLUME /more",
            "STOPSIGNAL SIGINT",
        ),
    )

    assert config == ImageConfig(
        entrypoint=("/entry",),
        command=("sh", "-c", "true"),
        environment=(("A", "2"), ("B", "x=y"), ("C", ""), ("D", "x y"), ("E", "some words")),
        working_dir="/srv/sub",
        user="1000:0",
        volumes=("/cache", "/data", "/more"),
        stop_signal="SIGINT",
    )


def test_a_command_that_is_no_list_is_given_to_a_shell() -> None:
    assert changed(ImageConfig(), ("CMD echo hi",)).command == ("/bin/sh", "-c", "echo hi")


def test_a_new_entrypoint_drops_the_inherited_command_but_not_a_new_one() -> None:
    assert changed(from_engine(SECTION), ('ENTRYPOINT ["/other"]',)).command == ()
    assert changed(from_engine(SECTION), ('CMD ["x"]', 'ENTRYPOINT ["/other"]')).command == ("x",)


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ("LABEL a=b", '"LABEL" is not supported'),
        ("CMD", '"CMD" needs a value'),
        ("CMD [", "not a JSON list"),
        ("CMD [1]", "not a list of texts"),
        ("ENV A=1 B", 'found words without "="'),
        ("ENV A='1", "No closing quotation"),
    ],
)
def test_a_wrong_instruction_is_refused_by_name(instruction: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("[", r"\[")):
        changed(ImageConfig(), (instruction,))


def test_an_image_without_a_path_gets_the_usual_one() -> None:
    assert with_path(ImageConfig()).environment[0][0] == "PATH"
    own = ImageConfig(environment=(("PATH", "/x"),))
    assert with_path(own) == own
