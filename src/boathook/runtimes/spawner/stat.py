"""Reading /proc/PID/stat, with nothing imported that the small spawner would have to carry."""

from __future__ import annotations

import os


def fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on (the state); empty when there is no such process."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return []
    try:
        text = os.read(descriptor, 4096)
    except OSError:
        return []
    finally:
        os.close(descriptor)
    return text[text.rindex(b")") + 2 :].decode("ascii").split()


def start_time(pid: int) -> int:
    """When the process started, in ticks since boot; 0 when there is none. A zombie has one too."""
    found = fields(pid)
    return int(found[19]) if found else 0
