"""What a Pod manifest may say, in the API's own spelling: every field of the API, types as strict as kubectl's.

Fields typed ``Any`` are known and not acted upon: :mod:`boathook.pods.notices` says so by name.
"""

from __future__ import annotations

from typing import Annotated, Literal

from boathook.documents import Spelled
from boathook.pods.api_fields import (
    Fields,
    Flag,
    Inert,
    Number,
    ObjectFieldSelector,
    ResourceFieldSelector,
    Text,
    Texts,
)
from boathook.pods.volume_schema import Volume


class ObjectMeta(Fields):
    name: Text = None
    generate_name: Text = None
    namespace: Text = None
    uid: Text = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    self_link: Inert = None
    resource_version: Inert = None
    generation: Inert = None
    creation_timestamp: Inert = None
    deletion_timestamp: Inert = None
    deletion_grace_period_seconds: Inert = None
    owner_references: Inert = None
    finalizers: Inert = None
    managed_fields: Inert = None


class ExecAction(Fields):
    command: Texts = None


class HttpHeader(Fields):
    name: str
    value: Text = None


class HttpGetAction(Fields):
    path: Text = None
    port: int | str | None = None
    host: Text = None
    scheme: Text = None
    http_headers: list[HttpHeader] | None = None


class TcpSocketAction(Fields):
    port: int | str | None = None
    host: Text = None


class SleepAction(Fields):
    seconds: Number = None


class GrpcAction(Fields):
    port: Number = None
    service: Text = None


class LifecycleHandler(Fields):
    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(Fields):
    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None
    stop_signal: Text = None


class Probe(Fields):
    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    grpc: GrpcAction | None = None
    initial_delay_seconds: Number = None
    timeout_seconds: Number = None
    period_seconds: Number = None
    success_threshold: Number = None
    failure_threshold: Number = None
    termination_grace_period_seconds: Number = None


class KeySelector(Fields):
    name: Text = None
    key: Text = None
    optional: Flag = None


class EnvVarSource(Fields):
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    file_key_ref: Inert = None


class EnvVar(Fields):
    name: Text = None
    value: Text = None
    value_from: EnvVarSource | None = None


class ObjectRef(Fields):
    name: Text = None
    optional: Flag = None


class EnvFromSource(Fields):
    prefix: Text = None
    config_map_ref: ObjectRef | None = None
    secret_ref: ObjectRef | None = None


class ContainerPort(Fields):
    name: Text = None
    container_port: Number = None
    host_port: Number = None
    host_ip: Annotated[Text, Spelled("hostIP")] = None
    protocol: Text = None


class VolumeMount(Fields):
    name: Text = None
    mount_path: Text = None
    read_only: Flag = None
    sub_path: Text = None
    sub_path_expr: Text = None
    mount_propagation: Inert = None
    recursive_read_only: Inert = None


class Capabilities(Fields):
    add: Texts = None
    drop: Texts = None


class ResourceRequirements(Fields):
    limits: dict[str, int | float | str] | None = None
    requests: dict[str, int | float | str] | None = None
    claims: Inert = None


class SecurityContext(Fields):
    run_as_user: Number = None
    run_as_group: Number = None
    run_as_non_root: Flag = None
    privileged: Flag = None
    allow_privilege_escalation: Flag = None
    read_only_root_filesystem: Flag = None
    capabilities: Capabilities | None = None
    seccomp_profile: Inert = None
    app_armor_profile: Inert = None
    se_linux_options: Inert = None
    windows_options: Inert = None
    proc_mount: Inert = None


class PodSecurityContext(Fields):
    run_as_user: Number = None
    run_as_group: Number = None
    run_as_non_root: Flag = None
    supplemental_groups: list[int] | None = None
    fs_group: Number = None
    supplemental_groups_policy: Inert = None
    fs_group_change_policy: Inert = None
    seccomp_profile: Inert = None
    app_armor_profile: Inert = None
    se_linux_options: Inert = None
    se_linux_change_policy: Inert = None
    windows_options: Inert = None
    sysctls: Inert = None


class RestartRuleExitCodes(Fields):
    operator: Text = None
    values: list[int] | None = None


class RestartRule(Fields):
    action: Text = None
    exit_codes: RestartRuleExitCodes | None = None


class Container(Fields):
    name: Text = None
    image: Text = None
    command: Texts = None
    args: Texts = None
    working_dir: Text = None
    ports: list[ContainerPort] | None = None
    env: list[EnvVar] | None = None
    env_from: list[EnvFromSource] | None = None
    volume_mounts: list[VolumeMount] | None = None
    lifecycle: Lifecycle | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    termination_message_path: Text = None
    termination_message_policy: Text = None
    image_pull_policy: Text = None
    security_context: SecurityContext | None = None
    resources: ResourceRequirements | None = None
    restart_policy: Text = None
    restart_policy_rules: list[RestartRule] | None = None
    resize_policy: Inert = None
    volume_devices: Inert = None
    stdin: Flag = None
    stdin_once: Flag = None
    tty: Flag = None


class HostAlias(Fields):
    ip: Text = None
    hostnames: Texts = None


class PodOs(Fields):
    name: Text = None


class PodSpec(Fields):
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    ephemeral_containers: Inert = None
    volumes: list[Volume] | None = None
    restart_policy: Text = None
    termination_grace_period_seconds: Number = None
    security_context: PodSecurityContext | None = None
    hostname: Text = None
    host_network: Flag = None
    host_aliases: list[HostAlias] | None = None
    service_account_name: Text = None
    os: PodOs | None = None
    active_deadline_seconds: Number = None
    host_ipc: Annotated[Flag, Spelled("hostIPC")] = None
    host_pid: Annotated[Flag, Spelled("hostPID")] = None
    share_process_namespace: Flag = None
    affinity: Inert = None
    automount_service_account_token: Inert = None
    dns_config: Inert = None
    dns_policy: Inert = None
    enable_service_links: Inert = None
    host_users: Inert = None
    hostname_override: Inert = None
    image_pull_secrets: Inert = None
    node_name: Inert = None
    node_selector: Inert = None
    overhead: Inert = None
    preemption_policy: Inert = None
    priority: Inert = None
    priority_class_name: Inert = None
    readiness_gates: Inert = None
    resource_claims: Inert = None
    resources: ResourceRequirements | None = None
    runtime_class_name: Inert = None
    scheduler_name: Inert = None
    scheduling_gates: Inert = None
    service_account: Inert = None
    set_hostname_as_fqdn: Annotated[Inert, Spelled("setHostnameAsFQDN")] = None
    subdomain: Inert = None
    tolerations: Inert = None
    topology_spread_constraints: Inert = None
    workload_ref: Inert = None


class Pod(Fields):
    api_version: Literal["v1"]
    kind: Literal["Pod"]
    metadata: ObjectMeta
    spec: PodSpec
    status: Inert = None
