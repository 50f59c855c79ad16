"""Images for an owner that serves several clients: each operation resolves them as its own client was set."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from boathook.home import Home
from boathook.images import ImageResolver
from boathook.model import JsonObject
from boathook.objects import mapping
from boathook.runtimes.base import Image, PullPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """What the client's flags, environment and file said."""

    image_map: Mapping[str, str]
    offline: bool

    @classmethod
    def of(cls, settings: JsonObject) -> ImageSettings:
        image_map = {name: str(source) for name, source in mapping(settings, "image_map").items()}
        return cls(image_map=image_map, offline=settings.get("offline") is True)


image_settings: ContextVar[ImageSettings] = ContextVar("image_settings")
"""Set by each operation; the pods and projects that it starts keep it for as long as they live."""


class OwnersImages:
    """Resolves as the operation at hand was told to."""

    def __init__(self, home: Home) -> None:
        self._home = home

    async def resolve(self, reference: str, policy: PullPolicy) -> Image:
        settings = image_settings.get(ImageSettings(image_map={}, offline=False))
        resolver = ImageResolver(self._home, settings.image_map, offline=settings.offline)
        return await resolver.resolve(reference, policy)
