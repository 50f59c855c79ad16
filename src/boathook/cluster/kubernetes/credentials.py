"""Which API server, and who we are there: the kubeconfig, read by lightkube, as an HTTP client that is let in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import httpx2

from boathook.errors import MissingExtra, PlaceError

if TYPE_CHECKING:
    from lightkube.config.kubeconfig import SingleConfig

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
"""The API server itself gives up an ordinary request after this long."""

DEFAULT = Path("~/.kube/config")
WHICH = "name another with KUBECONFIG, and see what it holds with 'kubectl config get-contexts'"


def open_client(kubeconfig: Path | None, context: str | None) -> httpx2.AsyncClient:
    """A client whose base address is the API server's. Raises ``PlaceError``, ``MissingExtra``.

    Without ``kubeconfig``: ``$KUBECONFIG``, ``~/.kube/config``, and in a pod its service account.
    """
    try:
        import msgspec
        import yaml
        from lightkube.config.client_adapter import ConnectionParams
        from lightkube.config.models import User
        from lightkube.core.exceptions import ConfigError
    except ImportError as error:
        raise MissingExtra(
            f"no client for Kubernetes: {error}", hint="install it: pip install 'boathook[kubernetes]'"
        ) from None

    file = _file(kubeconfig)
    where = "the pod's service account" if file is None else f'kubeconfig "{file}"'
    try:
        config = _chosen(file, context)
        if config.user is None:
            config = config._replace(user=User())
        timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS, pool=None)
        return httpx2.AsyncClient(
            # A watch or a followed log holds its connection for as long as it lasts.
            limits=httpx2.Limits(max_connections=None),
            **ConnectionParams(timeout=timeout).httpx_params(config),
        )
    except KeyError as error:
        _refuse(where, f"it has no {error}")
    except (ConfigError, OSError, ValueError, TypeError, AttributeError, yaml.YAMLError, msgspec.MsgspecError) as error:
        _refuse(where, str(error))


def _file(given: Path | None) -> Path | None:
    """None: there is none, and this is a pod."""
    if given is not None:
        return given
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    if len(named) > 1:
        raise PlaceError(
            f'KUBECONFIG names {len(named)} files: "{os.pathsep.join(named)}": they are not merged here',
            hint="write one file: kubectl config view --flatten > FILE",
        )
    default = DEFAULT.expanduser()
    if named or default.is_file() or "KUBERNETES_SERVICE_HOST" not in os.environ:
        return Path(named[0]) if named else default
    return None


def _chosen(file: Path | None, context: str | None) -> SingleConfig:
    from lightkube.config.kubeconfig import KubeConfig
    from lightkube.core.exceptions import ConfigError

    if file is None:
        known = KubeConfig.from_service_account()
    elif file.is_file():
        known = KubeConfig.from_file(file)
    else:
        raise ConfigError("there is no such file")
    config = known.get(context)
    if config is None:
        raise ConfigError("it has no current context")
    return config


def _refuse(where: str, why: str) -> NoReturn:
    raise PlaceError(f"{where} cannot be used: {why}", hint=WHICH) from None
