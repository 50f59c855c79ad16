"""What a test asks of a Compose project, whether it ran or was planned."""

from __future__ import annotations

from collections.abc import Sequence

from boathook import events as e
from boathook.compose.hook_names import find_hook, is_of
from boathook.compose.model import Project, Service
from boathook.errors import UsageError
from boathook.testing.record import Record


class ProjectRecord(Record):
    """What is known of one project.

    A hook is called ``app-1.pre_stop[0]`` by its container. ``app.pre_stop`` means the same where the service has one
    hook of that kind (of all its containers, where there are several), and ``pre_stop`` where the project has one.
    ``app`` stands for ``app-1`` in the name of a moment, where the service has had one container only.
    """

    kind = "project"

    def __init__(self, project: Project, stamped: Sequence[e.Stamped]) -> None:
        super().__init__(stamped)
        self.project = project
        """As its files were read last."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def name(self) -> str:
        return self.project.name

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was said without stopping anything: hooks that were left out or failed without consequence, orphans."""
        return tuple(one.event.finding.message for one in self._own() if isinstance(one.event, e.Noted))

    def _is_about(self, event: e.Event) -> bool:
        """What is heard is heard of one project alone."""
        return True

    def _hook_names(self, name: str) -> frozenset[str]:
        found = find_hook(self.project, name)
        containers = [found.container] if found.container else self._containers(found.service)
        return frozenset(f"{container}.{found.hook.name}" for container in containers)

    def _moment_name(self, moment: str) -> str:
        subject, _, rest = moment.partition(" ")
        service = next((one for one in self.project.services if one.name == subject), None)
        if service is not None:
            full = self._containers(service)
        elif "." in subject:
            full = sorted(self._hook_names(subject))
        else:
            return moment
        if len(full) > 1:
            names = ", ".join(f'"{one} {rest}"' for one in full)
            raise UsageError(f'"{moment}" is of several containers of project "{self.name}": say which: {names}')
        return f"{full[0]} {rest}" if full else moment

    def _containers(self, service: Service) -> list[str]:
        """Those of the service that something has happened to."""
        named = (getattr(one.event, "target", None) for one in self._own())
        names = {target.name for target in named if target is not None and target.kind == "container"}
        return sorted(name for name in names if is_of(service, name))
