"""Deletes a directory as root of a user namespace: ``main`` of a short-lived process. Argv: the maps, the path."""

from __future__ import annotations

import json
import sys

from boathook.runtimes.spawner.holder import enter_user_namespace
from boathook.runtimes.trees import delete


def main() -> None:
    enter_user_namespace(json.loads(sys.argv[1]))
    delete(sys.argv[2])
