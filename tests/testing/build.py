"""The pod that most tests here run or plan."""

from __future__ import annotations

from pathlib import Path

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: app
    image: busybox
    command: [sh, -c, "trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 0.1; done"]
    lifecycle:
      postStart: {exec: {command: [sh, -c, "echo out; echo err >&2"]}}
      preStop: {exec: {command: [sh, -c, "echo from the hook"]}}
"""

TWO_CONTAINERS = """\
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  containers:
  - {name: a, image: busybox, command: [sleep, inf], lifecycle: {preStop: {sleep: {seconds: 3}}}}
  - {name: b, image: busybox, command: [sleep, inf], lifecycle: {preStop: {sleep: {seconds: 2}}}}
"""


def a_file(directory: Path, text: str = POD, name: str = "pod.yaml") -> Path:
    path = directory / name
    path.write_text(text)
    return path


PROJECT = """\
name: shop
services:
  db:
    image: busybox
    command: [sh, -c, "trap 'exit 0' TERM; echo hello; while :; do sleep 0.1; done"]
    post_start:
      - command: sh -c "echo migrated; echo warned >&2"
  app:
    image: busybox
    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
    depends_on: [db]
    post_start:
      - command: sh -c "echo registered"
    pre_stop:
      - command: sh -c "echo drained"
      - command: sh -c "exit $${CODE:-0}"
"""
