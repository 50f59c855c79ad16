"""From a pod's container to what a runtime gets."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from boathook.errors import CouldNotStart
from boathook.model import JsonObject
from boathook.pods import FileResources
from boathook.pods.expand import expand
from boathook.pods.specification import argument_vector, environment
from boathook.runtimes.base import Image, ImageConfig
from boathook.runtimes.simulated import SimulatedRuntime
from tests.pods.build import a_container, a_pod


def an_image(**config: Any) -> Image:
    return Image(
        reference="app", origin="simulated", stand_in=False, layers=(), host_system=False, config=ImageConfig(**config)
    )


def variables(*env: JsonObject, objects: tuple[JsonObject, ...] = (), **fields: Any) -> dict[str, str]:
    pod = a_pod(a_container(env=list(env), **fields))

    async def work_out() -> dict[str, str]:
        resources = FileResources(objects, SimulatedRuntime())
        return await environment(pod, pod.containers[0], "uid-1", resources)

    return anyio.run(work_out)


CONFIG_MAP: JsonObject = {"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"mode": "fast"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"),
        ("$(B)", "$(B)"),
        ("$$(A)", "$(A)"),
        ("$A", "$A"),
        ("$$", "$"),
        ("x$(A)y$", "x1y$"),
        ("$(A", "$(A"),
    ],
)
def test_a_reference_is_expanded_as_kubernetes_does(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"args": ["pause"]}, ("entry", "pause")),
        ({"args": None}, ("entry", "image-arg")),
        ({"args": None, "command": ["sh"]}, ("sh",)),
        ({"args": ["-c"], "command": ["sh"]}, ("sh", "-c")),
    ],
)
def test_command_and_args_take_the_place_of_entrypoint_and_command(
    fields: dict[str, Any], expected: tuple[str, ...]
) -> None:
    (container,) = a_pod(a_container(**fields)).containers
    image = an_image(entrypoint=("entry",), command=("image-arg",))

    assert argument_vector(container, image, {}) == expected


@pytest.mark.behaviour("pods:27")
def test_the_command_of_a_hook_is_not_expanded() -> None:
    (container,) = a_pod(a_container(pre_stop=["echo", "$HOME", "$(A)"], env=[{"name": "A", "value": "1"}])).containers

    assert container.pre_stop is not None
    assert container.pre_stop.handler.command == ("echo", "$HOME", "$(A)")  # type: ignore[union-attr]


def test_a_variable_sees_those_before_it() -> None:
    assert variables({"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "C", "value": "3"}) == {
        "A": "1",
        "B": "1$(C)",
        "C": "3",
    }


def test_variables_come_from_config_maps_and_fields() -> None:
    found = variables(
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
        {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k", "optional": True}}},
        envFrom=[{"prefix": "CFG_", "configMapRef": {"name": "settings"}}],
        objects=(CONFIG_MAP,),
    )

    assert found == {"CFG_mode": "fast", "POD": "pod", "MODE": "fast"}


def test_a_missing_key_is_an_error_with_its_name() -> None:
    with pytest.raises(CouldNotStart, match="couldn't find key speed in ConfigMap default/settings"):
        variables(
            {"name": "S", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "speed"}}},
            objects=(CONFIG_MAP,),
        )
