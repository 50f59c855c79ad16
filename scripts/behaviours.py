"""Lists the numbered behaviours of docs/reference that no test is marked with; ``--strict`` fails when there are any.

A statement in the reference begins with its number in bold, ``**pods:11**``; one that a later release brings says
``(later)`` right behind it. A test names what it covers: ``@pytest.mark.behaviour("pods:11")``; a case that is
compared with Docker Compose has a line ``covers compose:11`` among its steps.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATEMENT = re.compile(r"\*\*([a-z]+:\d+)\*\*(\s*\(later\))?\s*(.*)")


def stated() -> dict[str, tuple[str, bool]]:
    """Number -> (statement, later) of every reference page."""
    found: dict[str, tuple[str, bool]] = {}
    for page in sorted((ROOT / "docs/reference").glob("*.md")):
        for match in STATEMENT.finditer(page.read_text()):
            found[match[1]] = (match[3], match[2] is not None)
    return found


def tested() -> set[str]:
    """Every number that a test is marked with."""
    numbers: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.behaviour"):
                numbers |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    for path in (ROOT / "tests/peers/compose-lifecycle").glob("*/steps"):
        numbers |= {
            one for line in path.read_text().splitlines() if line.startswith("covers ") for one in line.split()[1:]
        }
    return numbers


def main() -> int:
    statements, covered = stated(), tested()
    open_numbers = [n for n in statements if n not in covered]
    now = [n for n in open_numbers if not statements[n][1]]
    for title, numbers in (
        ("built, without a test", now),
        ("for a later release", [n for n in open_numbers if statements[n][1]]),
    ):
        print(f"{title}: {len(numbers)}")
        for number in numbers:
            print(f"  {number:12} {statements[number][0][:96]}")
    unknown = sorted(covered - set(statements))
    if unknown:
        print(f"marked in tests but stated nowhere: {', '.join(unknown)}")
    print(f"{len(covered & set(statements))} of {len(statements)} behaviours have a test")
    return int("--strict" in sys.argv and bool(now or unknown))


if __name__ == "__main__":
    sys.exit(main())
