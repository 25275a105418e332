"""Features of what is beyond the middle of vocals, a candidate that no shipped model has: docs/measured/reverb.md."""

from __future__ import annotations

import numba
import numpy as np

from mixprior.stats.reverb.blind import decay_features as decay

_FRAME_S = decay._FRAME_S
_RT_S = np.exp(np.linspace(np.log(0.2), np.log(5.0), 10))
_LEAST_DB, _FLOOR_DB = -60.0, -90.0  # against the mean of the middle
_LEAST_FRAMES = 30
_SLOPE_FRAMES, _SLOPE_PERCENTILES = (8, 16, 32), np.array([10, 25, 50])
_COUNT = _RT_S.size + 3 + 3 * len(_SLOPE_FRAMES) + len(decay._MODULATION_HZ) + 1


def features(vocals: np.ndarray, rest: np.ndarray | None = None) -> np.ndarray:
    """How what is beyond the middle decays: smeared over a decay time, the middle's power follows it most closely.

    The side without its copy of the middle has a stereo reverb, and no direct sound, wherever that is panned.

    Args:
        vocals: float32, (2, samples), 44.1 kHz, one stretch.
        rest: what else sounds, likewise.

    Returns:
        float32, (211,); the last is ln of the time in s over all bands; NaN where nothing is beyond the middle.
    """
    middle, side = (vocals[0] + vocals[1]) / 2, (vocals[0] - vocals[1]) / 2
    copied = float(np.dot(middle, side)) / max(float(np.dot(middle, middle)), 1e-20)
    direct, beyond = decay.band_power(middle), decay.band_power(side - np.float32(copied) * middle)
    other = np.zeros_like(direct) if rest is None else decay.band_power((rest[0] + rest[1]) / 2)
    mean = direct.mean(1, keepdims=True) + 1e-20
    heard = np.maximum(direct / mean, 1e-9) > 10 ** (decay._MASKED_DB / 10) * np.maximum(other / mean, 1e-9)
    rows: list[np.ndarray] = []
    sums = np.zeros(_RT_S.size)
    for b in range(decay._BANDS):
        level_db = 10 * np.log10(np.maximum(beyond[b] / mean[b], 10 ** (_FLOOR_DB / 10)))
        used = heard[b] & (level_db > _LEAST_DB)
        if used.sum() < _LEAST_FRAMES:
            rows.append(np.full(_COUNT, np.nan))
            continue
        spread, gain = _distances(direct[b] / mean[b], beyond[b] / mean[b], used, _RT_S)
        sums += spread
        rows += [spread, np.array([_closest(spread), gain[spread.argmin()], spread.min()])]
        rows += [decay._percentiles(decay._slopes(level_db, frames)[0], _SLOPE_PERCENTILES) for frames in _SLOPE_FRAMES]
        rows += [decay._modulation(level_db), np.array([level_db[used].mean()])]
    over_all = _closest(sums / decay._BANDS) if sums.any() else np.nan
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
