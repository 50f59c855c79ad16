"""What stands at the top level of a Compose file, in the order in which ``config`` prints it. Data."""

from __future__ import annotations

from boathook.compose.reading.problems import Problems
from boathook.compose.reading.service_shapes import labels, service, texts
from boathook.compose.reading.shapes import Kept, Shape, anything, boolean, fields, integer, items, mapping, text
from boathook.compose.reading.tree import Node
from boathook.documents.document import Path, path_text
from boathook.model import JsonValue

network = fields(
    {
        "name": text,
        "driver": text,
        "driver_opts": labels,
        "ipam": fields(
            {
                "driver": text,
                "config": items(fields({"subnet": text, "ip_range": text, "gateway": text, "aux_addresses": labels})),
                "options": labels,
            }
        ),
        "external": boolean,
        "internal": boolean,
        "attachable": boolean,
        "labels": labels,
        "enable_ipv4": Kept(boolean),
        "enable_ipv6": Kept(boolean),
    }
)
named_volume = fields({"name": text, "driver": text, "driver_opts": labels, "external": boolean, "labels": labels})
named_file = fields(
    {
        "name": text,
        "file": text,
        "environment": text,
        "content": text,
        "external": boolean,
        "labels": labels,
        "driver": text,
        "driver_opts": labels,
        "template_driver": text,
    }
)


def _granted(*origins: str) -> Shape:
    """A secret or config: from one of these, unless somebody else has made it."""

    def shape(node: Node, path: Path, problems: Problems) -> JsonValue:
        given = [one for one in origins if node.get(one) is not None]
        external = node.get("external")
        made = external is not None and external.value is not False
        if isinstance(node.value, dict) and not made and len(given) != 1:
            where, expected = path_text(path), "|".join(origins)
            message = f"{expected} attributes are mutually exclusive" if given else f"one of {expected} must be set"
            problems.error("origin", node.key.source(path), f"{where}: {message}")
        return named_file(node, path, problems)

    return shape


TOP: dict[str, Shape | Kept] = {
    "name": text,
    "services": Kept(mapping(service)),
    "networks": mapping(network, nullable=True),
    "volumes": mapping(named_volume, nullable=True),
    "secrets": mapping(_granted("file", "environment")),
    "configs": mapping(_granted("file", "environment", "content")),
    "models": mapping(fields({"name": text, "model": text, "context_size": integer, "runtime_flags": texts})),
}

top = fields({**TOP, "version": Kept(anything)})
