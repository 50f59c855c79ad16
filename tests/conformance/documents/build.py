"""Cases and results as the documents see them: data, nothing runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from boathook.conformance.model import Case, CaseFile, CaseResult, Observation, PodCase, ProjectCase, Status
from boathook.model import JsonObject, JsonValue

if TYPE_CHECKING:
    from boathook.conformance.noting import Noting

SEED_PAGE = Path(__file__).parent / "prestop-seed.md"
"""The PreStop reference page as it is: one block filled, two with their placeholders."""


async def _never_run(run: Noting) -> None:
    raise AssertionError("documents run nothing")


def a_pod(name: str = "p", **container: JsonValue) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "case-1", "uid": "0001"},
        "spec": {"containers": [{"name": "c", "image": "busybox", **container}]},
        "status": {"phase": "Failed"},
    }


def a_case(
    name: str = "some_test",
    *,
    title: str = "Some Test",
    description: str = "It shows something.",
    steps: Sequence[str] = ("First this happens", "Then that"),
    manifest: str = "kind: Pod",
) -> PodCase:
    return PodCase(
        name=name,
        suite="prestop",
        title=title,
        description=description,
        steps=tuple(steps),
        manifest=manifest,
        needs=frozenset(),
        timing=False,
        run=_never_run,
    )


def a_project_case(
    name: str = "some_project_test",
    *,
    title: str = "Some Project Test",
    steps: Sequence[str] = ("First this happens", "Then that"),
    **files: str,
) -> ProjectCase:
    """``files``: their texts by the first part of their name."""
    return ProjectCase(
        name=name,
        suite="compose",
        title=title,
        description="It shows something.",
        steps=tuple(steps),
        files=tuple(CaseFile(name=f"{one}.yaml", text=text) for one, text in (files or {"compose": "a: b\n"}).items()),
        needs=frozenset(),
        timing=False,
        run=_never_run,
    )


def a_result(
    case: Case | None = None,
    *,
    status: Status = Status.PASSED,
    reason: str = "",
    pods: Sequence[JsonObject] | None = None,
    log: Sequence[str] = ("PreStop hook executed successfully",),
    observations: Sequence[Observation] = (),
) -> CaseResult:
    return CaseResult(
        case=case or a_case(),
        status=status,
        reason=reason,
        place="local",
        pods=(a_pod(),) if pods is None else tuple(pods),
        log=tuple(log),
        observations=tuple(observations),
        timeline=(),
        duration=timedelta(seconds=12.3),
    )


def a_block(name: str = "some_test", *content: str) -> str:
    return "\n".join((f"<!-- {name}_starts -->", *content, f"<!-- {name}_ends -->\n"))


BASIC = a_case(
    "prestop_basic_execution_test",
    title="PreStop Basic Execution Test",
    description=(
        "When you have a PreStop hook defined on your container, it will execute before the container is terminated."
    ),
    steps=(
        "This Pod should start successfully and run for some time",
        "When the container is terminated, the PreStop hook will be triggered within the grace period",
        "Once the PreStop hook is successfully executed, the container terminates successfully",
    ),
)
FAILURE = a_case("prestop_basic_failure_test", title="PreStop Basic Failure Test")
MULTIPLE = a_case("prestop_multiple_containers_test", title="PreStop Multiple Container Test")


def basic_pod() -> JsonObject:
    """The page's pod as a whole manifest, keys in an order of their own."""
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"namespace": "default", "name": "prestop-pod"},
        "spec": {
            "volumes": [{"name": "shared-data", "emptyDir": {}}],
            "terminationGracePeriodSeconds": 60,
            "containers": [
                {
                    "name": "prestop-container",
                    "image": "registry.k8s.io/e2e-test-images/agnhost:2.53",
                    "args": ["pause"],
                    "resources": {},
                    "volumeMounts": [{"name": "shared-data", "mountPath": "/data"}],
                    "lifecycle": {
                        "preStop": {
                            "exec": {
                                "command": [
                                    "sh",
                                    "-c",
                                    "echo 'PreStop Hook Executed' > /data/prestop_hook_executed; sleep 10",
                                ]
                            }
                        }
                    },
                    "securityContext": {
                        "runAsUser": 1000,
                        "runAsGroup": 1000,
                        "runAsNonRoot": True,
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                }
            ],
        },
    }
