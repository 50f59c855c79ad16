"""Rules of the house that a reader relies on: names, public names, frozen values, one place per act."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
from enum import Enum
from pathlib import Path
from types import ModuleType

import pytest

import boathook

SOURCE = Path(boathook.__file__).parent
MODULES = sorted(
    info.name for info in pkgutil.walk_packages(boathook.__path__, "boathook.") if not info.name.endswith("__main__")
)
NO_NAMES = {"utils", "helpers", "common", "misc", "manager"}

HOOK_RUNNERS = {
    "backup/run.py",
    "backup/recovery.py",
    "backup/target.py",
    "compose/engine/recovery.py",
    "compose/lone_hook.py",
    "compose/member_hooks.py",
    "helm/operation.py",
    "hooks/owed.py",
    "pods/containers.py",
    "pods/lone_hook.py",
    "pods/stopping.py",
}
"""Where hooks are run: the dialects' acts, and the one that runs what is owed."""


def calls(path: Path, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        for node in ast.walk(ast.parse(path.read_text()))
    )


def asks_place(path: Path, name: str) -> bool:
    """Whether it calls that method of what it calls a place."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
        and ast.unparse(node.func.value).rpartition(".")[2].lstrip("_") == "place"
        for node in ast.walk(ast.parse(path.read_text()))
    )


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [name for name in MODULES if name.rpartition(".")[2] in NO_NAMES] == []


@pytest.mark.parametrize("name", [name for name in MODULES if name.count(".") == 1])
def test_public_names_are_there(name: str) -> None:
    module: ModuleType = importlib.import_module(name)

    assert [one for one in getattr(module, "__all__", []) if not hasattr(module, one)] == []


@pytest.mark.parametrize("name", [name for name in MODULES if name.rpartition(".")[2] == "model"])
def test_values_of_a_model_are_frozen(name: str) -> None:
    module = importlib.import_module(name)
    classes = [cls for _, cls in inspect.getmembers(module, inspect.isclass) if cls.__module__ == name]

    for cls in classes:
        if issubclass(cls, Enum) or getattr(cls, "_is_protocol", False):
            continue
        assert dataclasses.is_dataclass(cls), cls
        assert cls.__dataclass_params__.frozen, cls  # type: ignore[attr-defined]
        assert "__slots__" in vars(cls), cls


def test_hooks_are_run_by_the_acts_of_the_dialects_alone() -> None:
    running = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if calls(path, "run_hook")}

    assert running <= HOOK_RUNNERS


def test_each_dialect_ends_containers_in_one_place() -> None:
    """``runtimes.base.stop`` sends the stop signal, waits and kills."""
    stopping = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if calls(path, "stop")}

    assert stopping <= {"pods/stopping.py", "hooks/owed.py"}


@pytest.mark.parametrize(("name", "where"), [("start", "starting"), ("stop", "stopping"), ("restart", "stopping")])
def test_a_projects_containers_are_started_and_stopped_in_one_place_each(name: str, where: str) -> None:
    asking = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if asks_place(path, name)}

    assert asking == {f"compose/{where}.py"}


def test_output_goes_through_the_command_line_alone() -> None:
    printing = [path for path in SOURCE.rglob("*.py") if path.parts[-2] != "cli" and calls(path, "print")]

    assert printing == []
