"""A case done with one tool: after each step, all that can be observed, as lines of text that can be compared."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, assert_never

from boathook.model import JsonValue
from tests.peers.lifecycle.engine import EngineView
from tests.peers.lifecycle.steps import Case, Order, Step
from tests.peers.lifecycle.tools import Done, Place, Tool, do

_SCRIPTS = {
    # Lives until SIGTERM: main NAME [EXIT CODE]. Where there is a file "go", it leaves the mark NAME-runs when the hook
    # with the mark NAME-post must have ended.
    "main": """\
before=$(grep -c "$1-post" /marks/log)
runs() {
  until [ "$(grep -c "$1-post" /marks/log)" -gt "$before" ]; do sleep 0.1; done
  sleep 1
  echo "$1-runs" >> /marks/log
}
if [ -e /marks/go ]; then runs "$1" & fi
trap 'echo "$1-term" >> /marks/log; exit "${2:-0}"' TERM
: > /dev/shm/ready
while :; do sleep 1000 & wait $!; done
""",
    # Leaves a mark, and another one when it has slept: note MARK [SECONDS [EXIT CODE]].
    "note": """\
until [ -e /dev/shm/ready ]; do sleep 0.01; done
echo "$1" >> /marks/log
if [ "${2:-0}" != 0 ]; then sleep "$2"; echo "$1." >> /marks/log; fi
exit "${3:-0}"
""",
}

_SAYINGS = re.compile(
    "|".join(
        (
            r"[\w.-]+ hook exited with status \d+",
            r"dependency failed to start",
            r"container [\w.-]+ has no healthcheck configured",
            r"container [\w.-]+ is unhealthy",
            r"container [\w.-]+ exited \(\d+\)",
            r"service \S+ didn't complete successfully: exit \d+",
            r"Container \S+ is not running",
            r"service \S+ is not running",
            r"Resource is still in use",
            r"Found orphan containers \(\[.*?\]\)",
            r"No resource found to remove for project [\\\"\w-]+",
            r"no such service: \S+",
            r"service \S+ has no container to start",
            r"no container found for project [\\\"\w-]+",
            r"no container to kill",
            r"No stopped containers",
            r"Going to remove .*",
            r"No exec command specified",
            r"Gracefully [Ss]topping",
            r"application not healthy after [\w.]+",
            r"is already in use by container",
            r"unknown flag: \S+",
            r"declared as external, but could not be found",
            r"port is already allocated",
            r"volume is in use",
        )
    )
)
"""What both say in the same words."""

_PROGRESS = re.compile(r"^ (Container|Network|Volume|Image) .* {2}\S")
_QUOTES = re.compile(r'[\\"]')
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_INSPECTED = ("Config", "HostConfig", "Mounts")
_OF_A_NETWORK = ("Aliases", "IPAMConfig", "Links", "DriverOpts")
_NOTHING: tuple[JsonValue, ...] = (None, "", [], {}, "no")
"""The engine takes them for the same ("no" is the restart policy)."""
_MADE_BY_US = "Config.Labels.boathook.io/"
"""By these labels our tools find what they have made; the peer has no word for them."""
_ORDERED = (".Cmd", ".Entrypoint", ".Test")
"""Of other lists the order says nothing."""
_NUMBER = re.compile(r"(?<=[a-z])-\d+\b")
_SUBNET = re.compile(r"\b10\.190\.[78]\b")
_HEX = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b")
_HASH = "com.docker.compose.config-hash"


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen after one step."""

    step: Step
    lines: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """What stood after the step before."""

    started: dict[str, str] = field(default_factory=dict)
    """When, by the containers' ids."""
    marks: int = 0


def prepare(files: Path, directory: Path, project: str, engine: str) -> Place:
    """A copy of a project's files, and the scripts that leave marks."""
    shutil.copytree(files, directory)
    marks = directory / "marks"
    marks.mkdir()
    marks.chmod(0o777)
    for name, text in _SCRIPTS.items():
        (marks / name).write_text(text)
    (marks / "log").touch()
    (marks / "log").chmod(0o666)
    return Place(directory=directory, project=project, engine=engine)


def observe(case: Case, tool: Tool, place: Place) -> list[Observed]:
    """Do all steps; nothing of the project is left afterwards."""
    view = EngineView(place.engine)
    seen = _Seen()
    try:
        return [Observed(step, tuple(_lines(step, do(step, tool, place), place, view, seen))) for step in case.steps]
    finally:
        view.clear(place.project)


