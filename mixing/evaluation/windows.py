"""Windows that stand for a whole song: priors are of whole songs, and so is what a user mixes.

Levels of classes in 20 s of a song are 1.7 LU off those of the song (`python -m tools.evidence excerpts`); in four such
windows, spread evenly over it, a few tenths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mixprior.stats.statistic import SAMPLE_RATE_HZ

COUNT, LENGTH_S = 4, 20.0
FADE_S = 0.01
"""At both ends of a window, so that its joints do not click."""


def starts(samples: int) -> list[int]:
    """First samples of the windows, in the middle of equal parts of a song.

    >>> [start / SAMPLE_RATE_HZ for start in starts(200 * SAMPLE_RATE_HZ)]
    [15.0, 65.0, 115.0, 165.0]
    """
    length = round(LENGTH_S * SAMPLE_RATE_HZ)
    return [round((k + 0.5) * samples / COUNT - length / 2) for k in range(COUNT)]


def is_longer(samples: int) -> bool:
    """Whether a song is longer than its windows together; a shorter one is taken whole."""
    return samples > COUNT * round(LENGTH_S * SAMPLE_RATE_HZ)


def joined(windows: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Windows of stems one after the other, faded in and out: (2, samples) by name.

    >>> made = joined([{"bass": np.ones((2, 2000), np.float32)}] * 2)["bass"]
    >>> made.shape, made[0, [0, 1000, 1999, 2000, 3000]].tolist()
    ((2, 4000), [0.0, 1.0, 0.0, 0.0, 1.0])
    """
    return {name: np.concatenate([_faded(window[name]) for window in windows], axis=1) for name in windows[0]}


def _faded(audio: np.ndarray) -> np.ndarray:
    faded = audio.copy()
    ramp = np.linspace(0, 1, round(FADE_S * SAMPLE_RATE_HZ), dtype=np.float32)
    faded[:, : ramp.size] *= ramp
    faded[:, -ramp.size :] *= ramp[::-1]
    return faded
