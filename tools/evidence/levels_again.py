"""How near the level step brings raw classes to their human mix, and how far it moves the human mix, by aim."""

from __future__ import annotations

import csv
from collections import defaultdict

import numpy as np

from tools.songs.levels_again import AIMS, ROWS


def by_artist(aim: str, column: str) -> np.ndarray:
    """Distance from the human mix in LU, one number an artist."""
    found = defaultdict(list)
    with ROWS.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["aim"] == aim:
                found[row["artist"]].append(float(row[column]))
    return np.array([np.mean(each) for each in found.values()])


def table() -> str:
    """A row for each aim."""
    count = by_artist(next(iter(AIMS)), "raw_lu").size
    lines = [
        f"Distance of the levels of classes from the human mix, in LU; {count} artists, each counting once.",
        "",
        "| aim | raw classes, mixed: mean | median | human mix, mixed again: mean | median |",
        "|---|--:|--:|--:|--:|",
    ]
    for aim in AIMS:
        cells = [f(by_artist(aim, column)) for column in ("raw_lu", "mixed_lu") for f in (np.mean, np.median)]
        lines.append(f"| {aim} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")
    return "\n".join(lines)
