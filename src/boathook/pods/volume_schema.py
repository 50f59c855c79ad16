"""What a manifest may say of volumes, in the API's own spelling."""

from __future__ import annotations

from typing import Annotated

from boathook.documents import Spelled
from boathook.pods.api_fields import (
    Fields,
    Flag,
    Inert,
    Number,
    ObjectFieldSelector,
    ResourceFieldSelector,
    Text,
)


class EmptyDirSource(Fields):
    medium: Text = None
    size_limit: int | str | None = None


class HostPathSource(Fields):
    path: Text = None
    type: Text = None


class KeyToPath(Fields):
    key: Text = None
    path: Text = None
    mode: Number = None


class ConfigMapSource(Fields):
    name: Text = None
    items: list[KeyToPath] | None = None
    default_mode: Number = None
    optional: Flag = None


class SecretSource(Fields):
    secret_name: Text = None
    items: list[KeyToPath] | None = None
    default_mode: Number = None
    optional: Flag = None


class ClaimSource(Fields):
    claim_name: Text = None
    read_only: Flag = None


class DownwardFile(Fields):
    path: Text = None
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    mode: Number = None


class DownwardSource(Fields):
    items: list[DownwardFile] | None = None
    default_mode: Number = None


class DownwardProjection(Fields):
    items: list[DownwardFile] | None = None


class TokenSource(Fields):
    audience: Text = None
    expiration_seconds: Number = None
    path: Text = None


class NamedSource(Fields):
    name: Text = None
    items: list[KeyToPath] | None = None
    optional: Flag = None


class Projection(Fields):
    config_map: NamedSource | None = None
    secret: NamedSource | None = None
    downward_api: Annotated[DownwardProjection | None, Spelled("downwardAPI")] = None
    service_account_token: TokenSource | None = None
    cluster_trust_bundle: Inert = None
    pod_certificate: Inert = None


class ProjectedSource(Fields):
    sources: list[Projection] | None = None
    default_mode: Number = None


class Volume(Fields):
    name: Text = None
    empty_dir: EmptyDirSource | None = None
    host_path: HostPathSource | None = None
    config_map: ConfigMapSource | None = None
    secret: SecretSource | None = None
    persistent_volume_claim: ClaimSource | None = None
    projected: ProjectedSource | None = None
    downward_api: Annotated[DownwardSource | None, Spelled("downwardAPI")] = None
    ephemeral: Inert = None
    csi: Inert = None
    image: Inert = None
    nfs: Inert = None
    iscsi: Inert = None
    fc: Inert = None
    rbd: Inert = None
    cephfs: Inert = None
    cinder: Inert = None
    glusterfs: Inert = None
    flocker: Inert = None
    flex_volume: Inert = None
    git_repo: Inert = None
    quobyte: Inert = None
    storageos: Inert = None
    scale_io: Annotated[Inert, Spelled("scaleIO")] = None
    azure_disk: Inert = None
    azure_file: Inert = None
    aws_elastic_block_store: Inert = None
    gce_persistent_disk: Inert = None
    photon_persistent_disk: Inert = None
    portworx_volume: Inert = None
    vsphere_volume: Inert = None
