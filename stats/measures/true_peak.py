"""True peak by fourfold oversampling (ITU-R BS.1770-5, annex 2), without oversampling what cannot hold it."""

from __future__ import annotations

import numba
import numpy as np

from mixprior.stats.frames import joined
from mixprior.stats.statistic import Column, Family, Statistic

_UP = 4
REACH = 10
"""Samples on either side that an interpolated value depends on."""
_BLOCK = 64
_LAST = 3
"""Blocks at the end that are always interpolated, as is the first: past them there is silence, not sound."""
_HEAD = 16 * _BLOCK
"""More samples than are ever left of a piece for the next one."""
_ROUNDING = 1e-6
"""Slack in the bounds for float32 samples."""


def _interpolators() -> np.ndarray:
    # The filter of scipy.signal.resample_poly(up=4), as four filters, one for each quarter of a sample.
    # Row p holds the weights of the samples n-10..n+10 in the value at n + p/4.
    window = np.kaiser(2 * REACH * _UP + 1, 5.0)
    taps = window * np.sinc(np.arange(-REACH * _UP, REACH * _UP + 1) / _UP)
    taps *= _UP / taps.sum()
    padded = np.concatenate([taps, np.zeros(_UP)])
    return np.array([padded[phase : phase + 2 * REACH * _UP + 1 : _UP][::-1] for phase in range(_UP)])


def _bounds(phases: np.ndarray) -> tuple[float, float, float]:
    # Two bounds on an interpolated value. (1) Its size is at most the largest sample within reach times the
    # filter's L1 norm. (2) The filter equals a * x[n] + b * x[n+1] + c * (second differences of x) with c of
    # short support, once a and b carry its zeroth and first moments; so the value is at most
    # (|a| + |b|) * max(|x[n]|, |x[n+1]|) + |c|_1 * the largest second difference. Music bends little: (2) is tight.
    offset = np.arange(-REACH, REACH + 1)
    b = phases @ offset
    a = phases.sum(axis=1) - b
    rest = phases.copy()
    rest[:, REACH] -= a
    rest[:, REACH + 1] -= b
    bend = np.cumsum(np.cumsum(rest, axis=1), axis=1)
    largest = [np.abs(phases).sum(axis=1), np.abs(a) + np.abs(b), np.abs(bend).sum(axis=1)]
    level, straight, curved = (float(norm.max()) * (1 + _ROUNDING) for norm in largest)
    return level, straight, curved


PHASES = _interpolators()
LEVEL, STRAIGHT, CURVED = _bounds(PHASES)


def true_peak_dbtp(audio: np.ndarray) -> float | None:
    """Largest value between and at the samples, over all channels.

    Equal to the peak of `scipy.signal.resample_poly(audio, 4, 1, axis=-1)`, whose filter has 21 taps a phase where
    the example in annex 2 of ITU-R BS.1770-5 has 12; only stretches that could hold the peak are interpolated.

    Args:
        audio: float, shape (channels, samples), full scale 1.0, finite, at any rate (the standard asks for four
            times from 44.1 or 48 kHz).

    Returns:
        True peak in dBTP; None for digital silence or no samples.

    >>> quarter = np.sin(np.pi / 2 * np.arange(480) + np.pi / 4)[np.newaxis]  # no sample beyond 0.71
    >>> abs(true_peak_dbtp(quarter * np.hanning(480))) < 0.1
    True
    """
    search = PeakSearch()
    search.add(audio)
    return search.result()


