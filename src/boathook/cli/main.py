"""The ``boathook`` command: a table of groups whose modules are imported only when they are used."""

from __future__ import annotations

import click

from boathook import __version__
from boathook.cli.lazy import LazyGroup

COMMANDS = {
    "pod": ("boathook.cli.pod", "Run pods with their postStart and preStop hooks, look at them and stop them"),
    "compose": ("boathook.cli.compose", "Bring Compose projects up and down with their hooks"),
    "helm": ("boathook.cli.helm", "Install and uninstall charts with their hooks"),
    "backup": ("boathook.cli.backup", "Back up pods and volumes with pre and post hooks"),
    "image": ("boathook.cli.image", "Manage the images of the embedded runtime"),
    "hook": ("boathook.cli.hook", "Run one hook of a file alone, or list its hooks"),
    "plan": ("boathook.cli.plan", "Show what a file's hooks would do, without doing it"),
    "verify": ("boathook.cli.verify", "Run the cases that show what hooks do, here or on a cluster"),
    "recover": ("boathook.cli.recover", "Settle what a crash left owing"),
    "history": ("boathook.cli.history", "List past runs, and delete old ones"),
    "show": ("boathook.cli.show", "Show one past run with the output of its hooks"),
}


@click.group(
    cls=LazyGroup,
    commands_at={name: (f"{module}:{name}", text) for name, (module, text) in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="State is kept under $BOATHOOK_HOME. Run 'boathook COMMAND --help' for a command's options.",
)
@click.version_option(__version__, prog_name="boathook", message="%(prog)s %(version)s")
def main() -> None:
    """Run, explain and record container lifecycle hooks.

    Kubernetes pods, Compose projects, Helm charts and Ark/Velero backups: the hooks you already write, run exactly as
    their own systems run them, on this machine, without a cluster or an engine.
    """
