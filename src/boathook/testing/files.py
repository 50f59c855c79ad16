"""The pod that a test names: a file beside the test, and one pod of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from boathook.errors import NotFound, UsageError
from boathook.pods.model import Pod, PodFile
from boathook.pods.parse import parse_pods


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


def _find(path: Path, directories: tuple[Path, ...]) -> Path:
    tried = [directory / path for directory in dict.fromkeys(directories or (Path(),))]
    for candidate in tried:
        if candidate.is_file():
            return candidate
    raise NotFound(f'no such file: "{path}", tried {", ".join(str(one) for one in tried)}')
