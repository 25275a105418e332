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

from mixprior.stats.frames import Frames
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.windows import periodic_hann

HOP = 1024
"""Samples of a frame, and from one frame to the next: frames do not overlap."""

_WINDOW = periodic_hann(HOP).astype(np.float32)
FRAMES_AT_ONCE = 128

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
    spectra = scipy.fft.rfft(frames * _WINDOW, axis=-1, overwrite_x=True)
    content = np.empty(len(frames))
    _high_frequency_content(spectra, np.float32(gain), content)
    with np.errstate(divide="ignore"):
        return content, 10.0 * np.log10(power)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def _high_frequency_content(spectra: np.ndarray, gain: float, content: np.ndarray) -> None:
    """Sum of (k + 1) log(1 + gain |X_k|) over the bins k of each frame; spectra of shape (frames, bins), complex64."""
    # The logarithm, by exponent and mantissa from sqrt(1/2) to sqrt(2), is one that the compiler vectorises:
    # log m = 2 atanh s, s = (m - 1) / (m + 1), whose series is cut off after s^9, at 1e-9.
    bins = spectra.shape[1]
    value, exponent, mantissa = np.empty(bins, np.float32), np.empty(bins, np.float32), np.empty(bins, np.int32)
    bits, fraction = value.view(np.int32), mantissa.view(np.float32)
    half_root, shift, mask = np.int32(0x3F3504F3), np.int32(0x3F800000 - 0x3F3504F3), np.int32(0x7FFFFF)
    one, two, log_two = np.float32(1), np.float32(2), np.float32(np.log(2))
    third, fifth, seventh, ninth = np.float32(1 / 3), np.float32(1 / 5), np.float32(1 / 7), np.float32(1 / 9)
    for frame in range(len(spectra)):
        spectrum = spectra[frame]
        for k in range(bins):
            value[k] = one + gain * np.sqrt(spectrum[k].real ** 2 + spectrum[k].imag ** 2)
        for k in range(bins):
            shifted = np.int32(bits[k] + shift)  # numba adds in 64 bits otherwise
            exponent[k] = np.float32(np.int32(shifted >> np.int32(23)) - np.int32(127))
            mantissa[k] = np.int32(shifted & mask) + half_root
        total = np.float32(0)
        for k in range(bins):
            s = (fraction[k] - one) / (fraction[k] + one)
            squared = s * s
            series = one + squared * (third + squared * (fifth + squared * (seventh + squared * ninth)))
            total += np.float32(k + 1) * (exponent[k] * log_two + two * s * series)
        content[frame] = total


def _above_threshold(novelty: np.ndarray) -> np.ndarray:
    """How far each frame's novelty, smoothed with its neighbours, is above median + weighted mean of them.

    Of the frames from the seventh value on: each element is for the frame before, the last one with a frame after it.
    """
    length = _PAST + _FUTURE + 1
    if len(novelty) < length:
        return np.zeros(0)
    windows = np.lib.stride_tricks.sliding_window_view(novelty, length)
    smoothed = windows @ _zero_phase_smoothing(length)
    median = np.partition(smoothed, length // 2, axis=1)[:, length // 2]  # `np.median` costs twenty times as much here
    return smoothed[:, _PAST] - median - _MEAN_WEIGHT * smoothed.mean(axis=1)


@cache
def _zero_phase_smoothing(length: int) -> np.ndarray:
    """Matrix that filters a row of `length` values forward and then backward, from rest each time."""
    numerator, (_, _, last_pole) = scipy.signal.butter(2, 0.34)
    # aubio 0.4.9 takes the last coefficient of this low-pass for the one before it; its onsets are wanted: it stands.
    smoother = numerator, (1.0, last_pole)
    forward = scipy.signal.lfilter(*smoother, np.eye(length), axis=-1)
    matrix: np.ndarray = scipy.signal.lfilter(*smoother, forward[:, ::-1], axis=-1)[:, ::-1]
    return matrix
