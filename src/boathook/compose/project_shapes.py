"""What stands at the top level of a Compose file, in the order in which ``config`` prints it. Data."""

from __future__ import annotations

from boathook.compose.service_shapes import labels, service, texts
from boathook.compose.shapes import Kept, Shape, anything, boolean, fields, integer, items, mapping, text

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

TOP: dict[str, Shape | Kept] = {
    "name": text,
    "services": Kept(mapping(service)),
    "networks": mapping(network, nullable=True),
    "volumes": mapping(named_volume, nullable=True),
    "secrets": mapping(named_file),
    "configs": mapping(named_file),
    "models": mapping(fields({"name": text, "model": text, "context_size": integer, "runtime_flags": texts})),
}

top = fields({**TOP, "version": Kept(anything)})
