"""Every class of error has an exit code, and a bug is never a traceback on the screen."""

from __future__ import annotations

import inspect
import os

import pytest

from boathook import errors
from boathook.cli.exit_codes import exit_code
from boathook.cli.session import told
from boathook.home import Home

CLASSES = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, errors.BoathookError) and cls is not errors.ManifestError
]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_class_has_a_documented_code(cls: type[errors.BoathookError]) -> None:
    assert exit_code(cls("x")) in (1, 2, 4)


def test_a_users_mistake_is_told_with_its_hint(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise errors.UsageError("no such thing", hint="try another")

    with pytest.raises(SystemExit) as ended:
        told(fails)

    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: no such thing\nhint: try another\n"


def test_a_bug_is_one_line_and_its_traceback_goes_to_a_file(capsys: pytest.CaptureFixture[str], home: Home) -> None:
    def fails() -> None:
        raise ZeroDivisionError("oops")

    with pytest.raises(SystemExit) as ended:
        told(fails)

    assert ended.value.code == 70
    assert "Traceback" not in capsys.readouterr().err
    assert "ZeroDivisionError: oops" in (home.path / "bug.log").read_text()


@pytest.mark.parametrize("grouped", [False, True])
def test_output_that_nobody_reads_any_more_is_no_bug(grouped: bool, home: Home) -> None:
    def fails() -> None:
        error = BrokenPipeError(32, "Broken pipe")
        raise ExceptionGroup("tasks", [error]) if grouped else error

    kept = os.dup(1)
    try:
        with pytest.raises(SystemExit) as ended:
            told(fails)
    finally:
        os.dup2(kept, 1)
        os.close(kept)

    assert ended.value.code == 0
    assert not (home.path / "bug.log").exists()
