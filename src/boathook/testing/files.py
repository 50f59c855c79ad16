"""The pod or project that a test names: files beside the test, or a text in it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

from boathook.errors import NotFound, UsageError
from boathook.pods.model import Pod, PodFile
from boathook.pods.parse import parse_pods

if TYPE_CHECKING:
    from boathook.compose.parse import Parsed


def read_pod(path: str | Path, name: str | None, directories: tuple[Path, ...]) -> tuple[PodFile, Pod]:
    """The pod of that name (None: the only one) with all that its file has beside pods.

    A path that is not absolute is looked for in each of the directories, in the current one where there are none.
    Raises ``NotFound``, ``UsageError``, and ``ManifestError`` with every problem of the file.
    """
    file = _find(Path(path), directories)
    pod_file = parse_pods(file.read_text(), str(file))
    chosen = [number for number, pod in enumerate(pod_file.pods) if name in (None, pod.name)]
    if len(chosen) != 1:
        names = ", ".join(f'"{pod.name}"' for pod in pod_file.pods)
        wanted = "no name was given" if name is None else f'not one of "{name}"'
        raise UsageError(f'"{path}" holds the pods {names}, and {wanted}', hint='run_pod("pods.yaml", name="app")')
    at = chosen[0]
    return replace(pod_file, pods=(pod_file.pods[at],), pod_objects=(pod_file.pod_objects[at],)), pod_file.pods[at]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSource:
    """Where a project is read from, each time it is asked for: a test may change its files meanwhile."""

    files: tuple[Path, ...]
    text: str | None
    directory: Path
    """What relative paths of ``text`` count from."""
    name: str | None
    suffix: str
    """Put behind a name that was not given by hand, so that it is nobody else's."""
    environment: Mapping[str, str] | None
    """What is filled into the files. None: what the process has."""
    profiles: tuple[str, ...]

    def load(self) -> Parsed:
        """Raises ``ManifestError`` with every problem of the files."""
        parsed = self._load(self.name)
        if self.name is not None or not self.suffix:
            return parsed
        return self._load(f"{parsed.project.name}-{self.suffix}")

    def _load(self, name: str | None) -> Parsed:
        from boathook.compose.parse import parse_loaded
        from boathook.compose.reading.files import ProjectOptions, load_files, read_text
        from boathook.compose.reading.loading import FileText, load

        variables = os.environ if self.environment is None else self.environment
        if self.text is None:
            files = tuple(str(one) for one in self.files)
            options = ProjectOptions(cwd=self.directory, files=files, name=name, profiles=self.profiles)
            return parse_loaded(load_files(options, variables))
        text = FileText(file=str(self.directory / TEXT), text=self.text)
        return parse_loaded(
            load(
                [text],
                directory=self.directory,
                name=name,
                variables=variables,
                read=read_text,
                profiles=self.profiles,
            )
        )


TEXT = "compose.yaml"
"""What a text in a test is called where its problems are told."""


def find_project(
    files: Sequence[str | Path],
    *,
    text: str | None = None,
    name: str | None = None,
    suffix: str = "",
    environment: Mapping[str, str] | None = None,
    profiles: Sequence[str] = (),
    directories: tuple[Path, ...],
) -> ProjectSource:
    """The files that a test names (none: the Compose file that lies there), or its text.

    A file is looked for as a pod's is. Raises ``NotFound`` and ``UsageError``.
    """
    if text is not None and files:
        raise UsageError("a project is given by its files or by a text, not by both")
    found = tuple(_find(Path(one), directories) for one in files)
    if text is None and not found:
        found = _find_any(directories)
    return ProjectSource(
        files=found,
        text=None if text is None else dedent(text),
        directory=(directories or (Path.cwd(),))[0],
        name=name,
        suffix=suffix,
        environment=environment,
        profiles=tuple(profiles),
    )


def _find_any(directories: tuple[Path, ...]) -> tuple[Path, ...]:
    from boathook.compose.reading.files import files_at

    for directory in directories or (Path(),):
        if found := files_at(directory):
            return found
    tried = ", ".join(str(one) for one in directories)
    raise NotFound(f"no Compose file in {tried}", hint='run_project("compose.test.yaml")')


def _find(path: Path, directories: tuple[Path, ...]) -> Path:
    tried = [directory / path for directory in dict.fromkeys(directories or (Path(),))]
    for candidate in tried:
        if candidate.is_file():
            return candidate
    raise NotFound(f'no such file: "{path}", tried {", ".join(str(one) for one in tried)}')
