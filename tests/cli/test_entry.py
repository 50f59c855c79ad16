"""The console script ends the process by itself: nothing of output, exit code or other endings may be lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, sys, threading
from boathook.cli import entry, main
def command():
    atexit.register(print, "an ending")
    threading.Thread(target=lambda: (threading.main_thread().join(), print("a thread"))).start()
    print("text" * 100_000)
    {act}
main.main = command
entry.run()
"""


def ended(act: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(act=act)], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("act", "code"), [("pass", 0), ("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit('why')", 1), ("1 / 0", 1)]
)
def test_a_command_ends_with_its_own_exit_code_and_all_that_was_written(act: str, code: int) -> None:
    process = ended(act)

    assert process.returncode == code
    assert process.stdout == "text" * 100_000 + "\na thread\nan ending\n"


def test_what_nobody_reads_is_an_error_as_ever() -> None:
    process = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m boathook --help 2>&1 >/dev/full"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert process.returncode != 0


@pytest.mark.parametrize("closed", ["1", "2", "1 2"])
def test_a_command_whose_output_is_closed_from_the_start_ends_as_ever(closed: str) -> None:
    closing = " ".join(f"{one}>&-" for one in closed.split())
    program = "import sys; from boathook.cli import entry, main; main.main = lambda: sys.exit(3); entry.run()"
    command = ["sh", "-c", f'exec "$@" {closing}', "sh", sys.executable, "-c", program]

    process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (process.returncode, process.stderr) == (3, "")


@pytest.mark.parametrize("module", ["boathook.cli.main", "boathook.cli.plan"])
def test_an_interrupt_while_modules_are_imported_ends_the_command_without_a_word(module: str) -> None:
    program = f"""
import sys
from boathook.cli import entry
class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == "{module}":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
sys.argv = ["boathook", "plan", "x.yaml"]
entry.run()
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)

    assert (process.returncode, process.stdout, process.stderr) == (130, "", "")
