"""What is refused before anything starts, with its place in the file and the remedy, and what is only warned of."""

from __future__ import annotations

from pathlib import Path

import pytest

from boathook.clock import run_virtual
from boathook.compose.embedded import EmbeddedPlace
from boathook.compose.options import ImageWishes
from boathook.compose.plan import plan_project
from boathook.errors import ManifestError, UnsupportedHere
from boathook.events import EventStream, Noted, RunFinished, Stamped
from boathook.home import Home
from boathook.model import Finding, Severity
from boathook.runtimes.assumptions import Assumptions
from boathook.runtimes.base import Image, NetworkMode, PullPolicy
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from boathook.runtimes.simulated import SimulatedRuntime
from tests.compose.embedded.build import OneImage, a_project, a_root


async def _prepare(text: str, network: NetworkMode, wishes: ImageWishes) -> list[Finding]:
    told: list[Stamped] = []
    events = EventStream()
    project = a_project(text)
    async with SimulatedRuntime() as runtime:
        place = EmbeddedPlace(runtime, network=network, host_paths=False)
        with events.listening(told.append):
            await place.prepare(project, project.services, wishes, events)
        assert await runtime.list({}) == ()
    return [one.event.finding for one in told if isinstance(one.event, Noted)]


def warned(text: str, network: NetworkMode = NetworkMode.POD) -> list[str]:
    return [one.message for one in run_virtual(_prepare, text, network, ImageWishes())]


def refused(text: str, network: NetworkMode = NetworkMode.POD) -> list[Finding]:
    with pytest.raises(ManifestError) as raised:
        run_virtual(_prepare, text, network, ImageWishes())
    return list(raised.value.problems)


def one_service(fields: str, *, more: str = "") -> str:
    return f"services:\n  app:\n    image: a\n    {fields}\n{more}"


def test_a_project_that_can_be_here_is_let_through_without_a_word() -> None:
    assert warned(one_service("command: serve")) == []


def test_published_ports_are_refused_where_they_are_written() -> None:
    (problem,) = refused(one_service("ports: ['8080:80']"))

    assert problem.message == 'port 8080:80 of service "app" cannot be published by --on local'
    assert problem.source.path == "services.app.ports[0]"
    assert problem.source.line == 4
    assert problem.remedy is not None
    assert "--on docker" in problem.remedy


@pytest.mark.parametrize("port", ["'80:80'", "'80'", "'127.0.0.1:80:80'"])
def test_with_the_machines_network_a_port_is_published_by_its_own_number(port: str) -> None:
    assert warned(one_service(f"ports: [{port}]"), NetworkMode.HOST) == []


def test_with_the_machines_network_no_other_number_can_be_published() -> None:
    (problem,) = refused(one_service("ports: ['8080:80']"), NetworkMode.HOST)

    assert "the service is reachable at 80" in problem.message


def test_two_services_on_one_port_are_refused() -> None:
    more = "  other: {image: a, expose: ['79-81']}"
    (problem,) = refused(one_service("expose: [80]", more=more))

    assert problem.message.startswith('services "app" and "other" both listen on port 80/tcp')
    assert problem.source.path == "services.other.expose[0]"
    assert warned(one_service("expose: [80]", more="  other: {image: a, expose: ['80/udp', 81]}")) == []


def test_replicas_on_one_port_are_refused() -> None:
    (problem,) = refused(one_service("scale: 2\n    expose: [80]"))

    assert problem.message.startswith('2 containers of service "app" cannot all listen on port 80/tcp')
    assert warned(one_service("scale: 2")) == []


@pytest.mark.parametrize(
    "field",
    [
        "devices: ['/dev/fuse:/dev/fuse']",
        "network_mode: host",
        "network_mode: 'container:x'",
        "pid: host",
        "ipc: host",
        "external_links: [x]",
        "userns_mode: host",
    ],
)
def test_what_a_service_relies_on_and_cannot_have_is_refused_by_name(field: str) -> None:
    (problem,) = refused(one_service(field))

    name = field.partition(":")[0]
    assert name in problem.message
    assert problem.source.path.startswith(f"services.app.{name}")
    assert problem.source.line == 4
    assert problem.remedy is not None
    assert "--on docker" in problem.remedy or "--network host" in problem.remedy


def test_a_network_mode_that_changes_nothing_is_let_through() -> None:
    assert warned(one_service("network_mode: host"), NetworkMode.HOST) == []
    (message,) = warned(one_service("network_mode: none"))
    assert message.endswith("all services share one network")


def test_everything_is_said_at_once() -> None:
    more = "  other: {image: a, ports: ['1:1'], pid: host}"

    assert len(refused(one_service("ports: ['2:2']", more=more))) == 3


