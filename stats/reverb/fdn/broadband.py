"""How the decay of all bands together departs from the target's: what a broadband reverberation time sees."""

from __future__ import annotations

import numba
import numpy as np

from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.fdn.closed_form import Target, decayed

_RANGE_DB = (-3.0, -27.0)
_SCALE, _WEIGHT = 5.0, 0.03
_FEWEST_FRAMES = 3
_PER_DB = np.log(10.0) / 10.0
_LAST_FRAMES = 6
_SLOWEST_PER_S = 0.5


class BroadbandDecay:
    """Residuals between the Schroeder curves of fit and target, over all bands of the grid, 3 to 27 dB down.

    T20 is the slope of that curve from -5 to -25 dB (ISO 3382-1), and bands count in it by their energy, while all
    cells of `closed_form.Target` count alike. A decibel here is five of a cell, and all frames together weigh 0.03 of
    the cells: more brings the reverberation times of real responses nearer still, but follows noise in the target.

    Attributes:
        weights: of the residuals, shape (frames used,); empty where the target does not decay by so much.
    """

    def __init__(self, target: Target) -> None:
        decay = energy_decay.on_grid(target.level_db)
        self._level_db, self._time_s = target.level_db, decay.times_s
        self._width_hz = np.diff(decay.edges_hz)
        nothing = np.zeros((1, target.level_db.size))
        curve = _curves_db(nothing, self._level_db, self._width_hz, self._time_s)[0]
        used = np.flatnonzero((curve <= _RANGE_DB[0]) & (curve >= _RANGE_DB[1]))
        self._used = used if used.size >= _FEWEST_FRAMES else used[:0]
        self._curve_db = curve[self._used]
        self.weights = np.full(self._used.size, _WEIGHT / max(self._used.size, 1))

    def residuals(self, differences_db: np.ndarray) -> np.ndarray:
        """Shape (candidates, frames used), of the cells' differences to the target, (candidates, bands x frames)."""
        curves = _curves_db(differences_db, self._level_db, self._width_hz, self._time_s)
        residuals: np.ndarray = _SCALE * (curves[:, self._used] - self._curve_db)
        return residuals


@numba.njit(cache=True, error_model="numpy")
def _curves_db(
    differences_db: np.ndarray, target_db: np.ndarray, width_hz: np.ndarray, time_s: np.ndarray
) -> np.ndarray:
    """Energy left after each frame against that after the first, in dB, shape (candidates, frames).

    Between frames, and after the last, power is taken to fall exponentially.
    """
    bands, frames = target_db.shape
    out = np.empty((differences_db.shape[0], frames))
    power, top_db = np.empty(frames), target_db.max()
    for c in range(differences_db.shape[0]):
        power[:] = 1e-30
        for b in range(bands):
            for k in range(frames):
                level_db = differences_db[c, b * frames + k] + target_db[b, k] - top_db
                power[k] += width_hz[b] * decayed(_PER_DB * level_db)
        before, last = frames - 1 - _LAST_FRAMES, frames - 1
        rate = np.log(power[before] / power[last]) / (time_s[last] - time_s[before])
        left = power[last] / max(rate, _SLOWEST_PER_S)
        out[c, last] = left
        for k in range(frames - 2, -1, -1):
            ratio = np.log(power[k] / power[k + 1])
            mean = power[k] if abs(ratio) < 1e-6 else (power[k] - power[k + 1]) / ratio
            left += mean * (time_s[k + 1] - time_s[k])
            out[c, k] = left
        for k in range(frames):
            out[c, k] = 10.0 * np.log10(out[c, k] / left)
    return out
