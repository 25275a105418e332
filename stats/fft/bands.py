"""Power of frames in bands of frequencies, several frames at once."""

from __future__ import annotations

import numba
import numpy as np

from mixprior.stats.fft import real
from mixprior.stats.fft.lanes import LANES, all_of, load, store, times_plus


def bins_of(weights: np.ndarray) -> np.ndarray:
    """Return the first bin of each band and the one after its last, int64, shape (bands, 2), by their weights.

    >>> bins_of(np.array([[0.0, 1.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]])).tolist()
    [[1, 3], [0, 0]]
    """
    found = [np.append(np.flatnonzero(band), -1)[[0, -2]] + (0, 1) if band.any() else (0, 0) for band in weights]
    return np.array(found)


def powers(frames: np.ndarray, hop: int, plan: real.Plan, bins: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the power of each frame in each band: the sum of |X|^2 by weights, float32, shape (bands, frames).

    Args:
        frames: float32, shape (frames, samples), neighbours in memory `hop` samples apart.
        hop: samples from one frame to the next.
        plan: of the window of the frames.
        bins: `bins_of` the weights.
        weights: float32, shape (bands, samples / 2 + 1).
    """
    found = np.empty((len(bins), -(-len(frames) // LANES) * LANES), np.float32)
    _powers(frames, hop, plan, bins, weights, found)
    return found[:, : len(frames)]


@numba.njit(cache=True, nogil=True)
def _powers(
    frames: np.ndarray, hop: int, plan: real.Plan, bins: np.ndarray, weights: np.ndarray, found: np.ndarray
) -> None:
    count, size = frames.shape
    re, im = np.empty((2, LANES * (size // 2 + 1)), np.float32)
    work = np.empty((2, LANES * size // 2), np.float32)
    for first in range(0, count, LANES):
        real.frames(frames[first], hop, min(LANES, count - first), plan, work, re, im)
        for at in range(0, re.size, LANES):
            a, b = load(re, at), load(im, at)
            store(re, at, times_plus(a, a, b * b))
        for band in range(len(bins)):
            power = all_of(np.float32(0))
            for k in range(bins[band, 0], bins[band, 1]):
                power = times_plus(all_of(weights[band, k]), load(re, LANES * k), power)
            store(found[band], first, power)