@pytest.mark.parametrize(
    "field",
    [
        "mem_limit: 64m",
        "cpus: 0.5",
        "ulimits: {nofile: 20}",
        "deploy: {resources: {limits: {cpus: '0.5'}}}",
        "dns: [1.1.1.1]",
        "mem_swappiness: 10",
        "pull_policy: daily",
        "sysctls: {net.core.somaxconn: 1024}",
    ],
)
def test_what_changes_nothing_a_service_relies_on_is_warned_of_by_name(field: str) -> None:
    name = field.partition(":")[0]
    (message,) = warned(one_service(field))

    assert message.startswith(f'"{name}')
    assert "has no effect with --on local" in message


def test_networks_that_keep_services_apart_are_warned_of() -> None:
    more = "  other: {image: a, networks: [back]}\nnetworks: {front: , back: }"
    (message,) = warned(one_service("networks: [front]", more=more))

    assert message.startswith('services "app" and "other" have no network in common')


def test_a_plan_is_made_of_what_only_an_engine_can_do() -> None:
    planned = plan_project(a_project(one_service("ports: ['8080:80']")), Assumptions())

    last = planned[-1].event
    assert isinstance(last, RunFinished)
    assert last.succeeded
    said = [one.event.finding for one in planned if isinstance(one.event, Noted)]
    assert [(one.severity, one.source.path) for one in said] == [(Severity.WARNING, "services.app.ports[0]")]


def test_a_volume_of_somebody_else_must_be_there() -> None:
    (problem,) = refused(one_service("volumes: ['data:/data']", more="volumes: {data: {external: true}}"))

    assert problem.message == 'external volume "data" not found'


def test_a_volume_that_only_a_driver_can_make_is_refused() -> None:
    more = "volumes: {data: {driver_opts: {type: nfs, o: 'addr=x', device: ':/x'}}, far: {driver: rexray}}"
    first, second = refused(one_service("volumes: ['data:/data', 'far:/far']", more=more))

    assert "options of its driver" in first.message
    assert 'driver "rexray"' in second.message


def test_a_mount_of_another_kind_is_refused() -> None:
    (problem,) = refused(one_service("volumes: [{type: image, source: b, target: /b}]"))

    assert 'a mount of type "image"' in problem.message
    assert problem.source.path.startswith("services.app.volumes[0]")


def test_an_address_in_a_network_is_warned_of() -> None:
    more = "networks: {front: }"
    (message,) = warned(one_service("networks: {front: {ipv4_address: 10.0.0.2}}", more=more))

    assert message.startswith('"ipv4_address" of service "app" has no effect')


def test_the_machine_is_reached_by_name_in_its_own_network_alone() -> None:
    text = one_service("extra_hosts: ['host.docker.internal:host-gateway', 'db:10.0.0.1']")

    (message,) = warned(text)
    assert message.startswith('"host.docker.internal" of service "app" is left out')
    assert warned(text, NetworkMode.HOST) == []


def test_images_are_not_built_here() -> None:
    with pytest.raises(UnsupportedHere, match="built"):
        run_virtual(_prepare, one_service("build: ."), NetworkMode.POD, ImageWishes(build=True))


class NoImages:
    """A store that has nothing."""

    async def resolve(self, reference: str, policy: PullPolicy) -> Image:
        from boathook.errors import NotFound

        raise NotFound(f'image "{reference}" not found')


@pytest.mark.anyio
@pytest.mark.runtime
async def test_a_service_that_would_have_to_be_built_is_refused_and_one_that_was_is_not(home: Home) -> None:
    project = a_project("services: {app: {build: .}}", directory=Path("/project"))
    wishes, events = ImageWishes(), EventStream()
    async with BubblewrapRuntime(home, images=NoImages()) as runtime:
        with pytest.raises(ManifestError, match="would have to be built"):
            await EmbeddedPlace(runtime).prepare(project, project.services, wishes, events)
    async with BubblewrapRuntime(home, images=OneImage(a_root(home, command=("sh",)))) as runtime:
        ready = await EmbeddedPlace(runtime).prepare(project, project.services, wishes, events)
        assert ready["app"].image.reference == "demo-app"
        assert ready["app"].image_id.startswith("sha256:")


@pytest.mark.anyio
@pytest.mark.runtime
@pytest.mark.behaviour("compose:12")
async def test_users_and_files_that_are_unknown_are_refused_together(home: Home) -> None:
    text = (
        "services: {app: {image: a, command: x, user: nobody-here, secrets: [key], "
        "post_start: [{command: x, user: no-hook-user}]}}\n"
        "secrets: {key: {file: /no/such/file}}"
    )
    project = a_project(text)
    async with BubblewrapRuntime(home, images=OneImage(a_root(home))) as runtime:
        with pytest.raises(ManifestError) as raised:
            await EmbeddedPlace(runtime).prepare(project, project.services, ImageWishes(), EventStream())

    said = [problem.message for problem in raised.value.problems]
    assert len(said) == 3
    assert any("nobody-here" in message for message in said)
    assert any("no-hook-user" in message for message in said)
    assert "bind source path does not exist: /no/such/file" in said
