"""What a simulation assumes of the programs it does not run: how long they take and how they end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from boathook.errors import UsageError
from boathook.model import HookPoint

RUN = "run"
"""How long a main process runs by itself: ``run:app=5s``."""
STOP = "stop"
"""How long a main process takes to end after its stop signal: ``stop:app=3s``."""
COPY = "copy"
"""How long copying a volume takes: ``copy:data=3s``."""
HEALTHCHECK = "healthcheck"
PROBES = frozenset({"startup", "liveness", "readiness", HEALTHCHECK})
"""How long one question of a probe takes: ``liveness:app=2s``, ``healthcheck:app=2s``."""

RUNS_HOOK = "boathook.io/runs-hook"
"""Label of a container that runs a hook to its end, with the hook's point and target: ``pre_start:app-1``."""

EXAMPLE = "for example preStop:app=40s, run:app=5s or copy:data=3s"

_POINTS = {point.value.replace("_", ""): point.value for point in HookPoint} | {
    RUN: RUN,
    STOP: STOP,
    COPY: COPY,
    **{probe: probe for probe in PROBES},
    **{f"{probe}probe": probe for probe in PROBES},
    # The annotation prefixes of the backup dialect.
    "pre": HookPoint.PRE_BACKUP.value,
    "prehook": HookPoint.PRE_BACKUP.value,
    "post": HookPoint.POST_BACKUP.value,
    "posthook": HookPoint.POST_BACKUP.value,
    # Older charts' word for "test".
    "testsuccess": HookPoint.TEST.value,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One program: how long it takes, and how it ends."""

    point: str
    """A hook point's value, or ``run``, ``stop``, ``copy``."""
    name: str
    """The container, service, object, hook or volume that is meant."""
    duration: timedelta
    exit_code: int | None = None
    """None: 0, or 128 + n for a main process that a signal ends."""
    output: str = ""
    """What it writes on standard output; the command line cannot say it."""


@dataclass(slots=True)
class Assumptions:
    """All that was assumed. Asking for something that nobody assumed gives the default, 0 s, and is remembered."""

    given: tuple[Assumption, ...] = ()
    _known: dict[tuple[str, str], Assumption] = field(init=False)
    _used: set[tuple[str, str]] = field(init=False, default_factory=set)
    _defaults: dict[str, None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._known = {(one.point, one.name): one for one in self.given}

    @classmethod
    def parse(cls, entries: tuple[str, ...]) -> Assumptions:
        """``POINT:NAME=DURATION`` each, the point in a dialect's spelling or ours. Raises ``UsageError``."""
        return cls(tuple(_parse(entry) for entry in entries))

    def find(self, point: str, *names: str) -> Assumption | None:
        """What was assumed of the first of these names; None: the default, which is then remembered."""
        for name in names:
            if found := self._known.get((point, name)):
                self._used.add((point, name))
                return found
        self._defaults[f"{point}:{names[0]}=0s"] = None
        return None

    def given_for(self, point: str, *names: str) -> Assumption | None:
        """As :meth:`find`, where "not assumed" has a meaning of its own and is no default to be told."""
        return self.find(point, *names) if any((point, name) in self._known for name in names) else None

    @property
    def defaults_used(self) -> tuple[str, ...]:
        """``pre_stop:app=0s`` and the like, in the order in which they were needed."""
        return tuple(self._defaults)

    @property
    def unused(self) -> tuple[str, ...]:
        """What was assumed and never needed: most likely a name that nothing has."""
        return tuple(f"{one.point}:{one.name}" for one in self.given if (one.point, one.name) not in self._used)


def _parse(entry: str) -> Assumption:
    import durationpy

    what, equals, text = entry.rpartition("=")
    point, colon, name = what.partition(":")
    known = _POINTS.get(point.lower().translate(str.maketrans("", "", "-_. ")))
    if not equals or not colon or not name:
        raise UsageError(f'invalid assumption: found "{entry}", expected POINT:NAME=DURATION', hint=EXAMPLE)
    if known is None:
        raise UsageError(f'invalid assumption "{entry}": unknown point "{point}"', hint=EXAMPLE)
    try:
        duration = timedelta(seconds=float(text)) if text == "0" else durationpy.from_str(text)
    except (durationpy.DurationError, OverflowError) as error:
        raise UsageError(
            f'invalid assumption "{entry}": found "{text}", expected a duration such as 40s or 1m30s', hint=EXAMPLE
        ) from error
    if duration < timedelta(0):
        raise UsageError(f'invalid assumption "{entry}": a duration cannot be negative', hint=EXAMPLE)
    return Assumption(point=known, name=name, duration=duration)