def _lines(step: Step, done: Done, place: Place, view: EngineView, seen: _Seen) -> Iterator[str]:
    yield f"exit {done.code}"
    said = _SAYINGS.findall(done.stderr + done.stdout)
    yield from sorted({f"says {_QUOTES.sub('', _plain(text, place))}" for text in said})
    yield from sorted(f"prints {line}" for line in _printed(done.stdout, place))
    marks = place.marks()
    yield from _mark_lines(marks[seen.marks :], step.order)
    seen.marks = len(marks)
    standing = _standing(place, view, seen)
    yield from (_NUMBER.sub("-N", line) for line in standing) if step.order is Order.UNORDERED else standing


def _printed(stdout: str, place: Place) -> Iterator[str]:
    for line in _ANSI.sub("", stdout).split("\n"):
        plain = re.sub(r"\s+\|( |$)", " | ", _plain(line, place)).rstrip()
        if plain.strip() and not _SAYINGS.search(plain) and not _PROGRESS.match(plain):
            yield plain


def _mark_lines(marks: list[str], order: Order) -> Iterator[str]:
    match order:
        case Order.WHOLE:
            parts = [marks] if marks else []
        case Order.UNORDERED:
            parts = [sorted(marks)] if marks else []
        case Order.APART:
            services = sorted({mark.partition("-")[0] for mark in marks})
            parts = [[mark for mark in marks if mark.partition("-")[0] == service] for service in services]
        case _:
            assert_never(order)
    yield from (f"marks {' '.join(part)}" for part in parts)


def _standing(place: Place, view: EngineView, seen: _Seen) -> Iterator[str]:
    now: dict[str, str] = {}
    for one in view.containers(place.project):
        identity, started, state = str(one["Id"]), str(one["State"]["StartedAt"]), one["State"]
        now[identity] = started
        before = seen.started.get(identity)
        fresh = "new" if before is None else "kept" if before == started else "started again"
        name = _plain(str(one["Name"]).removeprefix("/"), place)
        code = f" {state['ExitCode']}" if state["Status"] == "exited" else ""
        yield f"container {name} {state['Status']}{code}, {fresh}"
        if before is None:
            yield from (f"config {name} {line}" for line in _configuration(one, place))
    seen.started = now
    yield from (f"network {_plain(str(one['Name']), place)}" for one in view.networks(place.project))
    yield from (f"volume {_plain(str(one['Name']), place)}" for one in view.volumes(place.project))


def _configuration(inspected: dict[str, Any], place: Place) -> Iterator[str]:
    short = str(inspected["Id"])[:12]
    parts: dict[str, Any] = {key: inspected[key] for key in _INSPECTED}
    parts["Mounts"] = {str(mount["Destination"]): mount for mount in inspected["Mounts"]}
    parts["Networks"] = {
        name: {key: _without(value[key], short) for key in _OF_A_NETWORK}
        for name, value in inspected["NetworkSettings"]["Networks"].items()
    }
    for path, value in _flat(json.loads(_plain(json.dumps(parts), place)), ""):
        if value in _NOTHING or path.startswith(_MADE_BY_US):
            continue
        yield f"{path} = {'HASH' if path.endswith(_HASH) else json.dumps(value, sort_keys=True)}"


def _without(value: JsonValue, short: str) -> JsonValue:
    """Aliases without that of the engine's own."""
    return [one for one in value if one != short] if isinstance(value, list) else value


def _flat(value: JsonValue, path: str) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _flat(value[key], f"{path}.{key}" if path else key)
    elif isinstance(value, list) and not path.endswith(_ORDERED):
        yield path, sorted(map(_bare, value), key=str)
    else:
        yield path, value


def _bare(value: JsonValue) -> JsonValue:
    """Without empty settings."""
    return {key: one for key, one in value.items() if one not in _NOTHING} if isinstance(value, dict) else value


def _plain(text: str, place: Place) -> str:
    """Without what differs from run to run."""
    for found, said in ((str(place.directory), "DIRECTORY"), (place.project, "PROJECT")):
        text = text.replace(found, said)
    text = _SUBNET.sub("SUBNET", text)
    text = re.sub(r"-run-[0-9a-f]{12}\b", "-run-SLUG", text)
    return _HEX.sub("ID", text)
