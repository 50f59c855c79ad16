"""What a Backup document may say, in its own spelling. Fields that are known and not done yet are refused by name."""

from __future__ import annotations

from typing import Any

from boathook.documents import Fields, camel_case


class _Part(Fields, spelling=camel_case):
    """An object of the API: no field but its own, no value of another type. ``null`` means that it is not given."""


class Metadata(_Part, closed=False):
    name: str | None = None
    namespace: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Expression(_Part):
    key: str
    operator: str
    values: list[str] | None = None


class LabelSelector(_Part):
    match_labels: dict[str, str] | None = None
    match_expressions: list[Expression] | None = None


class Spec(_Part):
    included_namespaces: list[str] | None = None
    excluded_namespaces: list[str] | None = None
    label_selector: LabelSelector | None = None
    ttl: str | None = None
    default_volumes_to_fs_backup: bool | None = None
    default_volumes_to_restic: bool | None = None
    # Refused by name in parse.py, whatever they hold.
    hooks: Any = None
    included_resources: Any = None
    excluded_resources: Any = None
    include_cluster_resources: Any = None
    or_label_selectors: Any = None
    included_cluster_scoped_resources: Any = None
    excluded_cluster_scoped_resources: Any = None
    included_namespace_scoped_resources: Any = None
    excluded_namespace_scoped_resources: Any = None
    ordered_resources: Any = None
    snapshot_volumes: Any = None
    storage_location: Any = None
    volume_snapshot_locations: Any = None
    csi_snapshot_timeout: Any = None
    item_operation_timeout: Any = None
    resource_policy: Any = None
    datamover: Any = None
    snapshot_move_data: Any = None
    uploader_config: Any = None


class Backup(_Part):
    api_version: str
    kind: str
    metadata: Metadata = Metadata()
    spec: Spec = Spec()
    status: Any = None
