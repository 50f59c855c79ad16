"""Where the embedded runtime meant to differ from a kubelet, case by case, and the page that says so.

A row stands here only as long as the suite finds it: a test runs all cases on both and compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from boathook.conformance.comparison import WHOLE, Difference, Explained
from boathook.conformance.model import Case, Need
from boathook.conformance.place import lacking


@dataclass(frozen=True, slots=True, kw_only=True)
class _Older:
    """Cases that an older kubelet cannot pass, and the one reason."""

    kubelet: str
    embedded: str
    reason: str
    cases: tuple[str, ...]


OLDER = (
    _Older(
        kubelet="what its status said before the deletion",
        embedded="every container terminated, with exit code and message",
        reason="1.20 never reports the end of a container that ends after its pod's deletion",
        cases=(
            "prestop_basic_execution_test",
            "prestop_basic_failure_test",
            "prestop_multiple_containers_test",
            "prestop_multiple_containers_failure_test",
            "prestop_eviction_api_test",
            "prestop_exits_pid1_test",
            "prestop_kubelet_restart_test",
            "prestop_consumes_grace_test",
            "prestop_hook_overrun_test",
            "prestop_short_delete_grace_test",
            "readiness_during_prestop_test",
            "poststart_hang_and_delete_test",
            "hook_exec_missing_binary_test",
            "hook_output_not_in_logs_test",
            "termination_message_hook_test",
            "background_child_test",
        ),
    ),
    _Older(
        kubelet="its event holds the hook, its error and its output, and the waiting reason begins with the error",
        embedded="`PostStartHook failed`, and the reason `PostStartHookError`",
        reason="1.20 had not yet parted the event from the message",
        cases=(
            "poststart_failure_always_test",
            "poststart_failure_never_test",
            "poststart_failure_runs_prestop_test",
            "hook_tcp_socket_fails_test",
            "hook_http_refused_test",
            "hook_http_named_port_test",
        ),
    ),
    _Older(
        kubelet="asks for the path with a slash too many: `//echo`",
        embedded="asks for `/echo`",
        reason="1.20 puts a slash before every path",
        cases=("hook_http_status_ignored_test",),
    ),
    _Older(
        kubelet="no preStop hook",
        embedded="the hook runs, for one second at most",
        reason="before 1.27 a forced deletion ran no hook",
        cases=("prestop_force_delete_test",),
    ),
    _Older(
        kubelet="refused, with another text",
        embedded="refused, with the text of 1.36",
        reason="the API's texts were changed since",
        cases=("hook_validation_test", "init_no_hooks_test"),
    ),
)

EXPLAINED = tuple(
    Explained(
        kubernetes="v1.20",
        difference=Difference(case=case, what=WHOLE, kubelet=one.kubelet, embedded=one.embedded),
        reason=one.reason,
    )
    for one in OLDER
    for case in one.cases
)
"""Against 1.36 there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A difference that was measured and is meant, and that no case can see: it is in times and in engines' texts."""

    kubernetes: str
    about: str
    kubelet: str
    embedded: str
    reason: str


MEANT = (
    Meant(
        kubernetes="v1.36",
        about="the time between two steps",
        kubelet="0.12 s to 0.2 s on an idle machine, seconds on a busy one",
        embedded="milliseconds",
        reason="no container engine stands between",
    ),
    Meant(
        kubernetes="v1.36",
        about="the first restart of a container",
        kubelet="after about 1 s; the later ones some seconds after 10 s, 20 s, 40 s …",
        embedded="at once; the later ones after exactly 10 s, 20 s, 40 s …",
        reason="the kubelet looks at its back-off only when it comes round to the pod",
    ),
    Meant(
        kubernetes="v1.36",
        about="`stopSignal`",
        kubelet="dropped unless the feature gate ContainerStopSignals is on, and not carried out by containerd 1.6",
        embedded="carried out",
        reason="so that it can be tried before a cluster has it",
    ),
    Meant(
        kubernetes="v1.36",
        about="why a hook's program could not be started",
        kubelet="the container engine's text, with an identifier of the exec",
        embedded="a text of its own",
        reason="it is the engine's, and another with each engine",
    ),
    Meant(
        kubernetes="v1.36",
        about="the message of a tcpSocket hook",
        kubelet="`Cannot run handler: invalid handler: ` and the handler as Go prints it",
        embedded="`Cannot run handler: invalid handler`",
        reason="the rest holds nothing that the manifest does not",
    ),
    Meant(
        kubernetes="v1.36",
        about="the event DeadlineExceeded",
        kubelet="again with each look at the pod",
        embedded="once",
        reason="the repetitions say nothing new",
    ),
    Meant(
        kubernetes="v1.36",
        about="an HTTPS hook that was answered without TLS",
        kubelet="its event LifecycleHTTPFallback never reaches the API",
        embedded="none in the API either, but the timeline and the journal have it",
        reason="a user should see it somewhere",
    ),
)

COMPARED_WITH = (1, 36)
"""Which Kubernetes the suite is compared with."""

LOCAL_LACKS = frozenset({Need.CLUSTER})

HEAD = """\
---
title: Differences from a kubelet
description: Where the embedded runtime does otherwise than the kubelet it was compared with, and why.
---

# Differences from a kubelet

Every case of the conformance suite runs in the embedded runtime and on a real kubelet, and what was seen is compared:
the results, the log lines, and whether each time and each count was as expected. That kubelet is one of Kubernetes
1.36; where its program is not to be had, the one of Debian's Kubernetes 1.20. A version without a row below does in
every case what the embedded runtime does.

"""


def page(explained: Iterable[Explained], cases: Iterable[Case]) -> str:
    """The page as Markdown."""
    rows = [
        (
            one.kubernetes,
            f"`{one.difference.case}`",
            one.difference.what,
            one.difference.kubelet,
            one.difference.embedded,
            one.reason,
        )
        for one in explained
    ]
    meant = [(one.kubernetes, one.about, one.kubelet, one.embedded, one.reason) for one in MEANT]
    titles = ("Kubernetes", "case", "what", "the kubelet", "the embedded runtime", "why")
    alone = [(f"`{case.name}`", who, needs) for case in cases for who, needs in _alone(case)]
    return (
        HEAD
        + (_table(titles, rows) if rows else "Nothing differed.\n")
        + "\n## What cases do not see\n\nTimes within their bounds, and texts of container engines.\n\n"
        + _table(("Kubernetes", "about", "the kubelet", "the embedded runtime", "why"), meant)
        + "\n## Cases that only one of them runs\n\n"
        + (_table(("case", "runs in", "needs"), alone) if alone else "There are none.\n")
    )


def _alone(case: Case) -> Iterator[tuple[str, str]]:
    """Who runs it alone, and the need that the other does not meet."""
    for needs, who in ((LOCAL_LACKS, "the kubelet"), (lacking(COMPARED_WITH).keys(), "the embedded runtime")):
        for need in sorted(case.needs & needs):
            yield who, need.value


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
