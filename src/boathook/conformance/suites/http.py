"""HTTP hooks: what is sent, what counts as success, and how ports and redirects are understood.

The server that is asked is the run's own, on the node: it writes down each request as it came.
"""

from __future__ import annotations

from boathook.conformance import lines
from boathook.conformance.case_run import CaseRun
from boathook.conformance.cases import case
from boathook.conformance.manifests import AGNHOST, container, pod
from boathook.conformance.model import Need
from boathook.conformance.recorder import HOST, OTHER_HOST, Asked, Recorder, recording
from boathook.conformance.scripts import main
from boathook.model import JsonObject, JsonValue


def _get(path: str, *, port: JsonValue = "$(PORT)", host: str = HOST, **fields: JsonValue) -> JsonObject:
    return {"httpGet": {"path": path, "port": port, **({"host": host} if host else {}), **fields}}


def _ask(run: CaseRun, recorder: Recorder) -> None:
    run.values |= {"PORT": str(recorder.port), "TLS_PORT": str(recorder.tls_port)}


def _only(run: CaseRun, recorder: Recorder, path: str) -> Asked:
    """The one request of this path."""
    found = [one for one in recorder.asked if one.line == f"GET {path}"]
    run.expect(f"how often GET {path} came", 1, len(found))
    return found[0]


@case(
    "hook_http_get_test",
    title="Hook HTTP GET Test",
    description="An httpGet hook sends one GET request with the headers that it is given, and says who it is.",
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted, and its PreStop hook asks a server",
        "The server has got the path with its query, the given header, and the User-Agent of the kubelet's hooks",
    ),
    manifest=pod(
        container(
            "app",
            main("app"),
            pre_stop=_get("/echo?msg=prestop&code=200", httpHeaders=[{"name": "X-Hook", "value": "prestop"}]),
        )
    ),
    needs=(Need.CONSISTENT_HTTP,),
)
async def http_get(run: CaseRun) -> None:
    async with recording() as recorder:
        _ask(run, recorder)
        await run.create()
        await run.running()
        await run.delete()
        await run.gone(within=2)
    asked = _only(run, recorder, "/echo?msg=prestop&code=200")
    agent = asked.header("User-Agent") or ""
    run.expect("the User-Agent", "kube-lifecycle/…", agent, ok=agent.startswith("kube-lifecycle/"))
    run.expect("the header Accept", "*/*", asked.header("Accept"))
    run.expect("the header X-Hook", "prestop", asked.header("X-Hook"))
    await run.no_event("FailedPreStopHook")
    run.log(lines.PRE_STOP_RAN)


@case(
    "hook_http_own_address_test",
    title="Hook HTTP Own Address Test",
    description="An httpGet hook that names no host asks its own Pod.",
    steps=(
        "This Pod, with a server in one of its containers, should start successfully",
        "The Pod is deleted, and the PreStop hook of the other container asks a port without naming a host",
        "The server has got the request while its own PreStop hook still sleeps",
    ),
    manifest=pod(
        container(
            "server",
            {"args": ["netexec", "--http-port=8080"]},
            image=AGNHOST,
            pre_stop={"exec": {"command": ["sleep", "3"]}},
        ),
        container("app", main("app"), pre_stop=_get("/echo?msg=prestop", port=8080, host="")),
    ),
)
async def http_own_address(run: CaseRun) -> None:
    await run.create()
    await run.running()
    await run.until_logged("server", "Started HTTP server")
    await run.delete()
    await run.until_logged("server", "GET /echo?msg=prestop")
    await run.gone(at_least=3, within=5)
    await run.no_event("FailedPreStopHook")
    run.log(lines.pre_stop_ran_in("app"))


@case(
    "hook_http_status_ignored_test",
    title="Hook HTTP Status Ignored Test",
    description="Any answer to an httpGet hook is a success, whatever its status.",
    steps=(
        "The container is started, and its PostStart hook asks a server",
        "The server answers with status 500",
        "The hook has succeeded, and the container runs",
    ),
    manifest=pod(container("app", main("app"), post_start=_get("/echo?msg=x&code=500"))),
)
async def http_status_ignored(run: CaseRun) -> None:
    async with recording() as recorder:
        _ask(run, recorder)
        await run.create()
        await run.running()
    _only(run, recorder, "/echo?msg=x&code=500")
    await run.no_event("FailedPostStartHook")
    run.log(lines.POST_START_RAN)


