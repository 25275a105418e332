"""Loudness range: of EBU Tech 3342, and the 100 ms variant that seed work published under the same name."""

from __future__ import annotations

import numpy as np

from mixprior.stats.measures.loudness import ABSOLUTE_GATE_LUFS, channel_sum, lufs, short_term_lufs
from mixprior.stats.statistic import Column, Family, Statistic

_RELATIVE_GATE_LU = -20.0
_LOW, _HIGH = 0.10, 0.95


def loudness_range_lu(mean_squares: np.ndarray) -> float | None:
    """Loudness range, LRA (EBU Tech 3342: 3 s windows at 10 Hz, gates -70 LUFS and -20 LU, P95 - P10).

    Args:
        mean_squares: K-weighted, of 100 ms blocks, shape (channels, blocks) or (blocks,).

    Returns:
        Range in LU; None where fewer than two windows pass the gates. EBU calls it unstable under one minute.

    >>> loud, soft = np.full((2, 200), 0.01), np.full((2, 200), 0.001)
    >>> round(loudness_range_lu(np.hstack([loud, soft])), 2)
    10.0
    """
    return _gated_range(short_term_lufs(mean_squares))


def loudness_range_100ms_lu(mean_squares: np.ndarray) -> float | None:
    """The rule of EBU Tech 3342 on the levels of single 100 ms blocks: about twice a real LRA.

    Kelian Li's thesis code ("Vocal loudness...", src/data_collection/Comp/loudness.py) reads one hop of 0.1 s
    where the standard takes 3 s; its published mean for singing, 16.4 dB, compares with this and not with LRA.
    Arguments and returns as for `loudness_range_lu`.
    """
    return _gated_range(lufs(channel_sum(mean_squares)))


def _gated_range(levels: np.ndarray) -> float | None:
    levels = levels[levels >= ABSOLUTE_GATE_LUFS]
    if levels.size < 2:
        return None
    gate = 10 * np.log10(np.mean(10 ** (levels / 10))) + _RELATIVE_GATE_LU
    levels = np.sort(levels[levels >= gate])
    # The standard's percentiles: the nearest rank, halves rounded up.
    low, high = (int((levels.size - 1) * rank + 0.5) for rank in (_LOW, _HIGH))
    return float(levels[high] - levels[low]) if levels.size > 1 else None


STATISTIC = Statistic(
    columns=(
        Column(
            "loudness_range_lu",
            "LU",
            "Loudness range: P95 - P10 of 3 s loudness at 10 Hz, gates -70 LUFS and -20 LU (EBU Tech 3342).",
            0.05,
            title="Loudness range",
            family=Family.DYNAMICS,
        ),
        Column(
            "loudness_range_100ms_lu",
            "LU",
            "P95 - P10 of 100 ms loudness with the gates of EBU Tech 3342; not an EBU loudness range, but what "
            "Kelian Li's mixing code measures under that name.",
            0.05,
            title="Loudness range of 100 ms blocks",
            family=Family.DYNAMICS,
        ),
    ),
    rows=None,
    measure=lambda stem: {
        "loudness_range_lu": stem.loudness_range_lu,
        "loudness_range_100ms_lu": stem.loudness_range_100ms_lu,
    },
)
