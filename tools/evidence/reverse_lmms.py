"""Volumes and pans of LMMS projects against what was found in their mixes."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import numpy as np

from tools import ROOT
from tools.songs.lmms_settings import ROWS

DOCUMENT = ROOT / "docs" / "reverse.md"
NEAR_DB = -30.0
_DIGITS = {"gain_db": 2, "pan": 4}


def read() -> list[dict[str, str]]:
    """The rows kept of tracks within 30 dB of the mix."""
    with ROWS.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["level_db"] and float(row["level_db"]) >= NEAR_DB]


def errors(rows: Sequence[dict[str, str]]) -> np.ndarray:
    """Errors of the figures found, without sign."""
    return np.array([abs(float(row["found"]) - float(row["truth"])) for row in rows if row["found"]])


def held(rows: Sequence[dict[str, str]]) -> float:
    """Share of the figures found whose interval holds the truth."""
    half = np.array([float(row["half_width"]) for row in rows if row["found"]])
    return float(np.mean(errors(rows) <= half))


def table() -> str:
    """A line a project, and one of all."""
    rows = read()
    lines = [
        "Tracks within 30 dB of the mix.",
        "",
        "| project | not explained, dB | gains found / of | median error, dB | largest | interval holds | "
        "pans found / of | median error | largest | interval holds |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in [*dict.fromkeys(row["project"] for row in rows), ""]:
        own = [row for row in rows if name in ("", row["project"])]
        cells = [name or "all", own[0]["residual_db"] if name else ""]
        for figure, digits in _DIGITS.items():
            of = [row for row in own if row["figure"] == figure]
            sizes = errors(of)
            cells.append(f"{len(sizes)} / {len(of)}")
            cells += [f"{np.median(sizes):.{digits}f}", f"{sizes.max():.{digits}f}", f"{100 * held(of):.0f} %"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