@case(
    "hook_http_refused_test",
    title="Hook HTTP Refused Test",
    description="An httpGet hook fails when nobody listens: there is no second try.",
    steps=(
        "The container is started, and its PostStart hook asks a port of the Pod that nobody listens on",
        "The hook fails, and the container is killed and restarted",
    ),
    manifest=pod(container("app", main("app"), post_start=_get("/ready", port=8090, host="")), restart="Always"),
)
async def http_refused(run: CaseRun) -> None:
    await run.create()
    app = await run.container(
        "app", "app waits with PostStartHookError", lambda app: app.reason == "PostStartHookError"
    )
    for part in ("HTTP lifecycle hook (/ready)", "connection refused"):
        run.expect(f"the message has {part}", "yes", app.message, ok=part in app.message)
    await run.event("FailedPostStartHook", "PostStartHook failed")
    await run.container("app", "app has been restarted", lambda app: app.restarts >= 1)
    run.log(lines.event("FailedPostStartHook", "PostStartHook failed"))
    run.log(lines.restarted("app", 1))


@case(
    "hook_http_named_port_test",
    title="Hook HTTP Named Port Test",
    description="A port may be named, but only one of the hook's own container is found.",
    steps=(
        "The PostStart hook of the first container asks the port that its container calls web, and gets an answer",
        "That of the second container names the same port, which its own container does not have",
        "The second hook fails when it is to run",
    ),
    manifest=pod(
        container(
            "app",
            main("app"),
            post_start=_get("/echo?msg=named", port="web"),
            ports=[{"name": "web", "containerPort": "$(PORT)"}],
        ),
        container("other", main("other"), post_start=_get("/echo?msg=other", port="web")),
    ),
)
async def http_named_port(run: CaseRun) -> None:
    async with recording() as recorder:
        _ask(run, recorder)
        await run.create()
        failed = await run.event("FailedPostStartHook", "PostStartHook failed", within=20)
        run.expect("whose hook failed", "spec.containers{other}", failed.field)
        await run.container("app", "app runs", lambda app: app.state == "running")
    run.expect("what was asked", ["GET /echo?msg=named"], recorder.lines())
    run.log(lines.POST_START_RAN)
    run.log(lines.event("FailedPostStartHook", "PostStartHook failed"))


@case(
    "hook_https_and_fallback_test",
    title="Hook HTTPS And Fallback Test",
    description="An HTTPS hook trusts every certificate, and asks again without TLS where it is answered without.",
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted; its first PreStop hook asks a server whose certificate nobody has signed",
        "The second asks with TLS where none is spoken, and then without, leaving its Authorization out",
        "Both hooks have succeeded",
    ),
    manifest=pod(
        container("secure", main("secure"), pre_stop=_get("/secure", port="$(TLS_PORT)", scheme="HTTPS")),
        container(
            "plain",
            main("plain"),
            pre_stop=_get("/plain", scheme="HTTPS", httpHeaders=[{"name": "Authorization", "value": "Bearer secret"}]),
        ),
    ),
    needs=(Need.CONSISTENT_HTTP,),
)
async def https_and_fallback(run: CaseRun) -> None:
    async with recording() as recorder:
        _ask(run, recorder)
        await run.create()
        await run.running()
        await run.delete()
        await run.gone(within=3)
    run.expect("/secure came over TLS", True, _only(run, recorder, "/secure").secure)
    plain = _only(run, recorder, "/plain")
    run.expect("/plain came over TLS", False, plain.secure)
    run.expect("the header Authorization", None, plain.header("Authorization"))
    await run.no_event("FailedPreStopHook")
    await run.no_event("LifecycleHTTPFallback")
    run.log(lines.pre_stop_ran_in("secure"))
    run.log(lines.pre_stop_ran_in("plain"))


@case(
    "hook_http_redirect_test",
    title="Hook HTTP Redirect Test",
    description=(
        "A redirect of an httpGet hook is followed on the same host only; one to another host is a success as it is."
    ),
    steps=(
        "This Pod should start successfully",
        "The Pod is deleted; the first PreStop hook is sent to another path, and the second one to another host",
        "The first is followed, the second is not, and both hooks have succeeded",
    ),
    manifest=pod(
        container("same", main("same"), pre_stop=_get("/redirect?to=/followed")),
        container("other", main("other"), pre_stop=_get(f"/redirect?to=http://{OTHER_HOST}:$(PORT)/elsewhere")),
    ),
    needs=(Need.CONSISTENT_HTTP,),
)
async def http_redirect(run: CaseRun) -> None:
    async with recording() as recorder:
        _ask(run, recorder)
        await run.create()
        await run.running()
        await run.delete()
        await run.gone(within=3)
    _only(run, recorder, "/redirect?to=/followed")
    _only(run, recorder, "/followed")
    run.expect("the other host was asked", 0, recorder.lines().count("GET /elsewhere"))
    await run.no_event("FailedPreStopHook")
    run.log(lines.pre_stop_ran_in("same"))
    run.log(lines.pre_stop_ran_in("other"))
