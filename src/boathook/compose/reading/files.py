"""Finds and reads the files of a project: its Compose files, their variables, and the further files they name."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from boathook.compose.reading.dotenv import parse_dotenv
from boathook.compose.reading.loading import FileText, Loaded, load
from boathook.errors import UsageError

if TYPE_CHECKING:
    from boathook.compose.parse import Parsed

FILE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_NAMES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
STDIN = "-"
TRUE = frozenset({"1", "t", "true", "y", "yes", "on"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectOptions:
    """Which files make the project, and what is decided about it by hand. Empty: the environment or the place decides.

    A path may be relative to ``cwd``; the file ``-`` is the standard input.
    """

    cwd: Path
    files: tuple[str, ...] = ()
    name: str | None = None
    directory: Path | None = None
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    interpolate: bool = True


def find_files(directory: Path) -> tuple[Path, ...]:
    """The Compose file of a directory or of its nearest parent that has one, and the override file beside it."""
    for place in (directory, *directory.parents):
        for name in FILE_NAMES:
            if (place / name).is_file():
                return with_override(place / name)
    return ()


def with_override(file: Path) -> tuple[Path, ...]:
    """The file and the first override file beside it, if there is one."""
    beside = [file.with_name(name) for name in OVERRIDE_NAMES if file.with_name(name).is_file()]
    return (file, *beside[:1])


def files_at(path: Path) -> tuple[Path, ...]:
    """The Compose file that a path is, or that a directory has with the override file beside it; empty: none."""
    if not path.is_dir():
        return (path,)
    return next((with_override(path / name) for name in FILE_NAMES if (path / name).is_file()), ())


def load_project(*files: Path, name: str | None, environment: Mapping[str, str]) -> Parsed:
    """The project of these files. Raises ``ManifestError`` for what is wrong in them, ``UsageError`` without them.

    ``name`` is the one given by hand; ``environment`` is the process's, which wins over the directory's ``.env``.
    """
    from boathook.compose.parse import parse_loaded

    options = ProjectOptions(cwd=Path.cwd(), files=tuple(str(one) for one in files), name=name)
    return parse_loaded(load_files(options, environment))


def load_files(options: ProjectOptions, environment: Mapping[str, str], *, services: Collection[str] = ()) -> Loaded:
    """The files of a project as one. ``services`` are those named by hand, which their profiles do not keep out."""
    options = completed(options, environment)
    if not options.files:
        raise UsageError("no configuration file provided: not found", hint="give one with -f")
    texts = tuple(_file_text(one, options.cwd) for one in options.files)
    directory = _directory(options)
    variables = _variables(options, directory, environment)
    loaded = load(
        texts,
        directory=directory,
        name=options.name,
        variables=variables,
        read=read_text,
        profiles=options.profiles,
        services=services,
        interpolate=options.interpolate,
    )
    given = tuple(os.path.normpath(options.cwd / one) for one in _named_env_files(options, environment))
    return replace(loaded, environment_files=given)


def completed(options: ProjectOptions, environment: Mapping[str, str]) -> ProjectOptions:
    """With what ``COMPOSE_FILE`` and its kin say, in the environment or the ``.env`` file here; and what is found."""
    said = _dotenv_here(options, environment) | dict(environment)
    files = options.files
    if not files and (written := said.get("COMPOSE_FILE", "")):
        separator = said.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
        files = tuple(one for one in written.split(separator) if one)
    if not files:
        files = tuple(str(one) for one in find_files(options.directory or options.cwd))
    return replace(
        options,
        files=files,
        name=options.name or said.get("COMPOSE_PROJECT_NAME") or None,
        profiles=options.profiles or _listed(said.get("COMPOSE_PROFILES", "")),
    )


def read_text(path: Path) -> str | None:
    """The file's text; None: there is none. Raises ``UsageError`` when it cannot be read."""
    try:
        return path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error


def _file_text(written: str, cwd: Path) -> FileText:
    if written == STDIN:
        return FileText(file=STDIN, text=sys.stdin.read())
    path = Path(os.path.normpath(cwd / written))
    text = read_text(path)
    if text is None:
        raise UsageError(f"open {path}: no such file or directory")
    return FileText(file=str(path), text=text)


def _directory(options: ProjectOptions) -> Path:
    """The one that relative paths count from, which also gives the project its name."""
    if options.directory is not None:
        return Path(os.path.normpath(options.cwd / options.directory))
    first = next((one for one in options.files if one != STDIN), None)
    return Path(os.path.normpath(options.cwd / first)).parent if first is not None else options.cwd


def _variables(options: ProjectOptions, directory: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment over the environment files; of those, a later one over an earlier one."""
    named = _named_env_files(options, environment)
    result: dict[str, str] = {}
    for one in named:
        path = Path(os.path.normpath(options.cwd / one))
        if not path.exists():
            raise UsageError(f"couldn't find env file: {path}")
        result |= _values(path, {**result, **environment})
    if not named and environment.get("COMPOSE_DISABLE_ENV_FILE", "").lower() not in TRUE:
        result = _values(directory / ".env", environment)
    return result | dict(environment)


def _named_env_files(options: ProjectOptions, environment: Mapping[str, str]) -> tuple[str, ...]:
    return options.env_files or _listed(environment.get("COMPOSE_ENV_FILES", ""))


def _dotenv_here(options: ProjectOptions, environment: Mapping[str, str]) -> dict[str, str]:
    if options.env_files or environment.get("COMPOSE_DISABLE_ENV_FILE", "").lower() in TRUE:
        return {}
    first = next((one for one in options.files if one != STDIN), None)
    place = options.directory or (Path(first).parent if first is not None else Path())
    return _values(options.cwd / place / ".env", environment)


def _values(path: Path, known: Mapping[str, str]) -> dict[str, str]:
    """What an environment file sets; nothing where there is none."""
    values = parse_dotenv(read_text(path) or "", known, file=str(path))
    return {key: value for key, value in values.items() if value is not None}


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())
