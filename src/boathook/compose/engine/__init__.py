"""Projects in a container engine: real containers, with networks, names and ports of their own."""

from __future__ import annotations

from boathook.compose.engine.place import EnginePlace as EnginePlace
