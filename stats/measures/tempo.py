"""Tempo of the backing, by librosa's onset strength and tempogram, finer than its frames.

What librosa does is re-made here to the bit, because its modules take a process over a second to load.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numba
import numpy as np
import scipy.fft

from mixprior.stats.fft import bands, real
from mixprior.stats.fft.lanes import LANES
from mixprior.stats.frames import Frames
from mixprior.stats.mel import mel_filters
from mixprior.stats.statistic import BACKING, SAMPLE_RATE_HZ, Column, Family, Statistic, Value
from mixprior.stats.windows import periodic_hann

if TYPE_CHECKING:
    from mixprior.stats.stem import Stem

FRAME = 2048
HOP = 1024
SHORTEST_S = 4.0
"""A shorter sound has too few beats for a tempo."""

_WINDOW_S = 8.0
_STEP_S = 1.0
_DYNAMIC_RANGE_DB = 80.0
_LATE = 2  # frames that librosa counts from a rise to its onset
_BEATS = 8  # multiples of the period that sharpen it
_USUAL_BPM, _FASTEST_BPM = 120.0, 320.0
_LEAST_POWER = np.float32(1e-10)
_FRAMES_PER_MINUTE = 60.0 * SAMPLE_RATE_HZ / HOP


def tempo_bpm(signal: np.ndarray) -> float | None:
    """Estimate the tempo of a channel.

    Onset strength (librosa, frames of 2,048 samples every 1,024), its autocorrelation in windows of 8 s every second
    (librosa's tempogram, which moves on by a frame and costs 40 times as much for the same answer), the mean of these,
    and librosa's choice of a lag with its prior around 120 BPM. A lag is whole frames, so that choice goes by steps
    of 2.3 % at 60 BPM and 4.6 % at 120; the period is then the one within 0.75 frames of it whose first eight multiples
    have the largest sum of autocorrelation (cubic spline between lags). Half and double tempo can still be mistaken.

    Args:
        signal: float32, shape (samples,), at 44.1 kHz.

    Returns:
        Beats per minute; None if shorter than 4 s, or without any onset.
    """
    frames = TempoFrames()
    frames.add(signal)
    return frames.result()


class TempoFrames:
    """`tempo_bpm` of a channel that comes in pieces of any length: 128 bands of every frame are kept."""

    def __init__(self) -> None:
        self._frames = Frames(FRAME, HOP, LANES)
        self._samples, self._bands_db = 0, [np.zeros((len(_mel_bands()[0]), 0), np.float32)]
        self._take(np.zeros(FRAME // 2, np.float32))  # the first frame is centred on the first sample

    def add(self, signal: np.ndarray) -> None:
        """Take the next piece: float32, shape (samples,), at 44.1 kHz."""
        self._samples += len(signal)
        self._take(signal)

    def result(self) -> float | None:
        """Return the tempo over all pieces in beats per minute; to be called once."""
        if self._samples < SHORTEST_S * SAMPLE_RATE_HZ:
            return None
        self._take(np.zeros(FRAME // 2, np.float32))
        self._measure(self._frames.last())
        strength = _onset_strength(self._bands_db)
        self._bands_db.clear()
        return _tempo_of(strength)

    def _take(self, signal: np.ndarray) -> None:
        for batch in self._frames.add(signal[np.newaxis]):
            self._measure(batch)

    def _measure(self, batch: np.ndarray) -> None:
        if not batch.shape[1]:
            return
        power = bands.powers(batch[0], HOP, _plan(), *_mel_bands())
        self._bands_db.append(np.float32(10) * np.log10(np.maximum(power, _LEAST_POWER)))


@cache
def _plan() -> real.Plan:
    return real.plan(periodic_hann(FRAME))


@cache
def _mel_bands() -> tuple[np.ndarray, np.ndarray]:
    """First bin and the one after the last of each band, shape (128, 2), and the weights of its bins, (128, 1025)."""
    weights = mel_filters(FRAME)
    return bands.bins_of(weights), np.ascontiguousarray(weights, np.float32)


def _onset_strength(bands_db: list[np.ndarray]) -> np.ndarray:
    """Mean rise of the bands from frame to frame, over what is less than 80 dB under the loudest, two frames late.

    `librosa.onset.onset_strength`, of a spectrogram in parts of shape (128, frames): that is, float32, shape (frames,).
    """
    floor_db = max((part.max(initial=-np.inf) for part in bands_db), default=-np.inf) - _DYNAMIC_RANGE_DB
    strength, last = [np.zeros(_LATE, np.float32)], bands_db[0]
    for part in bands_db:
        part = np.maximum(np.concatenate([last, part], axis=1), floor_db, dtype=np.float32)
        strength.append(np.maximum(np.diff(part, axis=1), np.float32(0)).mean(axis=0))
        last = part[:, -1:]
    frames = sum(part.shape[1] for part in bands_db)
    return np.concatenate(strength)[:frames]


def _tempo_of(strength: np.ndarray) -> float | None:
    tempogram = _tempogram(strength)
    if not tempogram.any():
        return None
    autocorrelation = tempogram.mean(axis=1)
    periods = _FRAMES_PER_MINUTE / _coarse_bpm(autocorrelation) + np.linspace(-0.75, 0.75, 301)
    beats = min(_BEATS, int((len(autocorrelation) - 1) / periods[-1]))
    strengths = _between_lags(autocorrelation, np.outer(np.arange(1, beats + 1), periods)).sum(axis=0)
    return float(_FRAMES_PER_MINUTE / periods[strengths.argmax()])


def _between_lags(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The cubic spline through at least four values at 0, 1, 2, ..., without knots beside its ends.

    `scipy.interpolate.CubicSpline`, which takes a fifth of a second to load. (C. de Boor, "A practical guide to
    splines", 1978, chapter 4.)
    """
    slopes = _slopes(values)
    first = np.clip(at.astype(np.intp), 0, len(values) - 2)
    x = at - first
    rise, start, end = values[first + 1] - values[first], slopes[first], slopes[first + 1]
    return values[first] + x * (start + x * (3 * rise - 2 * start - end + x * (start + end - 2 * rise)))


@numba.njit(cache=True)
def _slopes(values: np.ndarray) -> np.ndarray:
    """Slopes of the spline at its knots: a tridiagonal system, solved by elimination."""
    last = len(values) - 1
    right, factor = np.empty(last + 1), np.empty(last + 1)
    right[0], factor[0] = (5 * (values[1] - values[0]) + values[2] - values[1]) / 2, 2.0
    for k in range(1, last):
        pivot = 4 - factor[k - 1]
        right[k], factor[k] = (3 * (values[k + 1] - values[k - 1]) - right[k - 1]) / pivot, 1 / pivot
    of_end = (5 * (values[last] - values[last - 1]) + values[last - 1] - values[last - 2]) / 2
    right[last] = (of_end - 2 * right[last - 1]) / (1 - 2 * factor[last - 1])
    for k in range(last - 1, -1, -1):
        right[k] -= factor[k] * right[k + 1]
    return right


def _tempogram(strength: np.ndarray) -> np.ndarray:
    """Autocorrelation of the onset strength in windows of 8 s, shape (lags, windows), each with largest value 1."""
    length, step = (round(seconds * SAMPLE_RATE_HZ / HOP) for seconds in (_WINDOW_S, _STEP_S))
    strength = np.pad(strength, (0, max(0, length - len(strength))))
    windows = (
        np.lib.stride_tricks.sliding_window_view(strength, length)[::step].T * periodic_hann(length)[:, np.newaxis]
    )
    padded = scipy.fft.next_fast_len(2 * length - 1, real=True)
    spectra = scipy.fft.rfft(windows, padded, axis=0)
    correlation = scipy.fft.irfft(spectra.real**2 + spectra.imag**2, padded, axis=0)[:length]
    largest = np.abs(correlation).max(axis=0)
    tempogram: np.ndarray = correlation / np.where(largest < np.finfo(largest.dtype).tiny, 1.0, largest)
    return tempogram


def _coarse_bpm(autocorrelation: np.ndarray) -> float:
    """Pace of the likeliest beat of whole frames, by a prior of one octave (standard deviation) around 120 BPM.

    `librosa.feature.tempo`; after D. P. W. Ellis, "Beat tracking by dynamic programming" (2007).
    """
    bpm = np.append(np.inf, _FRAMES_PER_MINUTE / np.arange(1, len(autocorrelation)))
    prior = np.where(bpm < _FASTEST_BPM, -0.5 * (np.log2(bpm) - np.log2(_USUAL_BPM)) ** 2, -np.inf)
    return float(bpm[np.argmax(np.log1p(1e6 * autocorrelation) + prior)])


def _measure(stem: Stem) -> dict[str, Value]:
    if stem.silent:
        return {"tempo_bpm": None}
    return {"tempo_bpm": stem.tempo_bpm}


STATISTIC = Statistic(
    columns=(
        Column(
            "tempo_bpm",
            "BPM",
            "tempo of the backing, mono (librosa onset strength and tempo, the period sharpened by its multiples)",
            0.1,
            title="Tempo",
            family=Family.TIME,
        ),
    ),
    rows=(BACKING,),
    measure=_measure,
)
