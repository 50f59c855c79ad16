"""Where objects of a kind live in an API server: asked of it once, then remembered."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from boathook.cluster.base import ObjectKey
from boathook.cluster.kubernetes.api import Api
from boathook.errors import NotFound
from boathook.model import JsonObject
from boathook.objects import mapping, mappings, text

CORE = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a server calls a kind: ``batch/v1``, ``jobs``."""

    group_version: str
    plural: str
    namespaced: bool

    def collection(self, namespace: str | None) -> str:
        """The path of all of its objects; in every namespace when None."""
        root = f"/api/{self.group_version}" if "/" not in self.group_version else f"/apis/{self.group_version}"
        if not self.namespaced or namespace is None:
            return f"{root}/{self.plural}"
        return f"{root}/namespaces/{quote(namespace, safe='')}/{self.plural}"

    def object(self, key: ObjectKey) -> str:
        """The path of one object."""
        return f"{self.collection(key.namespace)}/{quote(key.name, safe='')}"


class Resources:
    """The kinds that a server has."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._kinds: dict[str, dict[str, Resource]] = {}
        self._versions: tuple[str, ...] | None = None

    async def of(self, kind: str, api_version: str | None = None) -> Resource:
        """Raises ``NotFound`` for a kind that the server does not have."""
        if api_version is not None:
            found = (await self._of_version(api_version)).get(kind)
            if found is None:
                raise NotFound(f'no matches for kind "{kind}" in version "{api_version}"')
            return found
        core = (await self._of_version(CORE)).get(kind)
        if core is not None:
            return core
        for version in await self._group_versions():
            found = (await self._of_version(version)).get(kind)
            if found is not None:
                return found
        raise NotFound(f'no matches for kind "{kind}"')

    async def _of_version(self, group_version: str) -> dict[str, Resource]:
        if group_version not in self._kinds:
            path = f"/api/{group_version}" if "/" not in group_version else f"/apis/{group_version}"
            try:
                listed = mappings((await self._api.get(path)).get("resources"))
            except NotFound:
                return {}
            # A name with a slash is a part of an object (pods/log), not a kind of its own.
            self._kinds[group_version] = {
                text(one, "kind"): _resource(one, group_version) for one in listed if "/" not in text(one, "name")
            }
        return self._kinds[group_version]

    async def _group_versions(self) -> tuple[str, ...]:
        """What each API group prefers to be spoken to."""
        if self._versions is None:
            groups = mappings((await self._api.get("/apis")).get("groups"))
            self._versions = tuple(text(mapping(group, "preferredVersion"), "groupVersion") for group in groups)
        return self._versions


def _resource(listed: JsonObject, group_version: str) -> Resource:
    return Resource(
        group_version=group_version, plural=text(listed, "name"), namespaced=listed.get("namespaced") is True
    )
