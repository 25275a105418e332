"""Injects every fault of the table and writes what came of it: `python -m tools.docs.reliability`.

What is between the marks `<!-- faults -->` of docs/reliability.md is replaced.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

from tests.faults.table import FAULTS
from tests.faults.test_table import held

DOCUMENT = Path("docs/reliability.md")
MARK = "<!-- faults -->"


def results() -> dict[str, set[str]]:
    """Run the tests of the table; give the outcomes of each by its name."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [sys.executable, "-m", "pytest", "-m", "fault", "-n", "2", f"--junitxml={report.name}", "tests"]
        subprocess.run(command, check=False)
        cases = ElementTree.parse(report.name).getroot().iter("testcase")
        found: dict[str, set[str]] = defaultdict(set)
        for case in cases:
            faults = {child.tag for child in case} & {"failure", "error", "skipped"}
            found[case.attrib["name"].partition("[")[0]] |= faults or {"passed"}
    return found


def table(outcomes: dict[str, set[str]]) -> str:
    """Lay out the table."""
    lines, kept = ["| # | fault | expected | holds | tests |", "|--:|---|---|---|---|"], 0
    for number, names in held().items():
        fault, expected = FAULTS[number]
        seen = set().union(*(outcomes[name] for name in names))
        holds = (
            "yes" if seen == {"passed"} else "in part" if "passed" in seen and not seen & {"failure", "error"} else "no"
        )
        kept += holds == "yes"
        lines.append(f"| {number} | {fault} | {expected} | {holds} | {', '.join(f'`{name}`' for name in names)} |")
    return f"{kept} of {len(FAULTS)} hold.\n\n" + "\n".join(lines)


def main() -> None:
    """Write the document anew."""
    written = f"{MARK}\n{table(results())}\n{MARK}"
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(re.sub(f"{MARK}.*{MARK}", lambda _: written, text, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
