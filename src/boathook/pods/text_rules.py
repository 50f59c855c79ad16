"""What is wrong with a name, a path or a number, in the API's words (``apimachinery/pkg/util/validation``). Pure.

Every function gives all that is wrong; an empty list is a good one.
"""

from __future__ import annotations

import re

LONGEST_LABEL = 63
LONGEST_SUBDOMAIN = 253
LONGEST_PORT_NAME = 15
LARGEST = 2**31 - 1
LARGEST_MODE = 0o777
MODE_RULE = "must be a number between 0 and 0777 (octal), both inclusive"

# Text and not compiled: a command that refuses nothing needs few of them.
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_VARIABLE = "[ -<>-~]+"

_USED = "regex used for validation is"
LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', {_USED} '{_LABEL}')"
)
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', {_USED} '{_SUBDOMAIN}')"
)
_QUALIFIED_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', {_USED} '{_QUALIFIED}')"
)
_LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character "
    f"(e.g. 'MyValue',  or 'my_value',  or '12345', {_USED} '{_LABEL_VALUE}')"
)
_CONFIG_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    f"(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', {_USED} '{_CONFIG_KEY}')"
)
_VARIABLE_RULE = "a valid environment variable name must consist only of printable ASCII characters other than '='"


def label_faults(name: str) -> list[str]:
    """Of a container, volume, namespace or host."""
    faults = _too_long(name, LONGEST_LABEL)
    if not re.fullmatch(_LABEL, name):
        faults.append("must not contain dots" if re.fullmatch(_SUBDOMAIN, name) else LABEL_RULE)
    return faults


def subdomain_faults(name: str) -> list[str]:
    """Of a pod, ConfigMap or Secret."""
    return _too_long(name, LONGEST_SUBDOMAIN) + ([] if re.fullmatch(_SUBDOMAIN, name) else [SUBDOMAIN_RULE])


def qualified_faults(name: str) -> list[str]:
    """Of the key of a label or annotation."""
    prefix, slash, last = name.rpartition("/")
    if "/" in prefix:
        with_prefix = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a qualified name {_QUALIFIED_RULE} {with_prefix}"]
    faults = []
    if slash:
        faults += [f"prefix part {one}" for one in (subdomain_faults(prefix) if prefix else ["must be non-empty"])]
    if not last:
        faults.append("name part must be non-empty")
    faults += [f"name part {one}" for one in _too_long(last, LONGEST_LABEL)]
    return faults + ([] if re.fullmatch(_QUALIFIED, last) else [f"name part {_QUALIFIED_RULE}"])


def label_value_faults(value: str) -> list[str]:
    long = [f"must be no more than {LONGEST_LABEL} bytes"] if len(value.encode()) > LONGEST_LABEL else []
    return long + ([] if re.fullmatch(_LABEL_VALUE, value) else [_LABEL_VALUE_RULE])


def config_key_faults(key: str) -> list[str]:
    """Of a key of a ConfigMap or Secret."""
    faults = _too_long(key, LONGEST_SUBDOMAIN) + ([] if re.fullmatch(_CONFIG_KEY, key) else [_CONFIG_KEY_RULE])
    if key in (".", ".."):
        return [*faults, f"must not be '{key}'"]
    return faults + (["must not start with '..'"] if key.startswith("..") else [])


def variable_faults(name: str) -> list[str]:
    """Of a variable of an environment, or of what is put before its name."""
    return [] if re.fullmatch(_VARIABLE, name) else [_VARIABLE_RULE]


def inner_path_faults(path: str) -> list[str]:
    """Of a path inside a volume."""
    faults = ["must be a relative path"] if path.startswith("/") else []
    return faults + back_step_faults(path)


def back_step_faults(path: str) -> list[str]:
    return ["must not contain '..'"] if ".." in path.split("/") else []


def file_path_faults(path: str) -> list[str]:
    """Of a file in a volume that is written for the pod."""
    faults = inner_path_faults(path)
    # A path that begins with a step back is told as that alone.
    reserved = path.startswith("..") and not path.startswith("../") and path != ".."
    return faults + (["must not start with '..'"] if reserved else [])


def port_faults(number: int) -> list[str]:
    return [] if 1 <= number <= 65535 else ["must be between 1 and 65535, inclusive"]


def port_name_faults(name: str) -> list[str]:
    faults = {
        f"must be no more than {LONGEST_PORT_NAME} characters": len(name) > LONGEST_PORT_NAME,
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)": not re.fullmatch("[-a-z0-9]+", name),
        "must contain at least one letter (a-z)": not re.search("[a-z]", name),
        "must not contain consecutive hyphens": "--" in name,
        "must not begin or end with a hyphen": name.startswith("-") or name.endswith("-"),
    }
    return [fault for fault, holds in faults.items() if holds]


def id_faults(number: int) -> list[str]:
    """Of a uid or gid."""
    return [] if 0 <= number <= LARGEST else [f"must be between 0 and {LARGEST}, inclusive"]


def mode_faults(mode: int) -> list[str]:
    return [] if 0 <= mode <= LARGEST_MODE else [MODE_RULE]


def _too_long(text: str, longest: int) -> list[str]:
    return [f"must be no more than {longest} characters"] if len(text) > longest else []
