"""Kubernetes pods: the manifest, its lifecycle with postStart and preStop hooks, and its termination."""

from __future__ import annotations

from boathook.pods.lifecycle import PodWorker
from boathook.pods.model import Phase, Pod, PodContainer, PodFile, RestartPolicy
from boathook.pods.parse import parse_pods, pod_from_object
from boathook.pods.recovery import SETTLERS
from boathook.pods.resources import FileResources, VolumeResolver
from boathook.pods.run import PodRun, run_pod, simulate_pod

__all__ = [
    "SETTLERS",
    "FileResources",
    "Phase",
    "Pod",
    "PodContainer",
    "PodFile",
    "PodRun",
    "PodWorker",
    "RestartPolicy",
    "VolumeResolver",
    "parse_pods",
    "pod_from_object",
    "run_pod",
    "simulate_pod",
]
