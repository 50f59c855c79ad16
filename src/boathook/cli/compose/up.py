"""``boathook compose up``, attached and detached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from boathook.cli.compose.flags import (
    ERROR,
    acting,
    grace,
    hook_options,
    image_wishes,
    quiet_acts,
    said_by_environment,
    scales,
    timeout_option,
)
from boathook.cli.compose.routing import act
from boathook.cli.compose.selection import Selection
from boathook.cli.session import Session, always, run
from boathook.compose.choosing import refuse_unknown
from boathook.errors import UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.compose.attached import Watch
    from boathook.compose.model import Project
    from boathook.compose.options import HookWishes, UpOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class UpFlags:
    """The flags of ``up`` as they are given."""

    detach: bool
    wait: bool
    wait_timeout: int | None
    force_recreate: bool
    no_recreate: bool
    always_recreate_deps: bool
    no_deps: bool
    no_start: bool
    scale: tuple[str, ...]
    timeout: int | None
    abort_on_container_exit: bool
    abort_on_container_failure: bool
    exit_code_from: str
    build: bool
    no_build: bool
    pull: str | None
    quiet_pull: bool
    quiet_build: bool
    remove_orphans: bool
    renew_anon_volumes: bool
    attach: tuple[str, ...]
    no_attach: tuple[str, ...]
    attach_dependencies: bool
    no_log_prefix: bool
    no_color: bool
    timestamps: bool
    yes: bool
    watch: bool
    menu: str | None
    rerun_failed_hooks: bool

    @property
    def quiet_acts(self) -> frozenset[str]:
        return quiet_acts(build=self.quiet_build, pull=self.quiet_pull)

    @property
    def is_detached(self) -> bool:
        return self.detach or self.wait or self.no_start

    def refuse_contradictions(self) -> None:
        """Raises ``UsageError`` in the peer's words (cmd/compose/up.go)."""
        aborts = self.abort_on_container_exit or self.abort_on_container_failure or bool(self.exit_code_from)
        chooses = bool(self.attach) or self.attach_dependencies
        refused = {
            "--watch is not supported": self.watch,
            "--menu is not supported": self.menu not in (None, "false", "0", "f"),
            "--abort-on-container-failure cannot be combined with --abort-on-container-exit": (
                self.abort_on_container_exit and self.abort_on_container_failure
            ),
            "--wait cannot be combined with --abort-on-container-exit, --attach or --attach-dependencies": (
                self.wait and (aborts or chooses)
            ),
            "--detach cannot be combined with --abort-on-container-exit, --abort-on-container-failure, --attach, "
            "--attach-dependencies or --watch": self.detach and (aborts or chooses),
            "cannot combine --attach and --attach-dependencies": bool(self.attach) and self.attach_dependencies,
            "--force-recreate and --no-recreate are incompatible": self.force_recreate and self.no_recreate,
            "--always-recreate-deps and --no-recreate are incompatible": (
                self.always_recreate_deps and self.no_recreate
            ),
        }
        for message, is_so in refused.items():
            if is_so:
                raise UsageError(message)

    def options(self, services: tuple[str, ...], hooks: HookWishes, parallel: int) -> UpOptions:
        from boathook.compose.options import UpOptions

        return UpOptions(
            services=services,
            hooks=hooks,
            images=image_wishes(pull=self.pull, build=self.build, no_build=self.no_build),
            grace=grace(self.timeout),
            scale=scales(self.scale, 'invalid --scale option "{}". Should be SERVICE=NUM'),
            deps=not self.no_deps,
            force_recreate=self.force_recreate,
            recreate_deps=self.always_recreate_deps,
            recreate=not self.no_recreate,
            start=not self.no_start,
            remove_orphans=self.remove_orphans or said_by_environment("COMPOSE_REMOVE_ORPHANS"),
            ignore_orphans=said_by_environment("COMPOSE_IGNORE_ORPHANS"),
            renew_volumes=self.renew_anon_volumes,
            wait=self.wait,
            wait_timeout=grace(self.wait_timeout),
            rerun_hooks=self.rerun_failed_hooks,
            parallel=parallel,
        )

    def what_to_watch(self, project: Project, services: tuple[str, ...]) -> Watch:
        """Whose output is shown and whose ends count. Raises ``UsageError`` for services that are not brought up."""
        from boathook.compose.attached import Cascade, Watch
        from boathook.compose.order import with_dependencies

        started = with_dependencies(project, frozenset(services)) if services else project.names
        if unknown := sorted(set(self.attach) - started):
            raise UsageError(f"cannot attach to services not included in up: {', '.join(unknown)}")
        chosen = frozenset(services) if services and not self.attach_dependencies else started
        shown = frozenset(self.attach) or frozenset(name for name in chosen if project.service(name).attach)
        shown -= frozenset(self.no_attach)
        cascade = Cascade.NOTHING
        if self.abort_on_container_exit or self.exit_code_from:
            cascade = Cascade.ANY_EXIT
        elif self.abort_on_container_failure:
            cascade = Cascade.FAILURE
        awaited = frozenset(services) or shown
        return Watch(shown=shown, awaited=awaited, cascade=cascade, exit_code_from=self.exit_code_from)


