"""A run as a timeline: one heading, then a line per event: when, who, what. Pure text; the terminal prints it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from boathook import events as e
from boathook.model import (
    Exec,
    Hook,
    HookPoint,
    HookResult,
    Outcome,
    Severity,
    Target,
)
from boathook.report import words

SUBJECT_WIDTH = 19
OUTPUT_LINES = 12
"""A hook's output is shown up to so many lines; ``boathook show`` has it whole."""

TOLD_ALREADY = ("exited with code", "timed out", "cancelled")
"""How reasons begin that say no more than the outcome."""

RELEASE_RECORD = "Secret/sh.helm.release."
"""Bookkeeping, written at every step of a release: its status is told, its record is not."""

TOLD_BY_ENGINE = ("Pulling", "Pulled", "Created", "Started")
"""Kubernetes' own events that say no more than the engine's before them."""

OUTCOMES = {
    Outcome.TIMED_OUT: "timed out",
    Outcome.COULD_NOT_START: "could not start",
    Outcome.SKIPPED: "skipped",
    Outcome.CANCELLED: "cancelled",
    Outcome.UNKNOWN: "outcome unknown",
}


@dataclass(slots=True)
class Timeline:
    """Turns stamped events into lines, remembering what later lines need of earlier ones."""

    output_lines: int | None = OUTPUT_LINES
    full_commands: bool = False
    several_containers: bool = False
    """A hook is told with its container's name; learnt from the containers that are created, where that is seen."""
    several_pods: bool = False
    """Containers are told with their pod's name."""
    _is_lone_hook: bool = False
    _is_project: bool = False
    _users: dict[str, str] = field(default_factory=dict)
    _containers: set[str] = field(default_factory=set)
    _budgets: dict[tuple[str, str], str] = field(default_factory=dict)
    _announced: set[str] = field(default_factory=set)

    def lines(self, stamped: e.Stamped) -> list[str]:
        """The lines of one event; none for events that a reader of the timeline need not see."""
        if isinstance(stamped.event, e.ClusterEvent) and stamped.event.reason in TOLD_BY_ENGINE:
            return []
        texts = self._texts(stamped.event)
        if isinstance(stamped.event, e.RunStarted):
            return texts
        result = []
        for position, text in enumerate(texts):
            when = f"{stamped.at:7.3f}" if position == 0 else " " * 7
            result.append(f"{when}  {text}".rstrip())
        return result

    def _texts(self, event: e.Event) -> list[str]:
        match event:
            case e.RunStarted():
                # Names of pods have no comma (pods.run: run_started joins them).
                self.several_pods = event.command.startswith("pod ") and ", " in event.title
                self._is_lone_hook = event.command.startswith("hook ")
                self._is_project = event.command.startswith("compose ")
                return ["  ".join((event.title, event.place, *event.facts))]
            case e.RunFinished():
                return [event.message] if event.message else []
            case e.Noted():
                return self._noted(event)
            case e.ContainerCreated() | e.ContainerStarted() | e.ContainerExited() | e.StopRequested() | e.SignalSent():
                return self._container(event)
            case e.HookStarted() | e.HookFinished() | e.AbandonedHookEnded():
                return self._hook(event)
            case e.HookOutput() | e.ContainerRemoved() | e.ImageProgress():
                return []
            case e.ImageResolved():
                return self._image(event)
            case e.ObligationOpened() | e.ObligationSettled():
                return self._obligation(event)
            case _:
                return self._object(event)

    def _image(self, event: e.ImageResolved) -> list[str]:
        """Only what is not what its registry has, and once."""
        text = f'image "{event.reference}" comes from the {event.origin}: {event.note}'
        if event.stand_in:
            text = f'image "{event.reference}" is a stand-in: {event.note}'
        if not event.note or text in self._announced:
            return []
        self._announced.add(text)
        return [_columns("note", text)]

    def _noted(self, event: e.Noted) -> list[str]:
        finding = event.finding
        # What was read from a file is told with its position; the object made of it repeats it without one.
        same = f"{finding.id} {finding.source.path} {finding.message}"
        if same in self._announced:
            return []
        self._announced.add(same)
        label = "note" if finding.severity is Severity.NOTE else str(finding.severity)
        return [_columns(label, str(finding))]

    def _container(
        self,
        event: e.ContainerCreated | e.ContainerStarted | e.ContainerExited | e.StopRequested | e.SignalSent,
    ) -> list[str]:
        name = self._name(event.target)
        match event:
            case e.ContainerCreated():
                self._containers.add(str(event.target))
                self._users[str(event.target)] = event.user
                image = words.image(event.image, stand_in=event.stand_in)
                what = f"created, {image} {self._command(event.command)}".rstrip()
                return [_columns(name, f"{what}, {words.user(event.user)}")]
            case e.ContainerStarted():
                return [_columns(name, "running")]
            case e.ContainerExited():
                why = f" ({event.explanation})" if event.explanation else ""
                code = "ended, nobody saw how" if event.exit_code is None else f"exited {event.exit_code}"
                killed = " by SIGKILL" if event.signal == 9 else ""
                return [_columns(name, f"{code}{killed}{why}")]
            case e.StopRequested():
                grace = f", grace {words.span(event.grace)}" if event.grace is not None else ""
                text = f"stop requested ({event.cause}{grace})"
                one_of_many = event.target.kind == "container" and len(self._containers) != 1
                return [_columns(name, text) if one_of_many or self.several_pods else text]
            case e.SignalSent():
                left = f", {words.span(event.left)} left" if event.left is not None else ""
                return [_columns(name, f"{event.signal}{left}")]

    def _hook(self, event: e.HookStarted | e.HookFinished | e.AbandonedHookEnded) -> list[str]:
        match event:
            case e.HookStarted():
                if event.budget is not None:
                    self._budgets[str(event.target), event.hook.name] = words.span(event.budget)
                return [_columns(self._hook_name(event.hook, event.target), self._handler(event))]
            case e.HookFinished():
                return self._finished(event.result)
            case e.AbandonedHookEnded():
                code = "" if event.exit_code is None else f" with exit code {event.exit_code}"
                return [_columns(self._hook_name(event.hook, event.target), f"ended at last{code}")]

    def _handler(self, event: e.HookStarted) -> str:
        handler = event.hook.handler
        if not isinstance(handler, Exec):
            return words.handler(handler)
        user = handler.user or event.user or self._users.get(str(event.target))
        extras = [words.user(user)] if user else []
        extras += ["privileged"] if handler.privileged else []
        suffix = f"  [{', '.join(extras)}]" if extras else ""
        return self._command(handler.command) + suffix

    def _finished(self, result: HookResult) -> list[str]:
        text = OUTCOMES.get(result.outcome) or self._exit(result)
        if result.duration is not None:
            text += f" after {words.duration(result.duration)}"
        if result.reason and not result.succeeded and not result.reason.startswith(TOLD_ALREADY):
            text += f": {result.reason}"
        if result.budget_left is not None:
            text += f", {self._left(result)}"
        subject = self._hook_name(result.hook, result.target)
        return [_columns(subject, text), *self._output(result)]

    def _exit(self, result: HookResult) -> str:
        if result.exit_code is not None:
            return f"exit {result.exit_code}"
        return "done" if result.succeeded else "failed"

    def _left(self, result: HookResult) -> str:
        left = words.span(result.budget_left) if result.budget_left is not None else ""
        if result.hook.point is HookPoint.PRE_STOP and not self._is_lone_hook:
            return f"{left} of grace left"
        budget = self._budgets.get((str(result.target), result.hook.name))
        return f"{left} of {budget} left" if budget else f"{left} left"

    def _output(self, result: HookResult) -> list[str]:
        lines = []
        for label, output in (("|", result.stdout), ("!", result.stderr)):
            if output is not None:
                lines += [f"{label} {line}" for line in output.text.splitlines()]
        if self.output_lines is not None and len(lines) > self.output_lines:
            more = len(lines) - self.output_lines
            lines = [*lines[: self.output_lines], f"… {words.plural(more, 'more line')}, see boathook show"]
        return [" " * (SUBJECT_WIDTH + 1) + line for line in lines]

    def _obligation(self, event: e.ObligationOpened | e.ObligationSettled) -> list[str]:
        match event:
            case e.ObligationOpened():
                return []
            case e.ObligationSettled():
                if event.state == "met":
                    return []
                return [_columns("owed", f"{event.state}: {event.reason}")]

    def _object(self, event: e.Event) -> list[str]:
        match event:
            case e.ClusterEvent():
                mark = "Warning" if event.warning else "Normal"
                return [_columns(self._name(event.target), f"{mark} {event.reason}: {event.message}")]
            case e.PhaseChanged():
                why = f" ({event.reason})" if event.reason else ""
                return [_columns(event.target.name, f"{event.phase}{why}")]
            case e.ObjectApplied():
                if event.target.name.startswith(RELEASE_RECORD):
                    return []
                inert = ", stored: nothing acts on it here" if event.inert else ""
                return [_columns(event.target.name, f"{event.change}{inert}")]
            case e.ObjectDeleted():
                if event.target.name.startswith(RELEASE_RECORD):
                    return []
                return [_columns(event.target.name, f"deleted ({event.cause})")]
            case e.VolumeCopyStarted():
                return [_columns(event.volume, f"copying, of {event.target}")]
            case e.VolumeCopied():
                what = f"copied, {words.plural(event.files, 'file')}, {words.size(event.size_bytes)}"
                return [_columns(event.volume, what)]
            case e.FileWritten():
                return [_columns("written", f"{event.what}: {event.path}")]
            case _:
                return []

    def _hook_name(self, hook: Hook, target: Target) -> str:
        several = self.several_containers or self.several_pods or len(self._containers) > 1
        if self._is_project:
            # A command on a project that stands has seen none of its containers created.
            several = several or not self._containers
        return f"{self._name(target)} {hook.name}" if several and target.kind == "container" else hook.name

    def _name(self, target: Target) -> str:
        if self.several_pods and target.kind == "container":
            return f"{target.scope.rpartition('/')[2]}/{target.name}"
        return target.name

    def _command(self, argv: tuple[str, ...]) -> str:
        return words.command(argv, width=None if self.full_commands else words.COMMAND_WIDTH)


def _columns(subject: str, text: str) -> str:
    return f"{subject:<{SUBJECT_WIDTH}} {text}"


def render_timeline(stamped: Iterable[e.Stamped], *, output_lines: int | None = OUTPUT_LINES) -> str:
    """The whole timeline of a run that is over, as text that ends with a newline."""
    timeline = Timeline(output_lines=output_lines, full_commands=output_lines is None)
    lines = [line for one in stamped for line in timeline.lines(one)]
    return "".join(f"{line}\n" for line in lines)
