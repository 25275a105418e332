"""How far spectrum and width of raw classes are from those of their human mix, in free projects of role `calibrate`."""

from __future__ import annotations

import csv

import numpy as np

from tools.songs.raw_and_mixed import ROWS


def table() -> str:
    """A row for each class."""
    with ROWS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = [
        "| class | projects | spectrum, dB a band: median | root mean square | largest | mid energy, likewise |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for of in ("drums", "bass", "other"):
        own = [row for row in rows if row["class"] == of]
        changes_db = np.array([float(row["third_octave_db"]) for row in own])
        widths = np.array([float(row["mid_mixed"]) - float(row["mid_raw"]) for row in own])
        numbers = (np.median(changes_db), np.sqrt(np.square(changes_db).mean()), changes_db.max())
        width = np.sqrt(np.square(widths).mean())
        lines.append(f"| {of} | {len(own)} | {' | '.join(f'{each:.1f}' for each in numbers)} | {width:.2f} |")
    return "\n".join(lines) + "\n"
