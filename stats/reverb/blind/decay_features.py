"""Features of the reverberation in vocals: how their octaves decay after notes end, for the networks of `estimate`."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numba
import numpy as np

from mixprior.stats.fft import bands, real
from mixprior.stats.windows import periodic_hann

SEGMENT_S = 7.8
"""Length of sound that one row of features describes."""
OCTAVES_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0)

_WINDOW = 1440  # 33 ms at 44.1 kHz
_HOP = 720
_RATE_HZ = 44_100
_FRAME_S = _HOP / _RATE_HZ
_EDGES_HZ = ((80.0, 7800.0), *((f / 2**0.5, f * 2**0.5) for f in OCTAVES_HZ), (5700.0, 7800.0))
_BANDS = len(_EDGES_HZ)
_FLOOR_DB = -90.0  # below a segment's mean level

_LEVEL_PERCENTILES = np.array([1, 5, 10, 20, 35, 50, 75, 95])
_SLOPE_FRAMES = (4, 8, 16, 32)
_SLOPE_PERCENTILES, _STRAIGHT_PERCENTILES = np.array([5, 10, 25, 50, 75]), np.array([10, 25, 50, 75])
_CLEAR_PERCENTILES, _REST_PERCENTILES = np.array([10, 50, 75]), np.array([10, 50, 90])
_SIDE_PERCENTILES, _FALL_PERCENTILES = np.array([25, 50, 90]), np.array([50, 80])
_STRAIGHT_R2 = 0.85
_LAGS = (1, 2, 3, 4, 6, 8, 11, 15, 20, 26, 34, 44)
_OFFSETS = 16
_MASKED_DB = 3.0
_CTF_RT_S = np.exp(np.linspace(np.log(0.25), np.log(5.0), 10))
_CTF_LEVELS_DB = np.linspace(-35.0, -1.0, 12)
_CTF_BANDS = (0, 2, 3, 4)
_FACTORS = 16  # whose product, each at least 1e-6 / frames, is a number


def band_weights() -> np.ndarray:
    """Share of each FFT bin in each band: shape (bands, bins), with straight flanks one bin wide."""
    bins_hz = np.arange(_WINDOW // 2 + 1) * _RATE_HZ / _WINDOW
    width_hz = _RATE_HZ / _WINDOW
    rising = [(bins_hz - low) / width_hz + 0.5 for low, _ in _EDGES_HZ]
    falling = [(high - bins_hz) / width_hz + 0.5 for _, high in _EDGES_HZ]
    return np.clip(np.minimum(rising, falling), 0, 1).astype(np.float32)


@cache
def _bands() -> tuple[real.Plan, np.ndarray, np.ndarray]:
    """Plan of the frames, and the bins and weights of the bands."""
    weights = band_weights()
    return real.plan(periodic_hann(_WINDOW)), bands.bins_of(weights), weights


def band_power(audio: np.ndarray) -> np.ndarray:
    """Power of a sound in the bands: broadband, five octaves 250 Hz to 4 kHz, and 5.7 to 7.8 kHz.

    Args:
        audio: float32, (samples,), 44.1 kHz.

    Returns:
        float64, (7, frames), a frame each 16.3 ms.
    """
    frames = np.lib.stride_tricks.sliding_window_view(np.ascontiguousarray(audio, np.float32), _WINDOW)[::_HOP]
    return bands.powers(frames, _HOP, *_bands()).astype(np.float64)


def features(vocals: np.ndarray, side: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Describe one segment.

    Args:
        vocals: power in bands of the vocals' middle (`band_power`), (7, frames).
        side: the same of its side, half the difference of its channels.
        rest: the same of what else sounds, so that tails it covers can be left out; zeros where nothing does.

    Returns:
        float32; the order is fixed by this function, and NaN stands where a number cannot be had.
    """
    mean = vocals.mean(1, keepdims=True) + 1e-20
    floor = 10 ** (_FLOOR_DB / 10)
    level_db = 10 * np.log10(np.maximum(vocals / mean, floor))
    rest_db = 10 * np.log10(np.maximum(rest / mean, floor))
    side_db = 10 * np.log10(np.maximum(side / mean, floor))
    heard = level_db > rest_db + _MASKED_DB
    rows = [_spectral_shape(mean[:, 0])]
    for b in range(_BANDS):
        rows += [
            _percentiles(level_db[b], _LEVEL_PERCENTILES),
            _percentiles(level_db[b] - rest_db[b], _REST_PERCENTILES),
        ]
        rows.append(np.array([heard[b].mean()]))
        for frames in _SLOPE_FRAMES:
            slope, straightness = _slopes(level_db[b], frames)
            falling = slope[(slope < 0)]
            straight = slope[(straightness > _STRAIGHT_R2) & (slope < -1.0)]
            clear = slope[(straightness > 0.6) & (slope < -1.0) & heard[b][: slope.size] & heard[b][frames - 1 :]]
            rows += [_percentiles(slope, _SLOPE_PERCENTILES)]
            rows += [_percentiles(straight, _STRAIGHT_PERCENTILES), _percentiles(clear, _CLEAR_PERCENTILES)]
            rows.append(np.array([falling.size / slope.size, -falling.sum() / max(slope[slope > 0].sum(), 1e-6)]))
        rows.append(_offsets(level_db[b], heard[b]))
        rows.append(_modulation(level_db[b]))
        rows += [_percentiles(side_db[b] - level_db[b], _SIDE_PERCENTILES)]
    rows.append(_ctf_features(vocals[list(_CTF_BANDS)]))
    return np.concatenate(rows).astype(np.float32)


