"""The small programs of cases' projects: they leave a line in ``./demo/trace`` for what they do. Pure.

A line says when (seconds of the machine's uptime, which all containers see alike), what, and with which code:
``4711.08 register ends 3``. They run in BusyBox's shell as well as in Debian's.
"""

from __future__ import annotations

from collections.abc import Mapping

DIRECTORY = "demo"
"""Beside the Compose file, which shows it to its containers as ``/demo``."""

SAY = """\
#!/bin/sh
# say WHAT CODE: leaves a line, with the time
read -r now rest < /proc/uptime
echo "$now $*" >> /demo/trace
"""
SERVE = """\
#!/bin/sh
# serve NAME [SECONDS [CODE]]: runs until SIGTERM, or so long
trap '/demo/say "$1" gets SIGTERM 0; exit 0' TERM
/demo/say "$1" starts 0
[ -z "$2" ] || { sleep "$2" & wait $!; exit "${3:-0}"; }
while :; do sleep 3600 & wait $!; done
"""
ENDURE = """\
#!/bin/sh
# endure NAME: runs until SIGKILL
trap '/demo/say "$1" gets SIGTERM 0' TERM
/demo/say "$1" starts 0
while :; do sleep 3600 & wait $!; done
"""
HOOK = """\
#!/bin/sh
# hook NAME [SECONDS [CODE]]: takes its time, and ends
/demo/say "$1" begins 0
sleep "${2:-0}"
/demo/say "$1" ends "${3:-0}"
exit "${3:-0}"
"""
MEET = """\
#!/bin/sh
# meet NAME COUNT: a hook that ends when so many have begun to meet, and fails when it waits in vain
/demo/say "$1" begins 0
echo "$1" >> /demo/meeting
left=300
while [ "$(wc -l < /demo/meeting)" -lt "$2" ]; do
  left=$((left - 1))
  [ "$left" -gt 0 ] || { /demo/say "$1" waits in vain 1; exit 1; }
  sleep 0.1
done
/demo/say "$1" ends 0
"""

PROGRAMS: Mapping[str, str] = {"say": SAY, "serve": SERVE, "endure": ENDURE, "hook": HOOK, "meet": MEET}
"""By the name of their file."""
