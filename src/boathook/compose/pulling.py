"""Which images ``pull`` asks for, which it leaves out and why, and what a failure means (pkg/compose/pull.go)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import anyio

from boathook.compose.model import Project, Service
from boathook.compose.place import ProjectPlace
from boathook.errors import BoathookError, ImageUnavailable, UsageError
from boathook.events import EventStream, ImageProgress
from boathook.images.resolver import PULLED
from boathook.runtimes.base import PullPolicy

_POLICIES = ("", "missing", "always")


@dataclass(slots=True, kw_only=True)
class Pull:
    """One command's work."""

    place: ProjectPlace
    project: Project
    events: EventStream
    policy: str
    """Instead of what each service says; empty: as it says."""
    ignore_buildable: bool
    ignore_failures: bool
    tell: Callable[[str], None]
    _must_build: list[str] = field(default_factory=list)
    _failures: list[BoathookError] = field(default_factory=list)

    async def run(self, services: Collection[Service]) -> None:
        """Side by side; an image that several services have is asked for once. Raises the first failure."""
        if self.policy not in _POLICIES:
            raise UsageError(f'unsupported --policy value "{self.policy}"', hint="missing or always")
        asked: dict[str, str] = {}
        async with anyio.create_task_group() as tasks:
            for service in services:
                if why := self._left_out(service):
                    self.tell(f" {service.name} Skipped{why} ")
                elif service.image in asked:
                    self.tell(f" {service.name} Skipped - Image is already being pulled by {asked[service.image]} ")
                else:
                    asked[service.image] = service.name
                    tasks.start_soon(self._pull, service)
        if self._must_build:
            names = " ".join(sorted(self._must_build))
            self.tell(
                "WARNING: Some service image(s) must be built from source by running:\n"
                f"    boathook compose build {names}"
            )
        if self._failures and not self.ignore_failures:
            raise self._failures[0]

    def _left_out(self, service: Service) -> str | None:
        """Why; None: it is asked for. Empty: nothing more is said."""
        if "image" not in service.form:
            return " - No image to be pulled"
        written = self.policy or service.form.get("pull_policy")
        if written in ("never", "build"):
            return " "
        if service.build is not None and self.ignore_buildable:
            return " - Image can be built"
        return None

    async def _pull(self, service: Service) -> None:
        written = self.policy or service.form.get("pull_policy")
        missing = written in ("missing", "if_not_present")
        self._say(service, "Pulling")
        try:
            image = await self.place.pull(service, PullPolicy.IF_NOT_PRESENT if missing else PullPolicy.ALWAYS)
            if image.note:  # It is here, and no registry gives it: that is no success here.
                raise ImageUnavailable(f'image "{service.image}" could not be pulled: {image.note}')
        except BoathookError as error:
            self.tell(f" {service.name} {'Error' if service.build is None else 'Warning'} {error} ")
            if service.build is not None:
                self._must_build.append(service.name)
            else:
                self._failures.append(error)
        else:
            here = missing and image.origin != PULLED
            self._say(service, "Skipped - Image is already present locally" if here else "Pulled")

    def _say(self, service: Service, text: str) -> None:
        self.events.emit(ImageProgress(service=service.name, image=service.image, act="pull", text=text))
