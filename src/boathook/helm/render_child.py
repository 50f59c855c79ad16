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
        config = _user_values(helm, request["values"])
        loaded = {
            "metadata": chart.metadata,
            "linked": [str(dependency.get("name")) for dependency in chart.dependencies],
            "templates": chart.templates,
            "files": chart.files,
            "crds": chart.crds,
            "schema": chart.schema,
            "values": chart.values,
            "config": config,
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


def _user_values(helm: Any, given: list[dict[str, str]]) -> dict[str, Any]:
    """Merge files and expressions in the order in which they come: the caller has sorted them."""
    parsers = {
        "set-json": helm.parse_set_json,
        "set": helm.parse_set_string,
        "set-string": helm.parse_set_string_values,
        "set-file": helm.parse_set_file,
        "set-literal": helm.parse_set_literal,
    }
    merged: dict[str, Any] = {}
    for one in given:
        if one["source"] == "values":
            merged = merge(merged, helm.values_from_yaml(_read(one["text"])))
        else:
            indexed = INDEXED.search(one["text"]) is not None
            merged = merge(merged, parsers[one["source"]](one["text"]), by_index=indexed)
    return merged


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def merge(under: Any, over: Any, *, by_index: bool = False) -> Any:
    """Lay ``over`` on ``under``: maps deeply, all else replaced.

    ``by_index``: lists element by element, since ``a[1]=x`` is parsed to a list whose other places are null.
    """
    if isinstance(under, dict) and isinstance(over, dict):
        shared = {key: merge(under[key], value, by_index=by_index) if key in under else value for key, value in over.items()}
        return {**under, **shared}
    if by_index and isinstance(under, list) and isinstance(over, list):
        longest = max(len(under), len(over))
        padded = under + [None] * (longest - len(under)), over + [None] * (longest - len(over))
        return [low if high is None else merge(low, high, by_index=True) for low, high in zip(*padded, strict=True)]
    return over


if __name__ == "__main__":
    sys.exit(main())
