"""What Kubernetes accepts as one container of a pod (``pkg/apis/core/validation/validation.go``). Pure."""

from __future__ import annotations

from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping
from boathook.pods.handler_rules import PROBES, check_lifecycle, check_probe
from boathook.pods.model import MessagePolicy, RestartAction, RestartPolicy
from boathook.pods.name_rules import check_name
from boathook.pods.port_rules import check_ports
from boathook.pods.problems import FieldPath, Problems, items
from boathook.pods.resource_rules import check_resources
from boathook.pods.selector_rules import check_variables
from boathook.pods.text_rules import id_faults
from boathook.pods.volume_rules import check_mounts
from boathook.runtimes.base import PullPolicy

MOST_RULES = 20
MOST_CODES = 255

SYS_ADMIN = "CAP_SYS_ADMIN"
"""Looked for in this spelling alone: the API lets ``SYS_ADMIN`` pass."""

NOT_OF_EPHEMERAL = ("ports", *PROBES, "lifecycle", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules")
"""What a container that is put into a running pod cannot have."""


def check_container(
    container: JsonObject, at: FieldPath, names: set[str], volumes: set[str], problems: Problems
) -> None:
    """All that regular and init containers have in common."""
    check_name(container.get("name"), (*at, "name"), names, problems)
    _check_image(container.get("image"), (*at, "image"), problems)
    check_choice(container, "imagePullPolicy", tuple(PullPolicy), at, problems)
    policies = (MessagePolicy.FILE, MessagePolicy.FALLBACK_TO_LOGS)
    check_choice(container, "terminationMessagePolicy", policies, at, problems, in_order=True)
    check_choice(container, "restartPolicy", tuple(RestartPolicy), at, problems)
    _check_restart_rules(container, at, problems)
    check_ports(container, at, problems)
    check_variables(container, at, problems)
    check_mounts(container, at, volumes, problems)
    check_resources(container, at, problems)
    _check_security(mapping(container.get("securityContext")), (*at, "securityContext"), problems)


def check_choice(
    where: JsonObject,
    key: str,
    choices: tuple[str, ...],
    at: FieldPath,
    problems: Problems,
    *,
    in_order: bool = False,
) -> None:
    """A field that has a few values. ``in_order``: as :meth:`Problems.unsupported` takes it."""
    value = where.get(key)
    if isinstance(value, str) and value and value not in choices:
        problems.unsupported((*at, key), value, tuple(str(choice) for choice in choices), in_order=in_order)


def _check_image(image: JsonValue, at: FieldPath, problems: Problems) -> None:
    if not image:
        problems.required(at)
    elif isinstance(image, str) and image != image.strip():
        problems.invalid(at, image, "must not have leading or trailing whitespace")


def _check_security(security: JsonObject, at: FieldPath, problems: Problems) -> None:
    for key in ("runAsUser", "runAsGroup"):
        value = security.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            for detail in id_faults(value):
                problems.invalid((*at, key), value, detail)
    if security.get("privileged") is True and security.get("allowPrivilegeEscalation") is False:
        detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        problems.invalid(at, "", detail)
    added = mapping(security.get("capabilities")).get("add")
    if security.get("allowPrivilegeEscalation") is False and isinstance(added, list) and SYS_ADMIN in added:
        problems.invalid(at, "", f"cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` {SYS_ADMIN}")
    check_choice(security, "procMount", ("Default", "Unmasked"), at, problems)
    check_seccomp(security, at, problems)


def check_seccomp(security: JsonObject, at: FieldPath, problems: Problems) -> None:
    """The profile of a container or of the whole pod."""
    profile = mapping(security.get("seccompProfile"))
    check_choice(profile, "type", ("Localhost", "RuntimeDefault", "Unconfined"), (*at, "seccompProfile"), problems)


def check_handlers(container: JsonObject, at: FieldPath, grace: int, os_name: str, problems: Problems) -> None:
    """Hooks, stop signal and probes."""
    check_lifecycle(mapping(container.get("lifecycle")), (*at, "lifecycle"), grace, os_name, problems)
    for name in PROBES:
        if container.get(name) is not None:
            check_probe(name, mapping(container[name]), (*at, name), problems)


def check_init(container: JsonObject, at: FieldPath, grace: int, os_name: str, problems: Problems) -> None:
    """Only an init container that goes on running, a sidecar, may have hooks and probes."""
    if container.get("restartPolicy") == RestartPolicy.ALWAYS:
        check_handlers(container, at, grace, os_name, problems)
        return
    for name in ("lifecycle", *PROBES):
        if container.get(name) is not None:
            problems.forbidden((*at, name), "may not be set for init containers without restartPolicy=Always")


def check_ephemeral(container: JsonObject, at: FieldPath, problems: Problems) -> None:
    for name in NOT_OF_EPHEMERAL:
        # ``lifecycle: {}`` is one, ``resources: {}`` is none.
        if container.get(name) not in (None, "", []) and not (name == "resources" and not container[name]):
            problems.forbidden((*at, name), "cannot be set for an Ephemeral Container")


def _check_restart_rules(container: JsonObject, at: FieldPath, problems: Problems) -> None:
    """Values above 255 and none at all are let through."""
    rules = container.get("restartPolicyRules")
    if not isinstance(rules, list) or not rules:
        return
    here = (*at, "restartPolicyRules")
    if not container.get("restartPolicy"):
        problems.required((*at, "restartPolicy"), "must specify restartPolicy when restart rules are used")
    if len(rules) > MOST_RULES:
        problems.too_many(here, len(rules), MOST_RULES)
    for index, rule in items(rules):
        _check_restart_rule(rule, (*here, index), problems)


def _check_restart_rule(rule: JsonObject, at: FieldPath, problems: Problems) -> None:
    action = rule.get("action") or ""
    if isinstance(action, str) and action not in tuple(RestartAction):
        problems.unsupported((*at, "action"), action, tuple(str(one) for one in RestartAction))
    if rule.get("exitCodes") is None:
        problems.required((*at, "exitCodes"), "must be specified")
        return
    codes = mapping(rule["exitCodes"])
    operator, values = codes.get("operator") or "", codes.get("values")
    if operator not in ("In", "NotIn"):
        problems.unsupported((*at, "exitCodes", "operator"), operator, ("In", "NotIn"))
    if isinstance(values, list) and len(values) > MOST_CODES:
        problems.too_many((*at, "exitCodes", "values"), len(values), MOST_CODES)
