"""A real Kubernetes cluster as a place: objects through its API server, programs through its exec.

Importing this costs nothing beyond the core's own libraries; lightkube (the extra ``kubernetes``) is needed only once
a cluster is opened.
"""

from __future__ import annotations

from boathook.cluster.kubernetes.cluster import KubernetesCluster, open_cluster

__all__ = ["KubernetesCluster", "open_cluster"]
