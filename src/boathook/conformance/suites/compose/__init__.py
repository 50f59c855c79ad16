"""What hooks of Compose projects do, part by part."""

from __future__ import annotations

PARTS = ("starting", "hooks", "stopping", "changing", "commands", "pre_start", "files", "extensions")
"""The modules, in the order in which they are shown."""
