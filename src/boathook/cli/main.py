"""The ``boathook`` command: a table of groups whose modules are imported only when they are used."""

from __future__ import annotations

import importlib

import click

from boathook import __version__

COMMANDS = {
    "pod": ("boathook.cli.pod", "Run, stop and list pods with their postStart and preStop hooks"),
    "compose": ("boathook.cli.compose", "Bring Compose projects up and down with their hooks"),
    "helm": ("boathook.cli.helm", "Install and uninstall charts with their hooks"),
    "backup": ("boathook.cli.backup", "Back up pods and volumes with pre and post hooks"),
    "image": ("boathook.cli.image", "Manage the images of the embedded runtime"),
    "plan": ("boathook.cli.plan", "Show what a file's hooks would do, without doing it"),
    "recover": ("boathook.cli.recover", "Settle what a crash left owing"),
    "history": ("boathook.cli.history", "List past runs"),
    "show": ("boathook.cli.show", "Show one past run with the output of its hooks"),
}


class LazyGroup(click.Group):
    """Knows its commands' names and one-line helps without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="State is kept under $BOATHOOK_HOME. Run 'boathook COMMAND --help' for a command's options.",
)
@click.version_option(__version__, prog_name="boathook", message="%(prog)s %(version)s")
def main() -> None:
    """Run, explain and record container lifecycle hooks.

    Kubernetes pods, Compose projects, Helm charts and Ark/Velero backups: the hooks you already write, run exactly as
    their own systems run them, on this machine, without a cluster or an engine.
    """
