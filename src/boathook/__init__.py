"""Boathook runs, explains and records container lifecycle hooks of Kubernetes pods, Compose, Helm and Ark/Velero.

The names promised to library users are imported on first use, so that importing the package costs next to nothing.
"""

__version__ = "0.1.0"
