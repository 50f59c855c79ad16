"""What a test asks of a pod or project, whether it ran or was planned: its hooks, the order of things, how it ended.

Everything is read from the events, so that both kinds answer alike. What did not happen is an ``AssertionError`` that
shows what did.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from boathook import events as e
from boathook.errors import UsageError
from boathook.model import HookResult, Outcome, Output
from boathook.pods.model import Phase, Pod
from boathook.report.timeline import render_timeline
from boathook.testing.moments import Moment, moment_of, target_of


class NotHappened(AssertionError):
    """Something that a test relies on has not happened. The message shows what has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRun:
    """One run of a hook."""

    name: str
    """``app.preStop``, ``app-1.pre_stop[0]``."""
    container: str
    outcome: Outcome | None
    """None while it runs."""
    exit_code: int | None
    stdout: str
    stderr: str
    started: float
    """Seconds since the pod was created, or since the first thing that happened to the project."""
    ended: float | None
    duration: float | None
    """In seconds; None while it runs."""
    reason: str | None
    """Why it did not succeed."""

    @property
    def succeeded(self) -> bool:
        return self.outcome is Outcome.SUCCEEDED


class Record(ABC):
    """What is known of what a test runs or plans: read from the events about it."""

    kind: ClassVar[str]
    """``pod`` or ``project``: how it is called in messages."""

    def __init__(self, stamped: Sequence[e.Stamped]) -> None:
        self._stamped = stamped

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    def events(self) -> tuple[Moment, ...]:
        """Everything that happened to it so far, in order."""
        own = self._own()
        moments = (moment_of(one, began=own[0].at) for one in own)
        return tuple(moment for moment in moments if moment is not None)

    @property
    def timeline(self) -> str:
        """The same as people read it, with the output of hooks."""
        return render_timeline(self._own())

    @property
    def exit_codes(self) -> dict[str, int | None]:
        """Of each container that has ended and was not started again."""
        codes: dict[str, int | None] = {}
        for one in self._own():
            match one.event:
                case e.ContainerExited(target=target, exit_code=code):
                    codes[target.name] = code
                case e.ContainerStarted(target=target):
                    codes.pop(target.name, None)
                case _:
                    pass
        return codes

    @property
    def hooks(self) -> tuple[HookRun, ...]:
        """Every run of every hook, in the order of their beginnings."""
        own = self._own()
        began = own[0].at if own else 0.0
        return tuple(_hook_run(begin, end, began) for begin, end in _paired(own))

    def hook_runs(self, name: str) -> tuple[HookRun, ...]:
        """The runs of one hook, by a name as ``hook`` has it."""
        full = self._hook_names(name)
        return tuple(run for run in self.hooks if run.name in full)

    def hook(self, name: str) -> HookRun:
        """The last run of a hook. Raises ``NotHappened`` when it has not run."""
        __tracebackhide__ = True
        runs = self.hook_runs(name)
        if not runs:
            said = f'hook "{self._hook_words(name)}" of {self.kind} "{self.name}" has not run'
            raise NotHappened(self._with_timeline(said))
        return runs[-1]

    def ran(self, name: str) -> bool:
        """Whether a hook has run, or has at least begun to."""
        return bool(self.hook_runs(name))

    def happened(self, moment: str) -> bool:
        """Whether there is such a moment in ``events``."""
        name = self._moment_name(moment)
        return any(one.name == name for one in self.events)

    def at(self, moment: str) -> float:
        """When it first happened, in seconds since the first event. Raises ``NotHappened``."""
        __tracebackhide__ = True
        return self.events[self._position(moment)].at

    def happened_before(self, first: str, second: str) -> bool:
        """Whether the first came before the second; both must have happened, or ``NotHappened`` is raised."""
        __tracebackhide__ = True
        return self._position(first) < self._position(second)

    def assert_order(self, *moments: str) -> None:
        """All happened, and in this order. Raises ``NotHappened`` with what happened instead."""
        __tracebackhide__ = True
        for before, after in itertools.pairwise(moments):
            if not self.happened_before(before, after):
                raise NotHappened(self._with_timeline(f'"{after}" happened before "{before}"'))

    def _position(self, moment: str) -> int:
        __tracebackhide__ = True
        names, name = [one.name for one in self.events], self._moment_name(moment)
        if name not in names:
            known = ", ".join(f'"{name}"' for name in dict.fromkeys(names))
            raise NotHappened(self._with_timeline(f'"{moment}" has not happened; what did: {known or "nothing"}'))
        return names.index(name)

    def _with_timeline(self, message: str) -> str:
        return f"{message}\n\n{self.timeline}"

    def _own(self) -> list[e.Stamped]:
        return [one for one in tuple(self._stamped) if self._is_about(one.event)]

    @abstractmethod
    def _is_about(self, event: e.Event) -> bool: ...

    @abstractmethod
    def _hook_names(self, name: str) -> Container[str]:
        """The full names of the hook that is meant. Raises ``UsageError`` where none or several are."""
        ...

    def _hook_words(self, name: str) -> str:
        """How a hook of that name is called in messages."""
        return name

    def _moment_name(self, moment: str) -> str:
        """The full name of a moment."""
        return moment


