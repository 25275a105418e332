"""Features of what is beyond the middle of vocals, where a stereo reverb is without the direct sound."""

from __future__ import annotations

import numba
import numpy as np

from mixprior.stats.reverb.blind import decay_features

_FRAME_S = decay_features._FRAME_S
_RT_S = np.exp(np.linspace(np.log(0.2), np.log(5.0), 10))
_LEAST_DB, _FLOOR_DB = -60.0, -90.0  # against the mean of the middle
_LEAST_FRAMES = 30
_SLOPE_FRAMES, _SLOPE_PERCENTILES = (8, 16, 32), np.array([10, 25, 50])
_COUNT = _RT_S.size + 3 + 3 * len(_SLOPE_FRAMES) + len(decay_features._MODULATION_HZ) + 1


def beyond(middle: np.ndarray, side: np.ndarray) -> np.ndarray:
    """The side without its copy of the middle: it has a stereo reverb, and no direct sound, wherever that is panned.

    Args:
        middle: half the sum of the channels, float32, (samples,).
        side: half their difference, likewise.

    >>> beyond(np.ones(4, np.float32), np.array([0.5, 0.5, 0.5, 0.75], np.float32)).mean()
    np.float32(0.0)
    """
    copied = float(np.dot(middle, side)) / max(float(np.dot(middle, middle)), 1e-20)
    return np.asarray(side - np.float32(copied) * middle)


def features(direct: np.ndarray, beyond: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """How what is beyond the middle decays: smeared over a decay time, the middle's power follows it most closely.

    Args:
        direct: power in bands of the vocals' middle (`decay_features.band_power`), (7, frames), one stretch.
        beyond: the same of what is beyond it.
        rest: the same of the middle of what else sounds; zeros where nothing does.

    Returns:
        float32, (211,); the last is ln of the time in s over all bands; NaN where nothing is beyond the middle.
    """
    mean = direct.mean(1, keepdims=True) + 1e-20
    unmasked = np.maximum(direct / mean, 1e-9) > 10 ** (decay_features._MASKED_DB / 10) * np.maximum(rest / mean, 1e-9)
    rows: list[np.ndarray] = []
    sums = np.zeros(_RT_S.size)
    for b in range(decay_features._BANDS):
        level_db = 10 * np.log10(np.maximum(beyond[b] / mean[b], 10 ** (_FLOOR_DB / 10)))
        used = unmasked[b] & (level_db > _LEAST_DB)
        if used.sum() < _LEAST_FRAMES:
            rows.append(np.full(_COUNT, np.nan))
            continue
        spread, gain = _distances(direct[b] / mean[b], beyond[b] / mean[b], used, _RT_S)
        sums += spread
        rows += [spread, np.array([_closest(spread), gain[spread.argmin()], spread.min()])]
        rows += [
            decay_features._percentiles(decay_features._slopes(level_db, frames)[0], _SLOPE_PERCENTILES)
            for frames in _SLOPE_FRAMES
        ]
        rows += [decay_features._modulation(level_db), np.array([level_db[used].mean()])]
    over_all = _closest(sums / decay_features._BANDS) if sums.any() else np.nan
    return np.append(np.concatenate(rows), over_all).astype(np.float32)


@numba.njit(cache=True)
def _distances(
    direct: np.ndarray, wet: np.ndarray, used: np.ndarray, rt_s: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviation and mean over time of wet over smeared direct power in dB, for each decay time."""
    spread, gain = np.empty(rt_s.size), np.empty(rt_s.size)
    for i in range(rt_s.size):
        keep = 10 ** (-6 * _FRAME_S / rt_s[i])
        tail = total = squares = count = 0.0
        for n in range(direct.size):
            tail = keep * tail + direct[n]
            if used[n]:
                over_db = 10 * np.log10(wet[n] / (tail + 1e-12))
                total += over_db
                squares += over_db * over_db
                count += 1
        gain[i] = total / count
        spread[i] = np.sqrt(max(squares / count - gain[i] ** 2, 0.0))
    return spread, gain


def _closest(spread_db: np.ndarray) -> float:
    weight = np.exp(-2 * (spread_db - spread_db.min()))
    return float((weight * np.log(_RT_S)).sum() / weight.sum())
