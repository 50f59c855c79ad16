"""Containers of an engine: Docker, or Podman by the socket that is compatible with it.

What is asked of one goes through :mod:`boathook.runtimes.docker.engine`; its HTTP is that of h11.
"""
