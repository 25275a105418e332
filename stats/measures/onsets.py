"""Where notes start: onsets by high-frequency content, as FxNorm-automix finds them with aubio's defaults.

The function and the peak picking are re-made from their descriptions: Masri, "Computer modeling of sound for
transformation and synthesis of musical signals" (1996), for the high-frequency content; Brossier, "Automatic
annotation of musical audio for interactive applications" (2006), section 2, for the smoothed adaptive threshold.
"""

from __future__ import annotations

from functools import cache

import numba
import numpy as np

from mixprior.stats.fft import real
from mixprior.stats.fft.lanes import LANES, WIDE_LANES, all_of, load, load_short, log, root, store, times_plus
from mixprior.stats.frames import Frames
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.windows import periodic_hann

HOP = 1024
"""Samples of a frame, and from one frame to the next: frames do not overlap."""

_BINS, _BINS_AT_ONCE = HOP // 2 + 1, 27

_PAST, _FUTURE = 5, 1  # frames around the one that is judged
_MEAN_WEIGHT = 0.058  # the threshold is the median plus this much of the mean
_AUDIBLE = 1e-7  # mean square, -70 dB
_LEAST_GAP_S = 0.050
_LOW_PASS = (0.15998788597519947, 0.31997577195039895, 0.15998788597519947)
"""Numerator of `scipy.signal.butter(2, 0.34)`."""
_POLE = 0.23484048399486387
"""Its last coefficient. aubio 0.4.9 takes it for the one before; its onsets are wanted: it stands."""
_DELAY = round(4.3 * HOP)  # how far the picker looks back: from a detection to the onset before it


def find(signal: np.ndarray, gain: float = 1.0) -> np.ndarray:
    """Find the onsets of one channel.

    Args:
        signal: float32, shape (samples,), at 44.1 kHz.
        gain: factor the signal is taken at; the silence gate (-70 dB) and the log compression depend on level.

    Returns:
        Ascending sample positions, int64, shape (onsets,); empty where there is none.
    """
    finder, frames = OnsetFinder(), Frames(HOP, HOP, LANES)
    batches = [*frames.add(signal[np.newaxis]), frames.last()]
    return np.concatenate([finder.add(*(of_channel[0] for of_channel in novelty(batch, gain))) for batch in batches])


class OnsetFinder:
    """`find` in a channel that comes in frames."""

    def __init__(self) -> None:
        self._frames = self._judged = 0
        self._novelty = np.zeros(_PAST + _FUTURE)  # before the sound there is none
        self._audible = np.zeros(0, bool)
        self._last = -_LEAST_GAP_S * SAMPLE_RATE_HZ - 1.0

    @property
    def settled(self) -> int:
        """Samples from the beginning in which no more onsets will be found."""
        return max(0, (self._frames - 4) * HOP)

    def add(self, novelty: np.ndarray, audible: np.ndarray) -> np.ndarray:
        """Return the onsets that some more frames show.

        Args:
            novelty: of the frames that follow the frames before, as `novelty` returns it.
            audible: likewise.

        Returns:
            Ascending sample positions, int64, shape (onsets,).
        """
        if len(novelty) == 0:
            return np.zeros(0, np.int64)
        at_once = self._frames == 0 and bool(audible[0])
        if at_once:
            self._last = 0.0  # a sound that is there from the first frame on starts with it
        self._frames += len(novelty)
        self._novelty = np.concatenate((self._novelty, novelty))
        self._audible = np.concatenate((self._audible, audible))
        smoothing = _zero_phase_smoothing(_PAST + _FUTURE + 1)
        found, self._last = _starts(self._novelty, self._audible, smoothing, self._judged, self._last)
        judged = max(0, len(self._novelty) - _PAST - _FUTURE - 2)
        self._judged += judged
        self._novelty, self._audible = self._novelty[judged:], self._audible[judged:]
        return np.append(np.int64(0), found) if at_once else found


