"""`python -m tools.engines [SCENARIO...]`: run some scenarios, or all, and write the table of docs/running.md."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tools.engines import rows, scenarios
from tools.evidence.__main__ import main as write

SONGS = 60


def main(names: list[str]) -> int:
    """Run scenarios, and keep their rows."""
    unknown = sorted(set(names) - set(scenarios.ALL))
    if unknown:
        sys.stderr.write(f"{', '.join(unknown)}: there are {', '.join(scenarios.ALL)}\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        bench = scenarios.Bench(Path(folder), SONGS)
        for name in names or scenarios.ALL:
            try:
                row = scenarios.ALL[name](bench)
            except scenarios.NotHere as lacking:
                sys.stderr.write(f"{name}: skipped: {lacking}\n")
                continue
            rows.keep(name, row)
            sys.stderr.write(f"{name}: {row}\n")
    return write(["engines"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
