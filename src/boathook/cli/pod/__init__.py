"""``boathook pod``: run pods with their hooks, look at them, stop and delete them."""

from __future__ import annotations

import click

from boathook.cli.lazy import LazyGroup

COMMANDS = {
    "run": ("boathook.cli.pod.running:run_command", "Run the pods of a file with their hooks"),
    "plan": ("boathook.cli.pod.running:plan_command", "Show what a file's hooks would do, without doing it"),
    "ps": ("boathook.cli.pod.listing:ps_command", "List pods"),
    "list": ("boathook.cli.pod.listing:ps_command", ""),
    "ls": ("boathook.cli.pod.listing:ps_command", ""),
    "get": ("boathook.cli.pod.listing:get_command", "Print pods as a table, JSON or YAML"),
    "describe": ("boathook.cli.pod.listing:describe_command", "Show all that is known of a pod, its hooks included"),
    "logs": ("boathook.cli.pod.streams:logs_command", "Print what a pod's containers have written"),
    "exec": ("boathook.cli.pod.streams:exec_command", "Run a program in a container of a pod"),
    "stop": ("boathook.cli.pod.ending:stop_command", "Stop pods with their hooks, and keep their records"),
    "delete": ("boathook.cli.pod.ending:delete_command", "Stop pods with their hooks, and remove them"),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def pod() -> None:
    """Run pods with their postStart and preStop hooks, look at them, stop and delete them.

    The options are kubectl's where kubectl has the same command.
    """
