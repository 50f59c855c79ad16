"""Durations on the command line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click


class Duration(click.ParamType[timedelta]):
    """A duration as Go writes it: ``5s``, ``1m30s``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        import durationpy

        try:
            duration: timedelta = durationpy.from_str(value)
        except durationpy.DurationError:
            self.fail(f'found "{value}", expected a duration such as 5s or 1m30s', param, ctx)
        if duration < timedelta(0):
            self.fail("a duration cannot be negative", param, ctx)
        return duration


class Age(click.ParamType[timedelta]):
    """An age: whole days (``30d``), or a duration as Go writes it."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        number = value.removesuffix("d") if isinstance(value, str) else ""
        if isinstance(value, str) and value.endswith("d") and number.isascii() and number.isdigit():
            try:
                return timedelta(days=int(number))
            except OverflowError:
                self.fail(f'"{value}" is too long', param, ctx)
        if not isinstance(value, str) or not value[-1:].isalpha():
            self.fail(f'found "{value}", expected an age such as 30d or 12h', param, ctx)
        return Duration().convert(value, param, ctx)
