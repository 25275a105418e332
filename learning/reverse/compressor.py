"""What is said of the compressor of a track, each number with an interval."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mixprior.learning.reverse.figure import Figure, LogFigure
from mixprior.learning.reverse.intervals import Spread
from mixprior.learning.reverse.joint import Joint

RESOLUTION = np.array([0.1, 0.01, 0.03, 0.03, 0.5, 0.05])
"""Least half widths: threshold in dB, logarithms of ratio, attack and release, knee in dB, mean reduction in dB; chosen
on Rubidium and on generated sounds."""
MOST = np.array([6.0, 0.7, 1.1, 1.1, 12.0, 3.0])
"""A figure whose interval is wider to either side is not said."""


@dataclass(frozen=True)
class CompressorFigures:
    """The compressor of a track; None for what was not found.

    Attributes:
        threshold_dbfs: of a compressor without gain after it: gains before and after cannot be distinguished.
        ratio: dB in over dB out above the threshold.
        attack_s: time constant.
        release_s: time constant.
        knee_db: width of the knee.
        reduction_db: by how much the level of the track is lower, over all that was compared.
    """

    threshold_dbfs: Figure | None
    ratio: Figure | None
    attack_s: Figure | None
    release_s: Figure | None
    knee_db: Figure | None
    reduction_db: Figure | None


def figures(joint: Joint, spread: Spread) -> dict[int, CompressorFigures]:
    """Figures of compressors by the number of the track.

    Args:
        joint: all numbers of the mix.
        spread: how sure they are.
    """
    found = {}
    for track, numbers in joint.numbers.items():
        places = np.flatnonzero(joint.owners == track)
        reduction_db, of_reduction = joint.reduction(track)
        rows = np.zeros((len(RESOLUTION), len(joint.owners)))
        rows[: len(numbers), places[-len(numbers) :]] = np.eye(len(numbers))
        rows[0, places[0]] = 1.0  # the threshold is that after the gain
        rows[-1] = of_reduction
        half = np.array([spread.half_width(row, track, of_compressor=True) for row in rows])
        values = np.append(numbers, reduction_db)
        values[0] += joint.fit.paths[track].gain_db
        found[track] = _said(values, np.hypot(half, RESOLUTION))
        if not joint.is_determined(track):
            found[track] = replace(found[track], threshold_dbfs=None, ratio=None, knee_db=None)
    return found


def _said(values: np.ndarray, half: np.ndarray) -> CompressorFigures:
    narrow = half <= MOST
    plain = [Figure(float(value), float(each)) for value, each in zip(values, half, strict=True)]
    logs = [LogFigure.of(each.value, each.half_width) for each in plain[1:4]]
    each = [plain[0], *logs, *plain[4:]]
    return CompressorFigures(*(figure if kept else None for figure, kept in zip(each, narrow, strict=True)))
