"""What a Backup document may say, in its own spelling. Fields that are known and not done yet are refused by name."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Metadata(_Part):
    model_config = ConfigDict(extra="ignore", strict=True)

    name: str | None = None
    namespace: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Expression(_Part):
    key: str
    operator: str
    values: list[str] | None = None


class LabelSelector(_Part):
    match_labels: dict[str, str] | None = Field(None, alias="matchLabels")
    match_expressions: list[Expression] | None = Field(None, alias="matchExpressions")


class Spec(_Part):
    included_namespaces: list[str] | None = Field(None, alias="includedNamespaces")
    excluded_namespaces: list[str] | None = Field(None, alias="excludedNamespaces")
    label_selector: LabelSelector | None = Field(None, alias="labelSelector")
    ttl: str | None = None
    default_volumes_to_fs_backup: bool | None = Field(None, alias="defaultVolumesToFsBackup")
    default_volumes_to_restic: bool | None = Field(None, alias="defaultVolumesToRestic")
    # Refused by name in parse.py, whatever they hold.
    hooks: Any = None
    included_resources: Any = Field(None, alias="includedResources")
    excluded_resources: Any = Field(None, alias="excludedResources")
    include_cluster_resources: Any = Field(None, alias="includeClusterResources")
    or_label_selectors: Any = Field(None, alias="orLabelSelectors")
    included_cluster_scoped: Any = Field(None, alias="includedClusterScopedResources")
    excluded_cluster_scoped: Any = Field(None, alias="excludedClusterScopedResources")
    included_namespace_scoped: Any = Field(None, alias="includedNamespaceScopedResources")
    excluded_namespace_scoped: Any = Field(None, alias="excludedNamespaceScopedResources")
    ordered_resources: Any = Field(None, alias="orderedResources")
    snapshot_volumes: Any = Field(None, alias="snapshotVolumes")
    storage_location: Any = Field(None, alias="storageLocation")
    volume_snapshot_locations: Any = Field(None, alias="volumeSnapshotLocations")
    csi_snapshot_timeout: Any = Field(None, alias="csiSnapshotTimeout")
    item_operation_timeout: Any = Field(None, alias="itemOperationTimeout")
    resource_policy: Any = Field(None, alias="resourcePolicy")
    datamover: Any = None
    snapshot_move_data: Any = Field(None, alias="snapshotMoveData")
    uploader_config: Any = Field(None, alias="uploaderConfig")


class Backup(_Part):
    api_version: str = Field(alias="apiVersion")
    kind: str
    metadata: Metadata = Metadata()
    spec: Spec = Spec()
    status: Any = None