@click.command("up")
@click.option("-d", "--detach", is_flag=True, help="Return when everything has started.")
@click.option("--wait", is_flag=True, help="Return when all run and are healthy; implies --detach.")
@click.option("--wait-timeout", type=click.IntRange(min=0), metavar="SECONDS", help="How long at most.")
@click.option("--force-recreate", is_flag=True, help="Replace containers that are as the file wants them.")
@click.option("--no-recreate", is_flag=True, help="Replace no container.")
@click.option("--always-recreate-deps", is_flag=True, help="Replace the containers that the others need, too.")
@click.option("--no-deps", is_flag=True, help="Leave the services alone that these need.")
@click.option("--no-start", is_flag=True, help="Only create.")
@click.option("--scale", multiple=True, metavar="SERVICE=NUM", help="Another number of containers than the file's.")
@timeout_option("Seconds between the stop signal and SIGKILL of what must be stopped.")
@click.option("--abort-on-container-exit", is_flag=True, help="Stop all when one container ends.")
@click.option("--abort-on-container-failure", is_flag=True, help="Stop all when one container ends badly.")
@click.option("--exit-code-from", default="", metavar="SERVICE", help="End with its code, and when one ends.")
@click.option("--build", is_flag=True, help="Build images before.")
@click.option("--no-build", is_flag=True, help="Build no image, even where it is missing.")
@click.option("--pull", metavar="POLICY", help="always, missing or never; else as each service says.")
@click.option("--quiet-pull", is_flag=True, help="Show no progress of pulls.")
@click.option("--quiet-build", is_flag=True, help="Show no output of builds.")
@click.option("--remove-orphans", is_flag=True, help="Remove containers of services that the file does not have.")
@click.option("-V", "--renew-anon-volumes", is_flag=True, help="Give new containers new volumes without a name.")
@click.option("--attach", multiple=True, metavar="SERVICE", help="Show the output of these alone.")
@click.option("--no-attach", multiple=True, metavar="SERVICE", help="Do not show the output of these.")
@click.option("--attach-dependencies", is_flag=True, help="Show the output of what these need, too.")
@click.option("--no-log-prefix", is_flag=True, help="No names before the lines.")
@click.option("--no-color", is_flag=True, help="No colours.")
@click.option("--timestamps", is_flag=True, help="Put its time before each line.")
@click.option("-y", "--yes", is_flag=True, help="Nothing is asked in any case.")
@click.option("-w", "--watch", is_flag=True, help="Not done.")
@click.option("--menu", is_flag=False, flag_value="true", hidden=True)
@click.option("--rerun-failed-hooks", is_flag=True, help="Run post_start hooks again that failed at an earlier up.")
@click.argument("services", nargs=-1)
@hook_options
@acting
@click.pass_obj
def up_command(
    selection: Selection, /, services: tuple[str, ...], hooks: HookWishes, settings: Settings, **given: Any
) -> None:
    """Create and start services; returns (or shows their output) when their post_start hooks have ended."""
    flags = UpFlags(**given)

    async def work(session: Session) -> int:
        flags.refuse_contradictions()
        options = flags.options(services, hooks, selection.parallel)
        project = selection.load(services)
        refuse_unknown((*services, *options.scale, *filter(None, [flags.exit_code_from])), project.names)
        if flags.is_detached:
            await act(session, selection, project, "compose.up", options, command="compose up", quiet=flags.quiet_acts)
            return 0
        return await _attached(session, selection, project, options, flags)

    run(work, settings, codes=always(ERROR))


async def _attached(
    session: Session, selection: Selection, project: Project, options: UpOptions, flags: UpFlags
) -> int:
    from boathook.cli.compose.foreground import Foreground
    from boathook.compose.showing.lines import PrefixedLines

    watch = flags.what_to_watch(project, options.services)
    lines = PrefixedLines(
        session.tell,
        write_error=lambda text: session.tell(text, err=True),
        colored=not flags.no_color and selection.display.is_colored(),
        prefix=not flags.no_log_prefix,
        timestamps=flags.timestamps,
    )
    session.timeline = session.timeline and selection.display.tells_people
    session.listeners += selection.display.listeners(project, quiet=flags.quiet_acts)
    return await Foreground(session=session, project=project, options=options, watch=watch, lines=lines).run()
