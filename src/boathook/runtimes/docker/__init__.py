"""Containers of an engine: Docker, or Podman by the socket that is compatible with it.

Only :mod:`boathook.runtimes.docker.engine` knows the client library, which the extra ``docker`` installs.
"""
