"""Console mixers trained with and without the loss on the mix: rows of `tools.songs.mixer_loss`."""

from __future__ import annotations

import csv

from tabulate import tabulate

from tools import ROOT
from tools.songs.mixer_loss import ROWS, RULE

DOCUMENT = ROOT / "docs" / "learned.md"
NAMES = {RULE: "the rule", "0": "controls alone", "1": "controls and mix"}
HEADS = {
    "output_gain_db": ("gains, dB", 2),
    "pan": ("places, 0 to 1", 3),
    "band_gain_db": ("shelves, dB", 2),
    "spectra": ("loss of spectra", 3),
    "features": ("loss of features", 3),
}


def read() -> list[dict[str, str]]:
    """The rows, as they are kept."""
    with ROWS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table() -> str:
    """How far mixes of the songs that chose when to stop are off, by loss and seed."""
    rows = sorted(read(), key=lambda row: (int(row["seed"]), list(NAMES).index(row["weight"])))
    lines = [
        [row["seed"], NAMES[row["weight"]], f"{row['trained']}, {row['chose']}", row["step"],
         *(f"{float(row[name]):.{digits}f}" for name, (_, digits) in HEADS.items())]
        for row in rows
    ]  # fmt: skip
    heads = ("seed", "loss", "songs: trained, chose", "step", *(head for head, _ in HEADS.values()))
    return tabulate(lines, heads, tablefmt="github", disable_numparse=True)
