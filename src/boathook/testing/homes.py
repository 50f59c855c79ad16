"""State directories of tests: one for the session, and in it one for each place, so that no test finds another's pods.

What is dear is shared: the images, and what was found out about this machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from boathook.home import Home
from boathook.runtimes.temporary_homes import fresh_directory, share_images
from boathook.runtimes.temporary_homes import temporary_home as place_home

__all__ = ["place_home", "session_home"]


@contextmanager
def session_home(given: Path | None) -> Iterator[Home]:
    """The directory that was given, with its own images; else a new one with the user's, deleted at the end."""
    if given is not None:
        yield Home(given.absolute()).ensure()
        return
    users = Home.find()
    with fresh_directory(Path(tempfile.gettempdir()), "boathook-tests-") as home:
        with suppress(OSError):
            users.ensure()
            share_images(users, home)
        yield home
