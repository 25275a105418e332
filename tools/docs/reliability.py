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
    """Run the tests of the table; give the outcomes of each by its name, of a skipped one the reason."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [sys.executable, "-m", "pytest", "-m", "fault", "-n", "2", f"--junitxml={report.name}", "tests"]
        subprocess.run(command, check=False)
        cases = ElementTree.parse(report.name).getroot().iter("testcase")
        found: dict[str, set[str]] = defaultdict(set)
        for case in cases:
            faults = {_outcome(child) for child in case if child.tag in ("failure", "error", "skipped")}
            found[case.attrib["name"].partition("[")[0]] |= faults or {"passed"}
    return found


def _outcome(child: ElementTree.Element) -> str:
    """What became of a test that did not pass; of one that was skipped the reason."""
    return child.attrib["message"] if child.tag == "skipped" else child.tag


def table(outcomes: dict[str, set[str]]) -> str:
    """Lay out the table."""
    lines, kept = ["| # | fault | expected | holds | tests |", "|--:|---|---|---|---|"], 0
    for number, names in held().items():
        fault, expected = FAULTS[number]
        seen = set().union(*(outcomes[name] for name in names))
        skipped = ", ".join(sorted(seen - {"passed", "failure", "error"}))
        holds = "no" if seen & {"failure", "error"} or "passed" not in seen else "in part" if skipped else "yes"
        kept += holds == "yes"
        if holds == "in part":
            holds += f": {skipped}"
        lines.append(f"| {number} | {fault} | {expected} | {holds} | {', '.join(f'`{name}`' for name in names)} |")
    in_part = "*In part*: a test of the row was skipped for the reason given; the others passed."
    return f"{kept} of {len(FAULTS)} hold. {in_part}\n\n" + "\n".join(lines)


def main() -> None:
    """Write the document anew."""
    written = f"{MARK}\n{table(results())}\n{MARK}"
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(re.sub(f"{MARK}.*{MARK}", lambda _: written, text, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
