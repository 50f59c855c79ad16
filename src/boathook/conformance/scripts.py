"""The small shell programs of cases: they leave a line in the shared directory for what they do. Pure.

A line says when (seconds of the machine's uptime, which all containers see alike), who, what, and with which code:
``4711.08 app preStop begin 0``. They run in BusyBox's shell as well as in Debian's.
"""

from __future__ import annotations

from boathook.model import JsonObject

SHARED = "/shared"
"""Where containers see the shared directory."""

TRACE = f't() {{ read -r now rest < /proc/uptime; echo "$now $*" >> {SHARED}/trace; }}'
"""``t app preStop begin 0`` leaves a line. The whole line is one write: lines of several writers do not mix."""

IDLE = "while :; do sleep 3600 & wait $!; done"
"""Does nothing and hears signals at once."""


def main(container: str, *, on_term: str = "exit 0", before: str = "", work: str = IDLE) -> JsonObject:
    """The command of a main process: says when it began and when SIGTERM came, and then does ``on_term``.

    ``before`` comes before anything is said. With an ``on_term`` that does not exit, SIGTERM is noticed and ignored.
    """
    trap = f"trap 't {container} main term 0; {on_term}' TERM" if on_term else f"trap 't {container} main term 0' TERM"
    return _shell(TRACE, trap, before, f"t {container} main begin 0", work)


def ignoring(container: str) -> JsonObject:
    """The command of a main process that only SIGKILL ends; it says when SIGTERM came."""
    return main(container, on_term="")


def ending(container: str, *, after: float, code: int) -> JsonObject:
    """The command of a main process that ends by itself."""
    return main(container, work=f"sleep {after:g}; t {container} main end {code}; exit {code}")


def hook(container: str, point: str, body: str = "", *, code: int = 0) -> JsonObject:
    """An exec handler that says when it began and when it ended."""
    end = f"t {container} {point} end {code}"
    return {"exec": _shell(TRACE, f"t {container} {point} begin 0", body, end, f"exit {code}" if code else "")}


def probe(container: str, kind: str, *, code: int = 0, **timing: int) -> JsonObject:
    """An exec probe that says that it was run; ``timing`` are further fields of the probe."""
    return {"exec": _shell(TRACE, f"t {container} {kind} end {code}", f"exit {code}"), **timing}


def _shell(*lines: str) -> JsonObject:
    return {"command": ["sh", "-c", "\n".join(line for line in lines if line) + "\n"]}