def novelty(frames: np.ndarray, gain: float) -> tuple[np.ndarray, np.ndarray]:
    """High-frequency content of log(1 + |X|) of every frame, and whether its mean square reaches -70 dB.

    Args:
        frames: float32, shape (channels, frames, 1024), which follow each other in memory.
        gain: factor they are taken at.

    Returns:
        float64 and bool, shape (channels, frames).
    """
    channels, count, _ = frames.shape
    content, power = np.zeros((2, channels, -(-count // LANES) * LANES), np.float32)
    _high_frequency_content(frames, np.float32(gain), _plan(), content, power)
    audible = power[:, :count] * (gain * gain / HOP) >= _AUDIBLE
    return content[:, :count].astype(np.float64), audible


@cache
def _plan() -> real.Plan:
    return real.plan(periodic_hann(HOP))


@numba.njit(cache=True, nogil=True)
def _high_frequency_content(
    frames: np.ndarray, gain: float, plan: real.Plan, content: np.ndarray, power: np.ndarray
) -> None:
    """Sum of (k + 1) log(1 + gain |X_k|) over the bins k of each frame, and the energy of its samples."""
    re, im = np.empty((2, LANES * _BINS), np.float32)
    work, one, factor = np.empty((2, LANES // 2 * HOP), np.float32), all_of(np.float32(1)), all_of(gain)
    channels, count = frames.shape[:2]
    lanes = np.empty(WIDE_LANES, np.float32)
    for channel in range(channels):
        for first in range(0, count, LANES):
            real.frames(frames[channel, first], HOP, min(LANES, count - first), plan, work, re, im)
            total = all_of(np.float32(0))
            for begin in range(0, _BINS, _BINS_AT_ONCE):  # sums of sums round less
                part = all_of(np.float32(0))
                for k in range(begin, begin + _BINS_AT_ONCE):
                    a, b = load(re, LANES * k), load(im, LANES * k)
                    magnitude = root(times_plus(a, a, b * b))
                    part = times_plus(all_of(np.float32(k + 1)), log(times_plus(factor, magnitude, one)), part)
                total = total + part
            store(content[channel], first, total)
        for k in range(count):
            samples = load_short(frames[channel, k], 0)
            total = samples * samples
            for n in range(WIDE_LANES, HOP, WIDE_LANES):
                samples = load_short(frames[channel, k], n)
                total = times_plus(samples, samples, total)
            store(lanes, 0, total)
            power[channel, k] = lanes.sum()


@numba.njit(cache=True, nogil=True)
def _starts(
    novelty: np.ndarray, audible: np.ndarray, smoothing: np.ndarray, judged: int, last: float
) -> tuple[np.ndarray, float]:
    """Pick the peaks of what is above the threshold; return them as onsets, and the last one.

    Args:
        novelty: float64, of six frames before those that are new, and of two that wait for the next ones.
        audible: of the same frames without the six.
        smoothing: matrix of `_zero_phase_smoothing`.
        judged: frames that were judged before.
        last: the last onset before.
    """
    above = np.empty(max(0, len(novelty) - _PAST - _FUTURE))
    _judge(novelty, smoothing, above)
    found = np.empty(len(above), np.int64)
    count = 0
    for k in range(len(above) - 2):
        before, middle, after = above[k], above[k + 1], above[k + 2]
        if middle > before and middle > after and middle > 0.0 and audible[k + 2]:
            # Vertex of the parabola through the three values, in frames after the first of them.
            vertex = 1.0 + 0.5 * (before - after) / (before - 2.0 * middle + after)
            position = (judged + k + 2) * HOP + np.int64(np.rint(vertex * HOP)) - _DELAY
            if position >= 0 and position - last > _LEAST_GAP_S * SAMPLE_RATE_HZ:
                found[count] = position
                last = np.float64(position)
                count += 1
    return found[:count].copy(), last


@numba.njit(nogil=True)
def _judge(novelty: np.ndarray, smoothing: np.ndarray, above: np.ndarray) -> None:
    """How far each frame's novelty, smoothed with its neighbours, is above median + weighted mean of them.

    Of the frames from the seventh value on: each element is for the frame before, the last one with a frame after it.
    """
    length = len(smoothing)
    smoothed = np.empty(length)
    for n in range(len(above)):
        total = judged = 0.0
        for place in range(length):
            value = 0.0
            for k in range(length):
                value += novelty[n + k] * smoothing[k, place]
            total += value
            if place == _PAST:
                judged = value
            at = place  # in ascending order
            while at > 0 and smoothed[at - 1] > value:
                smoothed[at] = smoothed[at - 1]
                at -= 1
            smoothed[at] = value
        above[n] = judged - smoothed[length // 2] - _MEAN_WEIGHT * total / length


@cache
def _zero_phase_smoothing(length: int) -> np.ndarray:
    """Matrix that filters a row of `length` values forward and then backward, from rest each time."""
    matrix: np.ndarray = _smoothed(_smoothed(np.eye(length))[:, ::-1])[:, ::-1]
    return matrix


def _smoothed(rows: np.ndarray) -> np.ndarray:
    """Each row through the low-pass: `scipy.signal.lfilter`, which takes half a second to load."""
    smoothed = np.empty_like(rows)
    first, second = np.zeros((2, len(rows)))
    for k, value in enumerate(rows.T):
        smoothed[:, k] = first + _LOW_PASS[0] * value
        first, second = second + value * _LOW_PASS[1] - smoothed[:, k] * _POLE, value * _LOW_PASS[2]
    return smoothed
