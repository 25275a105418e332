"""K. Li's rule for the equaliser on remixes, by song: `python -m tools.songs.equaliser_rule REMIXES`."""

from __future__ import annotations

import csv
import sys
from dataclasses import astuple
from pathlib import Path

from mixprior.learning.predictor import known_truth
from mixprior.learning.predictor.equaliser_rule import tested
from tools import ROOT

ROWS = ROOT / "tools" / "evidence" / "rows" / "equaliser_rule.csv"


def main(folder: str) -> int:
    """Write the rows."""
    with ROWS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("song", "off_db", "after_db", "follows"))
        for song, found in tested(known_truth.read(Path(folder))).items():
            writer.writerow((song, *(f"{value:.3f}" for value in astuple(found))))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
