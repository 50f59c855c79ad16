"""Where in a file a refusal points: the exact place, also where the API names only the list around it."""

from __future__ import annotations

import pytest

from boathook.errors import ManifestError
from boathook.pods import parse_pods
from boathook.pods.handler_rules import HEADER_RULE

FILE = """\
apiVersion: v1
kind: Pod
metadata: {name: demo}
spec:
  initContainers:
  - name: prepare
    image: busybox
    lifecycle:
      preStop: {exec: {command: ["true"]}}
  containers:
  - name: app
    image: busybox
    ports:
    - {name: web, containerPort: 80}
    - {name: web, containerPort: 70000}
    env:
    - name: LIMIT
      valueFrom:
        resourceFieldRef: {resource: limits.cpu, divisor: "3"}
    envFrom:
    - configMapRef: {name: settings}
    - prefix: X_
    livenessProbe:
      httpGet: {port: "8080", httpHeaders: [{name: X-Good, value: a}, {name: x_bad, value: b}]}
      successThreshold: 2
    restartPolicyRules:
    - action: Restart
      exitCodes: {operator: Above}
    volumeMounts:
    - {name: facts, mountPath: /facts, subPath: ../up}
  volumes:
  - name: facts
    downwardAPI:
      items:
      - {path: /labels, fieldRef: {fieldPath: metadata.labels}}
      - {path: cpu, resourceFieldRef: {resource: limits.cpu}}
"""

SAID = [
    "9:7: spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always",
    "11:5: spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used",
    '15:14: spec.containers[0].ports[1].name: Duplicate value: "web"',
    "15:34: spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    '19:59: spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": '
    "only divisor's values 1m and 1 are supported with the cpu resource",
    '22:7: spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
    '24:23: spec.containers[0].livenessProbe.httpGet.port: Invalid value: "8080": '
    "must contain at least one letter (a-z)",
    '24:78: spec.containers[0].livenessProbe.httpGet.httpHeaders: Invalid value: "x_bad": ' + HEADER_RULE,
    "25:25: spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
    "28:29: spec.containers[0].restartPolicyRules[0].exitCodes.operator: "
    'Unsupported value: "Above": supported values: "In", "NotIn"',
    "30:49: spec.containers[0].volumeMounts.subPath: Invalid value: \"../up\": must not contain '..'",
    '35:16: spec.volumes[0].downwardAPI.path: Invalid value: "/labels": must be a relative path',
    "36:39: spec.volumes[0].downwardAPI.resourceFieldRef.containerName: Required value",
]
"""Line, column, and what an API server says of the same pod."""


@pytest.mark.behaviour("pods:21", "pods:23")
def test_every_refusal_of_a_file_has_its_line_and_column() -> None:
    with pytest.raises(ManifestError) as refused:
        parse_pods(FILE, "pod.yaml")

    assert str(refused.value).splitlines() == [f"pod.yaml:{one}" for one in SAID]
