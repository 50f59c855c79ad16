"""Images of the embedded runtime: references, the local store, archives, stand-ins, and the users they know.

The names are imported on first use: a container's specification needs the model of an image only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boathook.images.catalogue import StoredImage
    from boathook.images.model import Image, ImageConfig, PullPolicy
    from boathook.images.resolver import ImageResolver
    from boathook.images.standins import explain_exit
    from boathook.images.store import ImageStore
    from boathook.images.users import lookup_user

_MODULES = {
    "Image": "model",
    "ImageConfig": "model",
    "ImageResolver": "resolver",
    "ImageStore": "store",
    "PullPolicy": "model",
    "StoredImage": "catalogue",
    "explain_exit": "standins",
    "lookup_user": "users",
}

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


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
