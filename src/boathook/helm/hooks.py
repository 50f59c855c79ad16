"""In which order hooks run and are stored, and which delete policy applies when. Values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from boathook.helm.model import DEFAULT_DELETE_POLICIES, HelmHook, HookEvent

T = TypeVar("T")

# Helm pkg/release/v1/util/kind_sorter.go: which kinds come first when objects are created.
INSTALL_ORDER = (
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
)
# The other list of the same file is this one backwards, except that a Service goes before what stands behind it.
UNINSTALL_ORDER = (
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    *(
        kind
        for kind in reversed(INSTALL_ORDER)
        if kind
        not in (
            "ValidatingWebhookConfiguration",
            "MutatingWebhookConfiguration",
            "APIService",
            "Ingress",
            "IngressClass",
            "Service",
        )
    ),
)


def kind_sorted(items: Iterable[T], kind: Callable[[T], str], order: tuple[str, ...] = INSTALL_ORDER) -> tuple[T, ...]:
    """Stable by kind; kinds that the list does not know come last, alphabetically."""
    rank = {name: number for number, name in enumerate(order)}

    def key(item: T) -> tuple[int, str]:
        name = kind(item)
        return (rank[name], "") if name in rank else (len(rank), name)

    return tuple(sorted(items, key=key))


def run_order(hooks: Iterable[HelmHook], event: HookEvent) -> tuple[HelmHook, ...]:
    """The hooks of one event as they run: weight, then name, else stored order. Twice for an event written twice."""
    executing = [hook for hook in hooks for written in hook.events if written is event]
    return tuple(sorted(executing, key=lambda hook: (hook.weight, hook.name)))


def policies_when_run(hook: HelmHook) -> tuple[str, ...]:
    """The delete policies that count once it runs. An unknown policy is none, but keeps the default away."""
    return hook.delete_policies or DEFAULT_DELETE_POLICIES


def is_deleted_by(hook: HelmHook, policy: str) -> bool:
    """Whether ``policy`` deletes the hook's object. A definition of custom resources is never deleted by any."""
    return policy in policies_when_run(hook) and hook.kind != "CustomResourceDefinition"


def logs_output(hook: HelmHook, policy: str) -> bool:
    """Whether the hook's output is to be shown. Only Jobs and Pods have any."""
    return policy in hook.output_log_policies and hook.kind in ("Job", "Pod")
