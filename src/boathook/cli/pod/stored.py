"""The pods that all processes share, as a command sees them: which ones are meant, and who runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from boathook.cli.session import Session
from boathook.errors import UsageError

if TYPE_CHECKING:
    from boathook.cluster.base import ObjectKey
    from boathook.cluster.owners import ObjectOwner
    from boathook.cluster.remote import RemoteCluster
    from boathook.cluster.store import ObjectStore, Stored
    from boathook.model import JsonObject

F = TypeVar("F", bound=Callable[..., Any])


def namespace_option(function: F) -> F:
    """Adds ``-n``."""
    option = click.option("-n", "--namespace", default="default", show_default=True, help="The pod's namespace.")
    return option(function)


def selection_options(function: F) -> F:
    """Adds ``-n``, ``-A`` and ``-l``: which of the pods are meant."""
    every = click.option("-A", "--all-namespaces", is_flag=True, help="Pods of every namespace.")
    labels = click.option(
        "-l",
        "--selector",
        metavar="SELECTOR",
        default="",
        help="Only pods with these labels: app=web,tier!=db,env in (a,b),!old.",
    )
    return namespace_option(every(labels(function)))


@contextmanager
def object_store(session: Session, owner: str = "") -> Iterator[ObjectStore]:
    """The objects that all processes share. What the dead left in it is settled, and said."""
    import uuid

    from boathook.clock import SystemClock
    from boathook.cluster.base import key_of
    from boathook.cluster.owners import settle_orphans
    from boathook.cluster.store import ObjectStore

    store = ObjectStore.open(session.home.objects, clock=SystemClock(), uids=lambda: str(uuid.uuid4()))
    try:
        for sentence in settle_orphans(store):
            click.echo(f"note: {sentence}", err=True)
        yield store
    finally:
        # What was ended at once with this process is gone, too: nobody else acts on it.
        for stored in store.list():
            if owner and stored.owner == owner:
                store.remove(key_of(stored.body, default_namespace="default"))
        store.close()


def pod_key(namespace: str, name: str) -> ObjectKey:
    """``pod/NAME`` and ``pods/NAME`` are names, too, as kubectl takes them."""
    from boathook.cluster.base import ObjectKey

    kind, slash, rest = name.partition("/")
    if slash and kind not in ("pod", "pods", "po"):
        raise UsageError(f'"{name}" is no pod: found "{kind}/", expected a pod\'s name')
    return ObjectKey(kind="Pod", namespace=namespace, name=rest if slash else name)


def chosen_pods(
    store: ObjectStore, names: Sequence[str], namespace: str, all_namespaces: bool, selector: str
) -> list[Stored]:
    """The named pods, or all that the options leave. Raises ``NotFound`` for a name, ``UsageError``."""
    if names:
        if all_namespaces or selector:
            option = "--all-namespaces" if all_namespaces else "--selector"
            raise UsageError(f"a name and {option} contradict each other")
        return [_named(store, pod_key(namespace, name)) for name in dict.fromkeys(names)]
    from boathook.backup.selection import holds
    from boathook.backup.selector import parse_selector
    from boathook.objects import mapping

    requirements = parse_selector(selector)
    return [
        stored
        for stored in store.list("Pod", None if all_namespaces else namespace)
        if all(holds(one, mapping(stored.body, "metadata", "labels")) for one in requirements)
    ]


def _named(store: ObjectStore, key: ObjectKey) -> Stored:
    store.get(key)
    found = store.find(key)
    assert found is not None
    return found


def living_owner(stored: Stored) -> ObjectOwner | None:
    """The process that runs the pod; None when nobody does."""
    from boathook.cluster.owners import parse_owner

    owner = parse_owner(stored.owner)
    return owner if owner is not None and owner.process.alive else None


def has_ended(obj: JsonObject) -> bool:
    """Nothing of the pod runs, or will run: only its record is kept."""
    from boathook.objects import text
    from boathook.pods.model import Phase

    return text(obj, "status", "phase") in (Phase.SUCCEEDED, Phase.FAILED)


def quiet_cluster(session: Session) -> RemoteCluster:
    """The local cluster for a command that only looks: no run in the journal. Close it."""
    from boathook.clock import SystemClock
    from boathook.cluster.remote import RemoteCluster
    from boathook.events import EventStream
    from boathook.journal import Context, MemoryObligations

    context = Context(events=EventStream(), clock=SystemClock(), obligations=MemoryObligations())
    return RemoteCluster(session.home, session.runtime, context=context)


def container_names(obj: JsonObject) -> list[str]:
    """All of them, as they start: init containers first."""
    from boathook.objects import mapping, mappings, text

    spec = mapping(obj, "spec")
    return [text(one, "name") for field in ("initContainers", "containers") for one in mappings(spec.get(field))]


def container_statuses(obj: JsonObject) -> dict[str, JsonObject]:
    """The statuses of all containers by name, init containers first."""
    from boathook.objects import mapping, mappings, text

    status = mapping(obj, "status")
    fields = ("initContainerStatuses", "containerStatuses")
    return {text(one, "name"): one for field in fields for one in mappings(status.get(field))}


def default_container(obj: JsonObject, wanted: str | None) -> str:
    """The wanted container; else the annotated one (``kubectl.kubernetes.io/default-container``), else the first.

    Where there are several and none was asked for, it is said which one was taken, as kubectl does.
    """
    from boathook.errors import NotFound
    from boathook.objects import mapping, mappings, text

    pod_name, names = text(obj, "metadata", "name"), container_names(obj)
    if wanted is not None:
        if wanted not in names:
            raise NotFound(f'container "{wanted}" is not in pod "{pod_name}"', hint=f"it has: {', '.join(names)}")
        return wanted
    annotated = text(mapping(obj, "metadata", "annotations"), "kubectl.kubernetes.io/default-container")
    if annotated in names:
        return annotated
    regular = [text(one, "name") for one in mappings(mapping(obj, "spec").get("containers"))]
    if len(names) > 1:
        told = [*regular, *(f"{name} (init)" for name in names if name not in regular)]
        click.echo(f'Defaulted container "{regular[0]}" out of: {", ".join(told)}', err=True)
    return regular[0]
