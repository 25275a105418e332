"""`python -m tools.engines`: run scenarios, all or by name, and write the table of docs/running.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tools.engines import programs, rows, scenarios
from tools.engines.programs import NotHere
from tools.evidence.__main__ import main as write


def main() -> int:
    """Run scenarios, and keep their rows."""
    parser = argparse.ArgumentParser(prog="python -m tools.engines")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(rows.ALL))
    parser.add_argument("--songs", type=int, default=60, metavar="N", help="songs of the catalog (60)")
    args = parser.parse_args()
    unknown = sorted(set(args.scenarios) - set(rows.ALL))
    if unknown:
        parser.error(f"{', '.join(unknown)}: there are {', '.join(rows.ALL)}")
    programs.main()
    with tempfile.TemporaryDirectory() as folder:
        bench = scenarios.Bench.of(Path(folder), args.songs)
        for name in args.scenarios or rows.ALL:
            try:
                row = rows.ALL[name](bench)
            except NotHere as lacking:
                sys.stderr.write(f"{name}: skipped: {lacking}\n")
                continue
            rows.keep(name, row)
            sys.stderr.write(f"{name}: {row}\n")
    return write(["engines"])


if __name__ == "__main__":
    sys.exit(main())
