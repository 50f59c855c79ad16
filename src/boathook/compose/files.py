"""Finds and reads the files of a project: the Compose file, its ``.env``, and the environment files it names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from boathook.compose.dotenv import parse_dotenv
from boathook.compose.parse import Parsed, parse_project
from boathook.errors import UsageError

FILE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_STEMS = ("compose.override", "docker-compose.override")


def find_file(directory: Path) -> Path | None:
    """The Compose file of a directory or of its nearest parent that has one."""
    for place in (directory, *directory.parents):
        for name in FILE_NAMES:
            if (place / name).is_file():
                return place / name
    return None


def load_project(file: Path, *, name: str | None, environment: Mapping[str, str]) -> Parsed:
    """The project of one Compose file. Raises ``ManifestError`` for what is wrong in it, ``UsageError`` without it.

    ``name`` is the one given by hand; ``environment`` is the process's, which wins over the directory's ``.env``.
    """
    path = file.absolute()
    text = read_text(path)
    if text is None:
        raise UsageError(f"open {path}: no such file or directory")
    for stem in OVERRIDE_STEMS:
        for suffix in (".yaml", ".yml"):
            if (beside := path.with_name(stem + suffix)) != path and beside.is_file():
                raise UsageError(f"{beside} would be merged: several files are not there yet", hint="name one with -f")
    dotenv = read_text(path.parent / ".env")
    values = parse_dotenv(dotenv, environment) if dotenv is not None else {}
    variables = {key: value for key, value in values.items() if value is not None} | dict(environment)
    return parse_project(
        text,
        file=str(path),
        directory=path.parent,
        name=name or environment.get("COMPOSE_PROJECT_NAME") or None,
        variables=variables,
        read=read_text,
    )


def read_text(path: Path) -> str | None:
    """The file's text; None: there is none. Raises ``UsageError`` when it cannot be read."""
    try:
        return path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
