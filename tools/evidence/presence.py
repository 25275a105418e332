"""How well the gates of `mixprior.stats.measures.presence` tell separated stems from what separation leaves."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mixprior.stats.measures.presence import Gate
from tools import ROOT

ROWS = ROOT / "tools" / "evidence" / "rows" / "presence.csv"
SILENT_LU = -100.0
"""Stands for the level of a stem without loudness."""
CURVE_LU = (-60, -50, -45, -40, -35, -30, -25, -20, -15, -10)


@dataclass(frozen=True)
class Row:
    """A separated stem of a mixture of which it is known whether the source is in it.

    Attributes:
        source: who made the recording, or sang it; thresholds are chosen without it where it judges.
        recording: which of theirs.
        stem: name of the stem.
        is_there: whether the source is in the mixture.
        level_lu: integrated loudness of the stem against the mixture, `SILENT_LU` where it has none.
        active_ratio: share of the frames in which it is active.
    """

    source: str
    recording: str
    stem: str
    is_there: bool
    level_lu: float
    active_ratio: float


def read() -> list[Row]:
    """Read the rows that `tools.songs.presence_rows` wrote."""
    with open(ROWS, newline="", encoding="utf-8") as file:
        return [
            Row(
                row["source"],
                row["recording"],
                row["stem"],
                row["is_there"] == "1",
                float(row["level_lu"] or SILENT_LU),
                float(row["active_ratio"]),
            )
            for row in csv.DictReader(file)
        ]


def passes(row: Row, gate: Gate) -> bool:
    """Whether the gate takes the stem for present."""
    return row.level_lu >= max(gate.against_mixture_lu, SILENT_LU + 1) and row.active_ratio >= gate.active_ratio


def halfway_lu(rows: Iterable[Row]) -> float:
    """The level halfway between the 95th percentile of absent stems and the 5th of present ones."""
    absent, present = ([row.level_lu for row in rows if row.is_there == there] for there in (False, True))
    return float((np.percentile(np.maximum(absent, CURVE_LU[0]), 95) + np.percentile(present, 5)) / 2)


def area(rows: Sequence[Row]) -> float:
    """Area under the receiver-operating curve of the level: how often a present stem is louder than an absent one."""
    absent, present = (np.array([row.level_lu for row in rows if row.is_there == there]) for there in (False, True))
    above = present[:, np.newaxis] - absent
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def left_out(rows: Sequence[Row]) -> tuple[float, float, float, float]:
    """Choose the threshold without each source in turn, and judge that source.

    Returns:
        Lowest and highest threshold in LU; share of present stems called absent; share of absent ones called absent.
    """
    thresholds, wrong, right = [], [], []
    for source in sorted({row.source for row in rows}):
        others = [row for row in rows if row.source != source]
        if len({row.is_there for row in others}) < 2:
            continue
        thresholds.append(halfway_lu(others))
        called = [(row.is_there, row.level_lu < thresholds[-1]) for row in rows if row.source == source]
        wrong += [absent for there, absent in called if there]
        right += [absent for there, absent in called if not there]
    return min(thresholds), max(thresholds), float(np.mean(wrong)), float(np.mean(right))
