"""What Kubernetes accepts as the data of ConfigMaps and Secrets (``ValidateConfigMap``, ``ValidateSecret``). Pure."""

from __future__ import annotations

import base64
import binascii

from boathook.model import Finding, JsonObject, JsonValue
from boathook.objects import mapping
from boathook.pods.problems import Problems, object_document
from boathook.pods.text_rules import config_key_faults

ENCODED = {"ConfigMap": "binaryData", "Secret": "data"}
"""Where each of them has its base64."""
PLAIN = {"ConfigMap": "data", "Secret": "stringData"}


def data_findings(obj: JsonObject) -> list[Finding]:
    """What is wrong with the data of an object of any kind that a cluster is given."""
    problems = Problems(object_document(obj))
    check_data(obj, problems)
    return problems.found


def check_data(obj: JsonObject, problems: Problems) -> None:
    """Keys become names of files and variables, so only those that can be both are let through.

    No value is shown: it may be a secret, and one that somebody forgot to encode.
    """
    kind = obj.get("kind")
    if not isinstance(kind, str) or kind not in ENCODED:
        return
    encoded, plain = ENCODED[kind], PLAIN[kind]
    for part in (plain, encoded):
        for key, value in mapping(obj.get(part)).items():
            # What stands in ``stringData`` has become ``data`` before the API looks at it.
            said = f"{'data' if kind == 'Secret' else part}[{key}]"
            for detail in config_key_faults(key):
                problems.invalid((part, key), key, detail, said=said)
            if value is not None and not isinstance(value, str):
                problems.add((part, key), "wrong-type", "expected text", said=said)
            elif part == encoded and not _is_base64(value):
                problems.add((part, key), "invalid-value", "illegal base64 data", said=said)
    if kind == "ConfigMap":
        for key in mapping(obj.get(plain)).keys() & mapping(obj.get(encoded)).keys():
            problems.invalid((plain, key), key, f"duplicate of key present in {encoded}", said=f"{plain}[{key}]")


def _is_base64(value: JsonValue) -> bool:
    """As Go's standard encoding reads it: line ends are passed over, anything else foreign is an error."""
    text = str(value or "").replace("\n", "").replace("\r", "")
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
