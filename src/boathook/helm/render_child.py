"""The child process in which the Helm SDK runs: one request on stdin, one reply on stdout, both JSON.

The SDK brings Go's runtime with its threads and signal handlers; here it can harm nobody, and a chart whose templates
never end is ended with the process.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

EXPONENT_FROM = 1_000_000
"""From here on Go's ``%v`` writes a float64 with an exponent: 1e+06 (strconv's shortest form counts six digits)."""

INDEXED = re.compile(r"\[\d+\]")


def main() -> int:
    """Answer the request. Whatever Go or the chart write to stdout goes to stderr instead."""
    reply_to = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    request = json.load(sys.stdin)
    try:
        import helm_python
    except ImportError as error:
        reply = {"missing": str(error)}
    else:
        try:
            reply = _answer(helm_python, request)
        except helm_python.HelmError as error:
            reply = {"error": str(error), "class": type(error).__name__}
        except OSError as error:
            reply = {"error": f"open {error.filename}: {os.strerror(error.errno or 0).lower()}", "class": "OSError"}
    with reply_to:
        json.dump(reply, reply_to)
    return 0


def _answer(helm: Any, request: dict[str, Any]) -> dict[str, Any]:
    release = request["release"]
    helm.validate_release_name(release["name"])
    with helm.Chart.load(request["chart"]) as chart:
        config, large = _user_values(helm, request["values"])
        loaded = {
            "metadata": chart.metadata,
            "linked": [str(dependency.get("name")) for dependency in chart.dependencies],
            "templates": chart.templates,
            "files": chart.files,
            "crds": chart.crds,
            "schema": chart.schema,
            "values": chart.values,
            "config": config,
            "large_integers": large,
        }
        try:
            loaded["rendered"] = _render(helm, chart, config, request)
        except helm.HelmError as error:
            loaded["render_error"] = str(error)
        return loaded


def _render(helm: Any, chart: Any, config: dict[str, Any], request: dict[str, Any]) -> dict[str, str]:
    # The public render() has no parameter for capabilities; the native call below it takes them.
    options = dict(request["release"]) | request["capabilities"]
    rendered: dict[str, str] = json.loads(
        helm._native.call_string("helm_render", chart._raw(), json.dumps(config), json.dumps(options))
    )
    return rendered


def _user_values(helm: Any, given: list[dict[str, str]]) -> tuple[dict[str, Any], list[str]]:
    """Merge files and expressions in the order in which they come: the caller has sorted them.

    Also the paths of integers of expressions that print otherwise once they are floating-point numbers: Helm keeps
    them as integers, the SDK takes values as JSON and cannot.
    """
    parsers = {
        "set-json": helm.parse_set_json,
        "set": helm.parse_set_string,
        "set-string": helm.parse_set_string_values,
        "set-file": helm.parse_set_file,
        "set-literal": helm.parse_set_literal,
    }
    merged: dict[str, Any] = {}
    large: list[str] = []
    for one in given:
        if one["source"] == "values":
            merged = merge(merged, helm.values_from_yaml(_read(one["text"])))
        else:
            indexed = INDEXED.search(one["text"]) is not None
            parsed = parsers[one["source"]](one["text"])
            large += large_integers(parsed)
            merged = merge(merged, parsed, by_index=indexed)
    return merged, large


def large_integers(values: Any, path: str = "") -> list[str]:
    """Where integers stand that Go prints with an exponent once they are floating-point numbers."""
    if isinstance(values, dict):
        return [found for key, value in values.items() for found in large_integers(value, f"{path}.{key}".strip("."))]
    if isinstance(values, list):
        return [found for number, value in enumerate(values) for found in large_integers(value, f"{path}[{number}]")]
    if isinstance(values, int) and not isinstance(values, bool) and abs(values) >= EXPONENT_FROM:
        return [path]
    return []


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def merge(under: Any, over: Any, *, by_index: bool = False) -> Any:
    """Lay ``over`` on ``under``: maps deeply, all else replaced.

    ``by_index``: lists element by element, since ``a[1]=x`` is parsed to a list whose other places are null.
    """
    if isinstance(under, dict) and isinstance(over, dict):
        shared = {
            key: merge(under[key], value, by_index=by_index) if key in under else value for key, value in over.items()
        }
        return {**under, **shared}
    if by_index and isinstance(under, list) and isinstance(over, list):
        longest = max(len(under), len(over))
        padded = under + [None] * (longest - len(under)), over + [None] * (longest - len(over))
        return [low if high is None else merge(low, high, by_index=True) for low, high in zip(*padded, strict=True)]
    return over


if __name__ == "__main__":
    sys.exit(main())