def _percentiles(values: np.ndarray, which: np.ndarray) -> np.ndarray:
    """`np.percentile`, without its overhead, which would be most of the work here; NaN for fewer than three values."""
    return _between(np.sort(values), which)  # numpy's sort is quicker than numba's


@numba.njit(cache=True)
def _between(ordered: np.ndarray, which: np.ndarray) -> np.ndarray:
    found, last = np.full(which.size, np.nan), ordered.size - 1
    for k in range(which.size if last >= 2 else 0):
        at = which[k] / 100 * last
        low = int(at)
        share = at - low
        found[k] = ordered[low] * (1 - share) + ordered[min(low + 1, last)] * share
    return found


def _spectral_shape(mean: np.ndarray) -> np.ndarray:
    return 10 * np.log10(mean[1:] / mean[0])


@numba.njit(cache=True)
def _slopes(level_db: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Slope in dB/s and squared correlation of the straight line through each `frames` frames."""
    count = level_db.size - frames + 1
    mean, xy, yy = np.zeros((3, count))
    middle, xx = (frames - 1) / 2, frames * (frames**2 - 1) / 12
    for i in range(frames):
        for k in range(count):
            mean[k] += level_db[k + i]
    mean /= frames
    for i in range(frames):
        x = i - middle
        for k in range(count):
            y = level_db[k + i] - mean[k]
            xy[k] += x * y
            yy[k] += y * y
    slope, straightness = xy / xx / _FRAME_S, xy * xy / (xx * yy + 1e-9)
    return slope, straightness


@numba.njit(cache=True)
def _fall(level_db: np.ndarray, heard: np.ndarray, lags: np.ndarray, wanted: int) -> np.ndarray:
    """Levels at `lags` after the steepest ends of notes, until the next note begins: (offsets, lags), NaN after."""
    drop = 6  # frames over which an end is looked for
    last = lags[-1]
    score = np.full(level_db.size, -1e9)
    for k in range(level_db.size - last):
        if level_db[k] > -20.0:
            score[k] = level_db[k] - level_db[k + drop]
    out = np.full((wanted, lags.size), np.nan)
    for n in range(wanted):
        k = int(np.argmax(score))
        if score[k] < 6.0:
            break
        lowest, running = 0.0, True
        at = 0
        for lag in range(last + 1):
            fallen = level_db[k + lag] - level_db[k]
            if fallen > lowest + 6.0 or (lag > 0 and not heard[k + lag]):
                running = False
            if not running:
                break
            lowest = min(lowest, fallen)
            if at < lags.size and lag == lags[at]:
                out[n, at] = fallen
                at += 1
        score[max(0, k - 10) : k + 11] = -1e9
    return out


_LAG_ARRAY = np.array(_LAGS)


def _offsets(level_db: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Median and upper quartile of the fall after note ends, at each lag, and how many were found."""
    falls = _fall(level_db, heard, _LAG_ARRAY, _OFFSETS)
    there = np.isfinite(falls)
    summary = np.full((2, len(_LAGS)), np.nan)
    for at in range(len(_LAGS)):
        values = falls[there[:, at], at]
        summary[:, at] = _percentiles(values, _FALL_PERCENTILES)
    return np.concatenate([summary.ravel(), [float(there[:, 0].sum()), float(there[:, -4].sum())]])


_MODULATION_HZ = (0.4, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


def _modulation(level_db: np.ndarray) -> np.ndarray:
    """Share of the level's fluctuation in bands of modulation frequency, in dB of its whole."""
    level = np.maximum(level_db, -50.0)
    spectrum = np.abs(np.fft.rfft((level - level.mean()) * np.hanning(level.size))) ** 2
    at_hz = np.fft.rfftfreq(level.size, _FRAME_S)
    edges = np.searchsorted(at_hz, _MODULATION_HZ)
    energy = np.array([spectrum[a:b].sum() for a, b in pairwise(edges)]) + 1e-9
    return 10 * np.log10(np.concatenate([energy / energy.sum(), [energy.sum()]]))


@numba.njit(cache=True, fastmath=True)
def _ctf(power: np.ndarray, rt_s: np.ndarray, gains: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean log of what is left of each band after taking off an exponential tail, and the energy taken too much."""
    bands, frames = power.shape
    left = np.zeros((bands, rt_s.size, gains.size))
    over = np.zeros((bands, rt_s.size, gains.size))
    gain, tail, product, logs, excess = np.zeros((5, gains.size))
    for b in range(bands):
        total = power[b].sum() + 1e-20
        least = 1e-6 * total / frames
        for i in range(rt_s.size):
            keep = 10 ** (-6 * _FRAME_S / rt_s[i])
            gain[:] = gains * (1 - keep) / keep
            tail[:], product[:], logs[:], excess[:] = 0.0, 1.0, 0.0, 0.0
            for first in range(0, frames, _FACTORS):
                for n in range(first, min(first + _FACTORS, frames)):
                    for j in range(gains.size):
                        direct = power[b, n] - gain[j] * tail[j]
                        excess[j] += max(-direct, 0.0)
                        direct = max(direct, least)
                        product[j] *= direct / total
                        tail[j] = keep * (tail[j] + direct)
                for j in range(gains.size):
                    logs[j] += np.log(product[j])
                    product[j] = 1.0
            left[b, i] = logs / frames + np.log(frames)
            over[b, i] = excess / total
    return left, over


_CTF_GAINS = 10 ** (_CTF_LEVELS_DB / 10)


def _ctf_features(power: np.ndarray) -> np.ndarray:
    """The exponential tail that, taken off the power, leaves the sparsest vocals: a grid of decay times and levels.

    A convolutive model of the power in each band, non-negative, its kernel reduced to one exponential.
    """
    left, over = _ctf(power + 1e-12 * power.max(), _CTF_RT_S, _CTF_GAINS)
    log_rt = np.log(_CTF_RT_S)[:, None]
    rows: list[float] = []
    for penalty in (50.0, 300.0):
        cost = left + penalty * over
        for surface in (*cost, cost.sum(0)):
            i, j = np.unravel_index(surface.argmin(), surface.shape)
            weight = np.exp(-8 * (surface - surface.min()))
            weight /= weight.sum()
            rows += [float(np.log(_CTF_RT_S[i])), float(_CTF_LEVELS_DB[j]), float(surface.min())]
            rows += [float((weight * log_rt).sum()), float((weight * _CTF_LEVELS_DB).sum())]
    rows += list(np.log10(over.mean(0)[::3][:, [5, 7, 9, 11]] + 1e-7).ravel())
    rows += list(np.log10(over[:, 4][:, [5, 7, 9]] + 1e-7).ravel())
    return np.array(rows)