class PodRecord(Record):
    """What is known of one pod."""

    kind = "pod"

    def __init__(self, pod: Pod, stamped: Sequence[e.Stamped]) -> None:
        super().__init__(stamped)
        self.pod = pod

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, {self.phase}>"

    @property
    def name(self) -> str:
        return self.pod.name

    @property
    def namespace(self) -> str:
        return self.pod.namespace

    @property
    def phase(self) -> str:
        """``Pending``, ``Running``, ``Succeeded`` or ``Failed``."""
        phases = [one.event.phase for one in self._own() if isinstance(one.event, e.PhaseChanged)]
        return phases[-1] if phases else Phase.PENDING.value

    def _is_about(self, event: e.Event) -> bool:
        target = target_of(event)
        if target is None:
            return False
        if target.kind == "container":
            return target.scope == self.pod.scope
        return target.scope == self.namespace and target.name in (self.name, f"Pod/{self.name}")

    def _hook_names(self, name: str) -> list[str]:
        """``app.preStop``, or ``preStop`` where only one container has it."""
        known = [f"{one.name}.{hook.name}" for one in self.pod.all_containers for hook in one.hooks]
        found = [one for one in known if name in (one, one.partition(".")[2])]
        if len(found) == 1:
            return found
        has = ", ".join(f'"{one}"' for one in known) or "none"
        problem = f"has {len(found)} hooks" if found else "has no hook"
        raise UsageError(f'pod "{self.name}" {problem} "{name}": it has {has}')

    def _hook_words(self, name: str) -> str:
        return self._hook_names(name)[0]


def _paired(own: Iterable[e.Stamped]) -> list[tuple[e.Stamped, e.Stamped | None]]:
    """Beginnings of hooks with their ends; one that runs again in the same container begins anew."""
    pairs: list[tuple[e.Stamped, e.Stamped | None]] = []
    running: dict[tuple[str, str], int] = {}
    for one in own:
        match one.event:
            case e.HookStarted():
                running[_key(one.event)] = len(pairs)
                pairs.append((one, None))
            case e.HookFinished():
                if (at := running.pop(_key(one.event), None)) is not None:
                    pairs[at] = (pairs[at][0], one)
            case _:
                pass
    return pairs


def _key(event: e.HookStarted | e.HookFinished) -> tuple[str, str]:
    if isinstance(event, e.HookFinished):
        return event.result.target.instance, event.result.hook.name
    return event.target.instance, event.hook.name


def _hook_run(begin: e.Stamped, end: e.Stamped | None, began: float) -> HookRun:
    assert isinstance(begin.event, e.HookStarted)
    result = end.event.result if end is not None and isinstance(end.event, e.HookFinished) else None
    return HookRun(
        name=f"{begin.event.target.name}.{begin.event.hook.name}",
        container=begin.event.target.name,
        outcome=result.outcome if result else None,
        exit_code=result.exit_code if result else None,
        stdout=_text(result.stdout if result else None),
        stderr=_text(result.stderr if result else None),
        started=round(begin.at - began, 6),
        ended=round(end.at - began, 6) if end is not None else None,
        duration=_seconds(result),
        reason=result.reason if result else None,
    )


def _text(output: Output | None) -> str:
    return "" if output is None else output.text


def _seconds(result: HookResult | None) -> float | None:
    return None if result is None or result.duration is None else result.duration.total_seconds()