class PeakSearch:
    """`true_peak_dbtp` of a sound that comes in pieces of any length."""

    def __init__(self) -> None:
        self._rest: np.ndarray | None = None
        self._peak = 0.0
        self._begun = False

    def add(self, audio: np.ndarray) -> None:
        """Take the next piece: float, shape (channels, samples), full scale 1.0, finite."""
        if self._rest is not None and audio.shape[1] > _HEAD:
            # What is left goes with the beginning of the piece, and what that leaves begins in the piece itself.
            self._take(joined(self._rest, audio[:, :_HEAD]))
            self._take(audio[:, _HEAD - self._rest.shape[1] :])
        else:
            self._take(joined(self._rest, audio))

    def _take(self, audio: np.ndarray) -> None:
        blocks = audio.shape[1] // _BLOCK
        if blocks <= 1 + _LAST:
            self._rest = audio.copy()
            return
        # The block before, and the last ones, are there for the filter to reach into.
        for channel in np.ascontiguousarray(audio) if audio.strides[1] != audio.itemsize else audio:
            self._search(channel[: blocks * _BLOCK], 1 if self._begun else 0, blocks - _LAST)
        self._rest = audio[:, (blocks - _LAST - 1) * _BLOCK :].copy()
        self._begun = True

    def result(self) -> float | None:
        """Return the true peak of all pieces in dBTP, None for digital silence or no samples; to be called once."""
        for channel in () if self._rest is None else self._rest:
            if channel.size:
                self._search(channel, 1 if self._begun else 0, -(-channel.size // _BLOCK))
        return 20 * float(np.log10(self._peak)) if self._peak > 0 else None

    def _search(self, channel: np.ndarray, first: int, end: int) -> None:
        bounds = _block_bounds(channel.astype(np.float32, copy=False), LEVEL, STRAIGHT, CURVED)
        self._peak = max(self._peak, _channel_peak(channel, bounds, PHASES, self._peak, first, end))


@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "contract"})
def _block_bounds(x: np.ndarray, level: float, straight: float, curved: float) -> np.ndarray:
    # For each block an upper bound on the values from its first sample up to the first of the next block;
    # zero where the filter may reach past the ends of the sound.
    # Sizes of floats are compared as the integers that their bits are: the compiler vectorises no maximum of floats.
    blocks = (x.size + _BLOCK - 1) // _BLOCK
    heights, curves = np.zeros(blocks, np.int32), np.zeros(blocks, np.int32)
    second, unsigned, bits = np.empty(_BLOCK, np.float32), np.int32(0x7FFFFFFF), x.view(np.int32)
    second_bits = second.view(np.int32)
    for i in range(blocks - 2):
        piece, piece_bits = x[i * _BLOCK : (i + 1) * _BLOCK + 2], bits[i * _BLOCK : (i + 1) * _BLOCK]
        height = curve = np.int32(0)
        for n in range(_BLOCK):
            second[n] = piece[n] - piece[n + 1] - piece[n + 1] + piece[n + 2]
        for n in range(_BLOCK):
            height = max(height, piece_bits[n] & unsigned)
        for n in range(_BLOCK):
            curve = max(curve, second_bits[n] & unsigned)
        heights[i], curves[i] = height, curve
    largest, bend = heights.view(np.float32), curves.view(np.float32)
    bounds = np.zeros(blocks)
    for i in range(1, blocks - _LAST):
        by_level = level * max(largest[i - 1], largest[i], largest[i + 1])
        by_bend = straight * max(largest[i], largest[i + 1]) + curved * max(bend[i - 1], bend[i], bend[i + 1])
        bounds[i] = min(by_level, by_bend)
    return bounds


@numba.njit(cache=True, nogil=True)
def _channel_peak(x: np.ndarray, bounds: np.ndarray, phases: np.ndarray, peak: float, first: int, end: int) -> float:
    # Of the blocks from `first` to before `end`.
    # The block with the highest bound goes first: it holds nearly the peak, and rules out nearly all others.
    likely = first + int(np.argmax(bounds[first:end]))
    peak = max(peak, _block_peak(x, likely, phases))
    for block in range(first, end):
        at_an_end = block == 0 or block >= bounds.size - _LAST
        if at_an_end or bounds[block] > peak:
            peak = max(peak, _block_peak(x, block, phases))
    return peak


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _block_peak(x: np.ndarray, block: int, phases: np.ndarray) -> float:
    start = block * _BLOCK
    window = np.zeros(_BLOCK + 2 * REACH)
    for n in range(max(0, start - REACH), min(x.size, start + _BLOCK + REACH)):
        window[n - start + REACH] = x[n]
    value = np.empty(_BLOCK)
    peak = 0.0
    for phase in range(phases.shape[0]):
        value[:] = 0.0
        for tap in range(phases.shape[1]):
            for n in range(_BLOCK):
                value[n] += phases[phase, tap] * window[tap + n]
        for n in range(min(_BLOCK, x.size - start)):
            peak = max(peak, abs(value[n]))
    return peak


STATISTIC = Statistic(
    columns=(
        Column(
            "true_peak_dbtp",
            "dBTP",
            "Largest value of the waveform after fourfold oversampling (ITU-R BS.1770-5, annex 2), over both channels.",
            0.05,
            title="True peak",
            family=Family.LOUDNESS,
        ),
    ),
    rows=None,
    measure=lambda stem: {"true_peak_dbtp": stem.true_peak_dbtp},
)
