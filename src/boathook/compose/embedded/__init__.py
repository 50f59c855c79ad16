"""The place of a project's containers that needs no engine: any container runtime, and one network for all of them."""

from __future__ import annotations

from boathook.compose.embedded.place import EmbeddedPlace

__all__ = ["EmbeddedPlace"]
