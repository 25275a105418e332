"""How often the offset of late vocals is found, refused, and wrong (`mixprior.mixing.rules.alignment`)."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from tabulate import tabulate

from mixprior.mixing.rules.alignment import LEAST_LEAD
from tools import ROOT

ROWS = ROOT / "tools" / "evidence" / "rows" / "offsets.csv"
RIGHT_S = 0.002


@dataclass(frozen=True)
class Row:
    """A search for an offset.

    Attributes:
        part: of a song.
        case: what the vocals share with the backing.
        true_s: the offset; None where they share nothing.
        found_s: what was found; None where there was nothing to measure.
        lead: its peak over the next.
    """

    part: str
    case: str
    true_s: float | None
    found_s: float | None
    lead: float

    @property
    def outcome(self) -> str:
        """Right, refused or wrong."""
        if self.found_s is None or self.lead < LEAST_LEAD:
            return "refused"
        return "right" if self.true_s is not None and abs(self.found_s - self.true_s) <= RIGHT_S else "wrong"


def read() -> list[Row]:
    """Read the rows that `tools.songs.offset_rows` wrote."""
    with ROWS.open(encoding="utf-8", newline="") as file:
        return [
            Row(row["part"], row["case"], _number(row["true_s"]), _number(row["found_s"]), _number(row["lead"]) or 0.0)
            for row in csv.DictReader(file)
        ]


def _number(text: str) -> float | None:
    return float(text) if text else None


def table() -> str:
    """Outcomes by case."""
    rows = read()
    lines = []
    for case in dict.fromkeys(row.case for row in rows):
        of = [row for row in rows if row.case == case]
        counts = [sum(row.outcome == outcome for row in of) for outcome in ("right", "refused", "wrong")]
        lines.append(
            [case, len(of), *counts, f"{min(row.lead for row in of):.2f} to {max(row.lead for row in of):.2f}"]
        )
    right = f"right ({1000 * RIGHT_S:g} ms)"
    head = ["vocals and", "searches", right, "refused", "wrong", "peak over the next"]
    return tabulate([head, *lines], "firstrow", tablefmt="pipe", colalign=["left", *["right"] * 5])
