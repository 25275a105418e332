"""Measures all rows, or those that are named, and writes docs/performance.md: `python -m tools.benches [ROW...]`.

Long rows, and the tables beside them, `growth` and `profile`, are made only where they are named.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tools.benches import document, growth, measured, profile
from tools.benches.comparison import Comparison, Missing
from tools.benches.rows import ROWS
from tools.benches.timing import measure

TABLES: dict[str, Callable[[], None]] = {"growth": partial(growth.main, []), "profile": profile.main}


def main() -> int:
    """Return 1 if a row failed. Rows that need what is not here are left out with a message."""
    names = {row.row: row for row in ROWS}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join([*names, *TABLES]))
    parser.add_argument("--cuda", action="store_true", help="the rows of a GPU alone; those of the CPU without it")
    parser.add_argument("--runs", type=int, help="as often as this in place of each row's own number: to try a row")
    args = parser.parse_args()
    if unknown := set(args.rows) - set(names) - set(TABLES):
        parser.error(f"no row called {', '.join(sorted(unknown))}: there are {', '.join([*names, *TABLES])}")
    on = "cuda" if args.cuda else "cpu"
    if args.cuda and not _has_cuda():
        print("no CUDA device here: nothing was measured on a GPU")
        return 0
    chosen = [row for row in ROWS if row.on == on and (row.row in args.rows or not (args.rows or row.long))]
    failed = [row.row for row in chosen if not _measured(row, args.runs)]
    for each in ("cpu", "cuda"):
        document.write([row for row in ROWS if row.on == each], measured.read(), each)
    for name in args.rows:
        if name in TABLES:
            TABLES[name]()
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


def _measured(row: Comparison, runs: int | None) -> bool:
    """Measure and print a row; keep what was measured unless it was only tried."""
    tried = row if runs is None else replace(row, runs=runs)
    try:
        found = measured.record(tried, *measure(tried))
    except Missing as missing:
        print(f"{row.row}: left out: {missing}", flush=True)
        return True
    except RuntimeError as error:
        print(f"{row.row}: {error}", file=sys.stderr, flush=True)
        return False
    print(
        f"{row.row}: CPU {found.cpu_s[0]:.3g} / {found.cpu_s[1]:.3g} s, {found.cpu_ratio:.2f}x; "
        f"wall {found.wall_s[0]:.3g} / {found.wall_s[1]:.3g} s, {found.wall_ratio:.2f}x; {_part(row, found)}"
        f"peak {found.peak_mb[0]:.0f} / {found.peak_mb[1]:.0f} MB; off {found.off} {row.unit}",
        flush=True,
    )
    if runs is None:
        measured.keep(found)
    return True


def _part(row: Comparison, found: measured.Record) -> str:
    if found.part_s is None:
        return ""
    return f"{row.part_name} {found.part_s[0]:.3g} / {found.part_s[1]:.3g} s, {found.part_ratio:.2f}x; "


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


if __name__ == "__main__":
    sys.exit(main())
