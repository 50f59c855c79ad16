"""What ``images`` prints. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from boathook.compose.place import ImageFacts, Member
from boathook.compose.showing.spoken import human_duration, human_size
from boathook.compose.showing.table import columns, dumps
from boathook.images.reference import InvalidReference, parse
from boathook.model import JsonValue

_HEADINGS = ("CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED")
_SHORT_ID = 12
_NONE = "<none>"

Found = Iterable[tuple[Member, ImageFacts]]


def image_table(found: Found, now: datetime) -> str:
    rows = [_HEADINGS]
    for member, facts in sorted(found, key=lambda one: one[0].name):
        repository, tag = _named(member.image)
        since = facts.tagged or facts.created
        created = f"{human_duration(now - since)} ago" if since else "N/A"
        size = human_size(facts.size) if facts.size or since else "N/A"
        short = facts.id.rpartition(":")[2][:_SHORT_ID]
        rows.append((member.name, repository or _NONE, tag or _NONE, facts.platform, short, size, created))
    return columns(rows, least=20, padding=3)


def image_json(found: Found) -> str:
    """One list. The peer's order is arbitrary; ours is that of the names."""
    listed: list[JsonValue] = []
    for member, facts in sorted(found, key=lambda one: one[0].name):
        repository, tag = _named(member.image)
        since = facts.tagged or facts.created
        listed.append(
            {
                "ID": facts.id,
                "ContainerName": member.name,
                "Repository": repository,
                "Tag": tag,
                "Platform": facts.platform,
                "Size": facts.size,
                "LastTagTime": "" if since is None else since.isoformat().replace("+00:00", "Z"),
            }
        )
    return dumps(listed)


def _named(image: str) -> tuple[str, str]:
    """Repository and tag in short; empty for what is named by its id alone."""
    if image.startswith("sha256:"):
        return "", ""
    try:
        name = parse(image)
    except InvalidReference:
        return "", ""
    return familiar(image), name.tag or ""


def familiar(image: str) -> str:
    """The repository as people write it: without the default registry, and without tag and digest."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    repository = f"{head}{slash}{last.partition(':')[0]}"
    for prefix in ("docker.io/library/", "docker.io/", "index.docker.io/library/", "index.docker.io/"):
        if repository.startswith(prefix):
            return repository.removeprefix(prefix)
    return repository
