"""``python -m boathook``."""

from boathook.cli.entry import run

run()
