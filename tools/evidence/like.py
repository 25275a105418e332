"""Multitracks mixed like other songs, beside matchering: `python -m tools.evidence like`, into docs/mixing.md.

The rows are those of `python -m tools.songs.like_rows`: rows/like.csv.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from tabulate import tabulate

from tools import ROOT

DOCUMENT = ROOT / "docs" / "mixing.md"
ROWS = Path(__file__).with_name("rows") / "like.csv"
FIGURES = ("spectrum_db", "loudness_lu", "class_lu", "ratio_lu", "true_peak_dbtp")
COLUMNS = ("song", "reference", "system", *FIGURES)
_HEADER = (
    *("mix", "spectrum, dB a third octave", "loudness, LU", "class levels, LU", "vocals to the rest, LU"),
    "true peak, dBTP: highest",
)


def read() -> dict[str, list[dict[str, float | None]]]:
    """The figures of each system, a row for each song and reference."""
    found: dict[str, list[dict[str, float | None]]] = {}
    with ROWS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            figures = {name: float(row[name]) if row[name] else None for name in FIGURES}
            found.setdefault(row["system"], []).append(figures)
    return found


def table() -> str:
    """Return the mean distance to the reference of each system, with the least and the greatest."""
    rows = []
    for system, cases in read().items():
        cells = [system]
        for name in FIGURES[:-1]:
            values = [value for case in cases if (value := case[name]) is not None]
            cells.append(f"{np.mean(values):.2f} ({min(values):.1f} to {max(values):.1f})")
        peaks = [value for case in cases if (value := case["true_peak_dbtp"]) is not None]
        rows.append([*cells, f"{max(peaks):+.2f}"])
    listed = tabulate(rows, _HEADER, "github", disable_numparse=True)
    return f"{_cases()}\n\n{listed}"


def _cases() -> str:
    with ROWS.open(encoding="utf-8", newline="") as file:
        cases = {(row["song"], row["reference"]) for row in csv.DictReader(file)}
    songs, references = ({case[k] for case in cases} for k in (0, 1))
    return (
        f"{len(cases)} cases: excerpts of {len(songs)} multitracks of one artist (role *calibrate*), each like one of "
        f"{len(references)} songs (role *choose*); the mean distance to that song, and the least and greatest. In one "
        "of the excerpts voices sing alone, and have no ratio."
    )
