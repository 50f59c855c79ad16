"""The console script ``docker-boathook``: what the docker CLI calls for ``docker boathook …``.

The CLI asks a program of that name for its metadata, and then calls it with its own command line: its global flags,
``boathook``, and what follows (docker/cli cli-plugins/manager). Whoever says ``docker`` means the engine, so that
``--on docker`` is the default here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, MutableMapping

METADATA = "docker-cli-plugin-metadata"
NAME = "boathook"

_SWITCHES = {"-D": "", "--debug": "", "--tls": "DOCKER_TLS", "--tlsverify": "DOCKER_TLS_VERIFY"}
"""Flags of the docker CLI that stand alone, and the variable that says the same."""

_VALUES = {
    "--config": "DOCKER_CONFIG",
    "-c": "DOCKER_CONTEXT",
    "--context": "DOCKER_CONTEXT",
    "-H": "DOCKER_HOST",
    "--host": "DOCKER_HOST",
    "-l": "",
    "--log-level": "",
}
_FILES = {"--tlscacert": "ca.pem", "--tlscert": "cert.pem", "--tlskey": "key.pem"}
"""Files that a client finds together in DOCKER_CERT_PATH, under these names."""

_FALSE = frozenset({"0", "f", "false"})
_USAGE = 1


class WrongFlag(Exception):
    """A global flag that cannot be followed."""


def run() -> None:
    """Answer the docker CLI, or run the command as ``boathook`` does."""
    if sys.argv[1:2] == [METADATA]:
        print(metadata())
        return
    try:
        arguments = command_line(sys.argv[1:], os.environ)
    except WrongFlag as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(_USAGE)
    sys.argv[:] = [f"docker {NAME}", *arguments]
    if socket := os.environ.pop("DOCKER_CLI_PLUGIN_SOCKET", ""):
        _follow(socket)
    from boathook.cli import entry

    entry.run()


def metadata() -> str:
    """What the docker CLI lists of a plug-in."""
    import json

    from boathook import __version__

    return json.dumps(
        {
            "SchemaVersion": "0.1.0",
            "Vendor": "Boathook",
            "Version": __version__,
            "ShortDescription": "Run Compose projects and pods with their lifecycle hooks",
        }
    )


def command_line(given: list[str], environment: MutableMapping[str, str]) -> list[str]:
    """What Boathook is to do; the docker CLI's own flags go to the variables that mean the same.

    Raises :class:`WrongFlag`.
    """
    environment.setdefault("BOATHOOK_ON", "docker")
    rest = list(given)
    while rest and rest[0] != NAME:
        _take_flag(rest, environment)
    return rest[1:]


def _take_flag(rest: list[str], environment: MutableMapping[str, str]) -> None:
    flag, separator, value = _split(rest.pop(0))
    if flag in _SWITCHES:
        if variable := _SWITCHES[flag]:
            environment.pop(variable, None)
            if value.lower() not in _FALSE:
                environment[variable] = "1"
        return
    if flag not in _VALUES | _FILES:
        raise WrongFlag(f"unknown flag of docker: {flag}")
    if not separator:
        if not rest:
            raise WrongFlag(f"flag of docker needs an argument: {flag}")
        value = rest.pop(0)
    if flag in _FILES:
        environment["DOCKER_CERT_PATH"] = _directory(flag, value, environment)
    elif variable := _VALUES[flag]:
        # A context given by hand wins over DOCKER_HOST, and the other way round.
        environment.pop({"DOCKER_CONTEXT": "DOCKER_HOST", "DOCKER_HOST": "DOCKER_CONTEXT"}.get(variable, ""), None)
        environment[variable] = value


def _split(word: str) -> tuple[str, str, str]:
    """``--flag=value``, and ``-Hvalue`` as well as ``-H value``."""
    if word.startswith("--") or len(word) <= 2:
        return word.partition("=")
    return word[:2], "=", word[2:].removeprefix("=")


def _directory(flag: str, path: str, environment: MutableMapping[str, str]) -> str:
    directory, name = os.path.split(os.path.abspath(path))
    if name != _FILES[flag] or environment.get("DOCKER_CERT_PATH", directory) != directory:
        raise WrongFlag(
            f'{flag} "{path}" is not supported: the files must be called {", ".join(_FILES.values())} in one directory'
        )
    return directory


def _follow(path: str) -> None:
    """End as at Ctrl-C when the docker CLI does: where it is not at a terminal, only this connection tells it."""
    import signal
    import socket
    import threading

    connection = socket.socket(socket.AF_UNIX)
    try:
        # Go writes the leading zero of an abstract address as "@".
        connection.connect("\0" + path[1:] if path.startswith("@") else path)
    except OSError:
        connection.close()
        return

    def watch(interrupt: Callable[[], None]) -> None:
        try:
            while connection.recv(1024):
                pass
        except OSError:
            pass
        interrupt()

    threading.Thread(target=watch, args=(lambda: os.kill(os.getpid(), signal.SIGINT),), daemon=True).start()
