"""Where notes start: onsets by high-frequency content, as FxNorm-automix finds them with aubio's defaults.

The function and the peak picking are re-made from their descriptions: Masri, "Computer modeling of sound for
transformation and synthesis of musical signals" (1996), for the high-frequency content; Brossier, "Automatic
annotation of musical audio for interactive applications" (2006), section 2, for the smoothed adaptive threshold.
"""

from __future__ import annotations

from functools import cache

import numba
import numpy as np
import scipy

from mixprior.stats.fft import real
from mixprior.stats.fft.lanes import LANES, all_of, load, log, root, store
from mixprior.stats.frames import Frames
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.windows import periodic_hann

HOP = 1024
"""Samples of a frame, and from one frame to the next: frames do not overlap."""

_BINS, _BINS_AT_ONCE = HOP // 2 + 1, 27
FRAMES_AT_ONCE = 64

_PAST, _FUTURE = 5, 1  # frames around the one that is judged
_MEAN_WEIGHT = 0.058  # the threshold is the median plus this much of the mean
_SILENCE_DB = -70.0
_LEAST_GAP_S = 0.050
_DELAY = round(4.3 * HOP)  # how far the picker looks back: from a detection to the onset before it


def find(signal: np.ndarray, gain: float = 1.0) -> np.ndarray:
    """Find the onsets of one channel.

    Args:
        signal: float32, shape (samples,), at 44.1 kHz.
        gain: factor the signal is taken at; the silence gate (-70 dB) and the log compression depend on level.

    Returns:
        Ascending sample positions, int64, shape (onsets,); empty where there is none.
    """
    finder, frames = OnsetFinder(), Frames(HOP, HOP, FRAMES_AT_ONCE)
    batches = [*frames.add(signal[np.newaxis]), frames.last()]
    return np.concatenate([finder.add(batch[0], gain) for batch in batches])


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

    def add(self, frames: np.ndarray, gain: float) -> np.ndarray:
        """Return the onsets that some more frames show.

        Args:
            frames: float32, shape (frames, 1024): what follows the frames before.
            gain: as `find` takes it.

        Returns:
            Ascending sample positions, int64, shape (onsets,).
        """
        if len(frames) == 0:
            return np.zeros(0, np.int64)
        novelty, level_db = _novelty(frames, gain)
        audible = level_db >= _SILENCE_DB
        starts = []
        if self._frames == 0 and audible[0]:
            starts.append(0)  # a sound that is there from the first frame on starts with it
            self._last = 0.0
        self._frames += len(frames)
        self._novelty = np.concatenate([self._novelty, novelty])
        self._audible = np.concatenate([self._audible, audible])
        for position in self._detected() - _DELAY:
            if position >= 0 and position - self._last > _LEAST_GAP_S * SAMPLE_RATE_HZ:
                starts.append(position)
                self._last = position
        return np.array(starts, np.int64)

    def _detected(self) -> np.ndarray:
        above = _above_threshold(self._novelty)
        before, middle, after = above[:-2], above[1:-1], above[2:]
        peaks = np.flatnonzero((middle > before) & (middle > after) & (middle > 0.0) & self._audible[2:])
        # Vertex of the parabola through the three values, in frames after the first of them.
        vertex = 1.0 + 0.5 * (before - after)[peaks] / (before - 2.0 * middle + after)[peaks]
        detected = (self._judged + peaks + 2) * HOP + np.round(vertex * HOP).astype(np.int64)
        self._judged += len(middle)
        self._novelty, self._audible = self._novelty[len(middle) :], self._audible[len(middle) :]
        return detected


def _novelty(frames: np.ndarray, gain: float) -> tuple[np.ndarray, np.ndarray]:
    """High-frequency content of log(1 + |X|), and mean-square level in dB, of every frame."""
    power = np.einsum("fs,fs->f", frames, frames) * (gain * gain / HOP)
    content = np.empty(-(-len(frames) // LANES) * LANES, np.float32)
    _high_frequency_content(frames, np.float32(gain), _plan(), content)
    with np.errstate(divide="ignore"):
        return content[: len(frames)].astype(np.float64), 10.0 * np.log10(power)


@cache
def _plan() -> real.Plan:
    return real.plan(periodic_hann(HOP))


@numba.njit(cache=True, nogil=True)
def _high_frequency_content(frames: np.ndarray, gain: float, plan: real.Plan, content: np.ndarray) -> None:
    """Sum of (k + 1) log(1 + gain |X_k|) over the bins k of each frame, which follow each other in memory."""
    re, im = np.empty((2, LANES * _BINS), np.float32)
    work, one, factor = np.empty((2, 4 * HOP), np.float32), all_of(np.float32(1)), all_of(gain)
    for first in range(0, len(frames), LANES):
        real.frames(frames[first], HOP, min(LANES, len(frames) - first), plan, work, re, im)
        total = all_of(np.float32(0))
        for begin in range(0, _BINS, _BINS_AT_ONCE):  # sums of sums round less
            part = all_of(np.float32(0))
            for k in range(begin, begin + _BINS_AT_ONCE):
                a, b = load(re, LANES * k), load(im, LANES * k)
                part = part + all_of(np.float32(k + 1)) * log(one + factor * root(a * a + b * b))
            total = total + part
        store(content, first, total)


def _above_threshold(novelty: np.ndarray) -> np.ndarray:
    """How far each frame's novelty, smoothed with its neighbours, is above median + weighted mean of them.

    Of the frames from the seventh value on: each element is for the frame before, the last one with a frame after it.
    """
    above = np.empty(max(0, len(novelty) - _PAST - _FUTURE))
    _judge(novelty, _zero_phase_smoothing(_PAST + _FUTURE + 1), above)
    return above


@numba.njit(cache=True, nogil=True)
def _judge(novelty: np.ndarray, smoothing: np.ndarray, above: np.ndarray) -> None:
    length = len(smoothing)
    smoothed = np.empty(length)
    for n in range(len(above)):
        total = 0.0
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
    numerator, (_, _, last_pole) = scipy.signal.butter(2, 0.34)
    # aubio 0.4.9 takes the last coefficient of this low-pass for the one before it; its onsets are wanted: it stands.
    smoother = numerator, (1.0, last_pole)
    forward = scipy.signal.lfilter(*smoother, np.eye(length), axis=-1)
    matrix: np.ndarray = scipy.signal.lfilter(*smoother, forward[:, ::-1], axis=-1)[:, ::-1]
    return matrix
