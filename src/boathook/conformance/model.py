"""What a conformance case is, and what came of one run of it. No I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from boathook.model import JsonObject

if TYPE_CHECKING:
    from boathook.conformance.case_run import CaseRun
    from boathook.conformance.project_run import ProjectRun


class Need(StrEnum):
    """What not every place has. A case that needs it is skipped elsewhere, with the reason."""

    CLUSTER = "a kubelet that can be restarted"
    SIDECARS = "native sidecars (Kubernetes 1.28)"
    SLEEP = "sleep hooks (Kubernetes 1.29)"
    ZERO_SLEEP = "sleep hooks of zero seconds (Kubernetes 1.33)"
    STOP_SIGNAL = "stopSignal (feature gate ContainerStopSignals, and a container runtime that carries it out)"
    RESTART_RULES = "restart rules (Kubernetes 1.35)"
    CONSISTENT_HTTP = "httpGet hooks with scheme and headers (Kubernetes 1.23)"
    USERS = "several users in one container (root, or subordinate ids)"
    UNSETTING = "variables that can be taken away from a hook (not with Podman)"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWords:
    """What is said of a case, whatever it is about."""

    name: str
    """The base of its markers: ``prestop_basic_execution_test``."""
    suite: str
    """``prestop``, ``poststart``, ``handlers``, ``sidecars``, ``validation``, ``compose`` …"""
    title: str
    """``PreStop Basic Execution Test``."""
    description: str
    """The first sentence of its block: what it shows."""
    steps: tuple[str, ...]
    """The further sentences, in the order of what is done and seen."""
    needs: frozenset[Need]
    timing: bool
    """It asserts times: it is run with little beside it on a slow place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodCase(CaseWords):
    """One thing that a hook of a pod does, as data and a coroutine that shows it."""

    manifest: str
    """The pod or pods, as YAML. ``$(SHARED)`` stands for a directory of the node that is this run's own."""
    run: Callable[[CaseRun], Awaitable[None]]
    """Does it and looks; what is not as expected is noted through the run, and ends it."""

    @property
    def written(self) -> str:
        """What a recorded result is of."""
        return self.manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A file of a project, as somebody would write it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCase(CaseWords):
    """One thing that a hook of a Compose project does, as files and a coroutine that shows it."""

    files: tuple[CaseFile, ...]
    """``compose.yaml``, and what else lies beside it. The programs of its containers are in ``./demo``."""
    run: Callable[[ProjectRun], Awaitable[None]]

    @property
    def written(self) -> str:
        """What a recorded result is of."""
        return "".join(f"{file.name}\n{file.text}" for file in self.files)


Case: TypeAlias = PodCase | ProjectCase


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One thing that was looked at."""

    what: str
    expected: str
    observed: str
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What came of one run of a case."""

    case: Case
    status: Status
    reason: str
    """Why it failed or was skipped; empty when it passed."""
    place: str
    """``local``, ``docker``, ``kubernetes v1.36.2``."""
    pods: tuple[JsonObject, ...]
    """The pods as applied: complete manifests, without what a cluster assigns (uid, status, node). A project has none:
    its files are shown as they are written."""
    log: tuple[str, ...]
    """What was seen, in the suite's own words: no time, uid or node name stands in it."""
    observations: tuple[Observation, ...]
    timeline: tuple[str, ...]
    """What happened, with seconds since the case began; for a reader of a failure, never for a document."""
    duration: timedelta
