"""Secrets and configs whose content is no file of the machine: they are copied in before each start."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence

from boathook.compose.model import GrantedFile
from boathook.errors import UnsupportedHere


def archive(files: Sequence[GrantedFile]) -> bytes:
    """A tar archive for the root directory. Raises ``UnsupportedHere`` for an owner that is no number."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for file in files:
            text = (file.content or "").encode()
            entry = tarfile.TarInfo(file.target.lstrip("/"))
            entry.size, entry.mode = len(text), file.mode
            entry.uid, entry.gid = _number(file, file.uid), _number(file, file.gid)
            tar.addfile(entry, io.BytesIO(text))
    return content.getvalue()


def _number(file: GrantedFile, written: str) -> int:
    if written and not written.isdigit():
        raise UnsupportedHere(f'{file.kind} "{file.source}": the owner "{written}" is no number')
    return int(written or 0)
