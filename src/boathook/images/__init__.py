"""Images of the embedded runtime: references, the local store, archives, stand-ins, and the users they know."""

from __future__ import annotations

from boathook.images.model import Image, ImageConfig, PullPolicy
from boathook.images.resolver import ImageResolver
from boathook.images.standins import explain_exit
from boathook.images.store import ImageStore, StoredImage
from boathook.images.users import lookup_user

__all__ = [
    "Image",
    "ImageConfig",
    "ImageResolver",
    "ImageStore",
    "PullPolicy",
    "StoredImage",
    "explain_exit",
    "lookup_user",
]
