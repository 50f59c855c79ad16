"""What the classes of a manifest are made of, and the parts that several of them have."""

from __future__ import annotations

from typing import Any, TypeAlias

from boathook import documents

Text: TypeAlias = str | None
Number: TypeAlias = int | None
Flag: TypeAlias = bool | None
Texts: TypeAlias = list[str] | None
Inert: TypeAlias = Any


class Fields(documents.Fields, spelling=documents.camel_case):
    """An object of the API: no field but its own, no value of another type. ``null`` means that it is not given."""


class ObjectFieldSelector(Fields):
    api_version: Text = None
    field_path: Text = None


class ResourceFieldSelector(Fields):
    container_name: Text = None
    resource: Text = None
    divisor: int | str | None = None
