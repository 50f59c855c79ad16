"""What is refused before anything runs, in the words of the API."""

from __future__ import annotations

from dataclasses import dataclass

from boathook.conformance import lines
from boathook.conformance.case_run import CaseRun
from boathook.conformance.cases import case
from boathook.conformance.manifests import BUSYBOX, RESTRICTED, manifest
from boathook.conformance.model import Need
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping, mappings

GRACE = 30
PRE_STOP = "spec.containers[0].lifecycle.preStop"
TRUE: JsonObject = {"exec": {"command": ["true"]}}


def _container(name: str, **fields: JsonValue) -> JsonObject:
    return {
        "name": name,
        "image": BUSYBOX,
        "command": ["sleep", "3600"],
        "securityContext": RESTRICTED,
        **fields,
    }


def _pod(handler: JsonObject, **spec: JsonValue) -> str:
    app = _container("app", lifecycle={"preStop": handler})
    whole: JsonObject = {
        "containers": [app],
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE,
        **spec,
    }
    return manifest("hook-pod", whole)


def _with(pod: JsonObject, handler: JsonObject) -> JsonObject:
    """The pod with another handler as its PreStop hook."""
    spec = mapping(pod, "spec")
    (app,) = mappings(spec.get("containers"))
    return pod | {"spec": spec | {"containers": [app | {"lifecycle": {"preStop": handler}}]}}


@case(
    "sleep_validation_test",
    title="Sleep Validation Test",
    description="A sleep action may take from nothing up to the whole grace period.",
    steps=(
        "A sleep of -1 seconds is refused",
        "Sleeps of 0 seconds and of the whole grace period are accepted",
        "A sleep of one second more than the grace period is refused",
    ),
    manifest=_pod({"sleep": {"seconds": 0}}),
    needs=(Need.SLEEP, Need.ZERO_SLEEP),
)
async def sleep(run: CaseRun) -> None:
    (pod,) = run.pods
    for seconds in (-1, GRACE + 1):
        said = f"{PRE_STOP}.sleep: Invalid value: {seconds}: must be non-negative and less than "
        said += f"terminationGracePeriodSeconds ({GRACE})"
        await run.refused(_with(pod, {"sleep": {"seconds": seconds}}), f"a sleep of {seconds} s", said)
        run.log(lines.rejected(said))
    for seconds in (0, GRACE):
        named = pod | {"metadata": {"name": f"sleep-{seconds}"}}
        await run.accepted(_with(named, {"sleep": {"seconds": seconds}}), f"a sleep of {seconds} s")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """A handler that is refused, and what is said of it."""

    what: str
    handler: JsonObject
    said: str


def _http(**fields: JsonValue) -> JsonObject:
    return {"httpGet": {"path": "/", "port": 80, **fields}}


HEADER_RULE = (
    "a valid HTTP header must consist of alphanumeric characters or '-' "
    "(e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
)

REFUSED = (
    _Refused(what="no handler", handler={}, said=f"{PRE_STOP}: Required value: must specify a handler type"),
    _Refused(
        what="two handlers",
        handler=TRUE | _http(),
        said=f"{PRE_STOP}.httpGet: Forbidden: may not specify more than 1 handler type",
    ),
    _Refused(what="no command", handler={"exec": {"command": []}}, said=f"{PRE_STOP}.exec.command: Required value"),
    _Refused(
        what="port 0",
        handler=_http(port=0),
        said=f"{PRE_STOP}.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive",
    ),
    _Refused(
        what="port 65536",
        handler=_http(port=65536),
        said=f"{PRE_STOP}.httpGet.port: Invalid value: 65536: must be between 1 and 65535, inclusive",
    ),
    _Refused(
        what="a port named with digits alone",
        handler=_http(port="8080"),
        said=f'{PRE_STOP}.httpGet.port: Invalid value: "8080": must contain at least one letter (a-z)',
    ),
    _Refused(
        what="a scheme in lower case",
        handler=_http(scheme="http"),
        said=f'{PRE_STOP}.httpGet.scheme: Unsupported value: "http": supported values: "HTTP", "HTTPS"',
    ),
    _Refused(
        what="a bad header name",
        handler=_http(httpHeaders=[{"name": "X Header", "value": "x"}]),
        said=f'{PRE_STOP}.httpGet.httpHeaders: Invalid value: "X Header": {HEADER_RULE}',
    ),
)


@case(
    "hook_validation_test",
    title="Hook Validation Test",
    description="A hook that can never run is refused when the Pod is created.",
    steps=(
        "Handlers of no kind and of two kinds, without a command, with bad ports, schemes and header names are refused",
        "An ephemeral container is refused, and so is a lifecycle in it",
    ),
    manifest=_pod(TRUE),
)
async def hook_validation(run: CaseRun) -> None:
    (pod,) = run.pods
    for one in REFUSED:
        await run.refused(_with(pod, one.handler), one.what, one.said)
        run.log(lines.rejected(one.said))
    debugger = _container("debugger", lifecycle={"preStop": TRUE})
    said = "spec.ephemeralContainers[0].lifecycle: Forbidden: cannot be set for an Ephemeral Container"
    whole = pod | {"spec": mapping(pod, "spec") | {"ephemeralContainers": [debugger]}}
    await run.refused(
        whole, "an ephemeral container", said, "spec.ephemeralContainers: Forbidden: cannot be set on create"
    )
    run.log(lines.rejected(said))


@case(
    "init_no_hooks_test",
    title="Init No Hooks Test",
    description="A plain init container has no hooks: it runs to its end by itself.",
    steps=("A Pod whose init container has a PostStart hook is refused",),
    manifest=_pod(TRUE, initContainers=[_container("init", command=["true"], lifecycle={"postStart": TRUE})]),
)
async def init_no_hooks(run: CaseRun) -> None:
    (pod,) = run.pods
    said = (
        "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always"
    )
    await run.refused(pod, "a lifecycle of a plain init container", said)
    run.log(lines.rejected(said))
