"""Energies of 100 ms blocks after K-weighting: computed once, read by every loudness measure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np

from mixprior.stats.frames import joined

BLOCKS_PER_S = 10
PARTS_PER_BLOCK = 5
# Far below any sound, far above the denormal numbers that make digital silence slow to filter.
STATE_FLOOR = 1e-30


@dataclass(frozen=True)
class Blocks:
    """Mean squares of consecutive 100 ms blocks; the unfinished last block is left out.

    Attributes:
        weighted: float64, shape (channels, blocks): mean square after the K filter (ITU-R BS.1770).
        plain: float64, shape (channels, blocks): mean square of the samples as they are.
        mono_weighted: float64, shape (blocks,): K-weighted mean square of the mean of the channels.
        weighted_20ms: float64, shape (channels, 5 * blocks): `weighted` over fifths of a block, for maxima:
            a burst of 400 ms that falls between two steps of 100 ms would read up to 0.6 dB low.
    """

    weighted: np.ndarray
    plain: np.ndarray
    mono_weighted: np.ndarray
    weighted_20ms: np.ndarray


def k_weighting(rate_hz: float) -> np.ndarray:
    """Coefficients of the K filter at any rate: the high shelf, then the high pass.

    The analogue parameters are those of Brecht De Man ("Evaluation of implementations of the EBU R128 loudness
    measurement", AES 145, 2018), which give back the coefficients that ITU-R BS.1770 prints for 48 kHz. As in
    libebur128, FFmpeg and pyloudnorm's "DeMan" the numerator of the high pass is 1, -2, 1 at every rate, which
    shifts the response against that at 48 kHz: by 0.004 dB at 44.1 kHz, -0.02 dB at 96 kHz, 0.2 dB at 8 kHz.

    Args:
        rate_hz: sample rate in Hz, above 4 kHz.

    Returns:
        float64, shape (2, 6): b0, b1, b2, a0, a1, a2 of each biquad, ready for `scipy.signal.sosfilt`.

    >>> k_weighting(48_000).round(8).tolist()[0]
    [1.53512486, -2.69169619, 1.19839281, 1.0, -1.69065929, 0.73248077]
    """
    gain = 10 ** (3.999843853973347 / 20)
    mid_gain = gain**0.4996667741545416
    k, q = math.tan(math.pi * 1681.974450955533 / rate_hz), 0.7071752369554196
    a0 = 1 + k / q + k * k
    b = (gain + mid_gain * k / q + k * k, 2 * (k * k - gain), gain - mid_gain * k / q + k * k)
    shelf = [*(tap / a0 for tap in b), 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    k, q = math.tan(math.pi * 38.13547087602444 / rate_hz), 0.5003270373238773
    a0 = 1 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    return np.array([shelf, high_pass])


def measure(audio: np.ndarray, rate_hz: int) -> Blocks:
    """Filter and square a sound once, for all that is asked about its level later.

    Args:
        audio: float, shape (channels, samples), full scale 1.0, finite.
        rate_hz: sample rate in Hz. A block is round(rate_hz / 10) samples.

    Returns:
        The energies; arrays without blocks where the sound is shorter than 100 ms.

    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)[np.newaxis]
    >>> measure(tone, 48_000).plain.round(6).tolist()[0][:2]
    [0.5, 0.5]
    """
    energies = BlockEnergies(len(audio), rate_hz)
    energies.add(audio)
    return energies.result()


class BlockEnergies:
    """`measure` of a sound that comes in pieces of any length.

    Args:
        channels: number of channels.
        rate_hz: sample rate in Hz.

    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)[np.newaxis]
    >>> energies = BlockEnergies(1, 48_000)
    >>> for piece in np.split(tone, [100, 30_000], axis=1):
    ...     energies.add(piece)
    >>> (energies.result().weighted == measure(tone, 48_000).weighted).all()
    np.True_
    """

    def __init__(self, channels: int, rate_hz: int) -> None:
        self._filtered, self._channels = Filtering(channels, rate_hz), channels
        self._parts = [(np.zeros((channels, 0)), np.zeros((channels, 0)), np.zeros(0))]

    def add(self, audio: np.ndarray) -> None:
        """Take the next piece: float, shape (channels, samples), full scale 1.0, finite."""
        for whole, edges in self._filtered.cut(audio):
            self._parts.append(_energies(whole, edges, *self._filtered.state))

    def result(self) -> Blocks:
        """Return the energies of all whole blocks so far."""
        weighted, plain, mono = (np.concatenate(parts, axis=-1) for parts in zip(*self._parts, strict=True))
        return self._filtered.blocks(weighted, plain, mono)


class Filtering:
    """Cuts a sound that comes in pieces into whole blocks, and keeps the state of the K filter between them.

    Attributes:
        state: what `filter_pair` takes: the coefficients, and the state of each channel.
    """

    def __init__(self, channels: int, rate_hz: int) -> None:
        self._block = round(rate_hz / BLOCKS_PER_S)
        self._edges = np.arange(PARTS_PER_BLOCK + 1) * self._block // PARTS_PER_BLOCK
        shelf, high_pass = k_weighting(rate_hz)
        coefficients = np.concatenate([np.convolve(shelf[:3], high_pass[:3]), shelf[4:], high_pass[4:]])
        self.state = coefficients, np.zeros((channels, 4)), np.zeros((channels, 4))
        self._rest = np.zeros((channels, 0), np.float32)

    def cut(self, audio: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield sounds, and in each of them the edges of the parts of its whole blocks.

        Args:
            audio: float, shape (channels, samples): what follows the pieces before.
        """
        left = self._rest.shape[1]
        taken = (self._block - left) if left else 0
        if taken > audio.shape[1]:
            self._rest = joined(self._rest, audio)
            return
        if left:  # the block that has begun; the others are read where they are
            yield joined(self._rest, audio[:, :taken]), self._edges
        blocks = (audio.shape[1] - taken) // self._block
        starts = taken + np.arange(blocks)[:, np.newaxis] * self._block
        yield np.ascontiguousarray(audio), np.append(starts + self._edges[:-1], taken + blocks * self._block)
        self._rest = audio[:, taken + blocks * self._block :].copy()

    def blocks(self, weighted: np.ndarray, plain: np.ndarray, mono: np.ndarray) -> Blocks:
        """Return the mean squares by the energies of parts of blocks, and those of the sum of the channels."""
        channels, parts = weighted.shape
        blocks = parts // PARTS_PER_BLOCK

        def per_block(energy: np.ndarray) -> np.ndarray:
            return energy.reshape(*energy.shape[:-1], blocks, PARTS_PER_BLOCK).sum(-1) / self._block

        sizes = np.tile(np.diff(self._edges), blocks)
        return Blocks(per_block(weighted), per_block(plain), per_block(mono) / channels**2, weighted / sizes)


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def filter_pair(
    audio: np.ndarray,
    start: int,
    size: int,
    coefficients: np.ndarray,
    history: np.ndarray,
    feedback: np.ndarray,
    plain: np.ndarray,
    weighted: np.ndarray,
) -> None:
    """K-weight one channel or two.

    Both numerators run first, as one filter without feedback that the compiler vectorises; only the two feedback pairs
    remain to be stepped through, two channels at once: a step waits for the step before, and the other channel fills
    the time. All state is float64.

    Args:
        audio: float, shape (channels, samples).
        start: first sample to filter.
        size: how many.
        coefficients: float64, shape (9,).
        history: float64, shape (channels, 4), which with `feedback` carries the state from piece to piece.
        feedback: float64, shape (channels, 4).
        plain: float64, shape (2, 4 + size or more): filled with the history and the samples.
        weighted: float64, shape (2, size or more): filled with the output.
    """
    # (Copying by loops and not by slices compiles in a fifth of the time.)
    b0, b1, b2, b3, b4, a1, a2, c1, c2 = coefficients
    channels = audio.shape[0]
    for k in range(channels):
        piece, x, out = audio[k, start : start + size], plain[k], weighted[k]
        for i in range(4):
            x[i] = history[k, i]
        for n in range(size):
            x[n + 4] = np.float64(piece[n])
        for n in range(size):
            out[n] = b0 * x[n + 4] + b1 * x[n + 3] + b2 * x[n + 2] + b3 * x[n + 1] + b4 * x[n]
        for i in range(4):
            history[k, i] = x[size + i]
    forward, other = weighted[0], weighted[1]
    v1, v2, y1, y2 = feedback[0]
    w1, w2, z1, z2 = feedback[channels - 1]
    if channels == 1:
        other[:size] = 0.0
    for n in range(size):
        v = (forward[n] - a2 * v2) - a1 * v1
        w = (other[n] - a2 * w2) - a1 * w1
        v2, v1, w2, w1 = v1, v, w1, w
        y = (v - c2 * y2) - c1 * y1
        z = (w - c2 * z2) - c1 * z1
        y2, y1, z2, z1 = y1, y, z1, z
        forward[n], other[n] = y, z
    for k in range(channels):
        for i, state in enumerate((v1, v2, y1, y2) if k == 0 else (w1, w2, z1, z2)):
            feedback[k, i] = state if abs(state) > STATE_FLOOR else 0.0


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _energies(
    audio: np.ndarray, edges: np.ndarray, coefficients: np.ndarray, history: np.ndarray, feedback: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Energy between neighbouring edges: K-weighted and plain by channel, and K-weighted of the channel sum.
    channels, parts = audio.shape[0], edges.size - 1
    weighted, plain, mono = np.zeros((channels, parts)), np.zeros((channels, parts)), np.zeros(parts)
    longest = 0
    for part in range(parts):
        longest = max(longest, edges[part + 1] - edges[part])
    total, x, y = np.zeros(longest), np.zeros((2, longest + 4)), np.zeros((2, longest))
    for part in range(parts):
        start, size = edges[part], edges[part + 1] - edges[part]
        total[:] = 0.0
        for first in range(0, channels, 2):
            end = min(first + 2, channels)
            filter_pair(audio[first:end], start, size, coefficients, history[first:end], feedback[first:end], x, y)
            for k in range(end - first):
                samples, out = x[k], y[k]
                energy = energy_plain = 0.0
                for n in range(size):
                    energy_plain += samples[n + 4] * samples[n + 4]
                    energy += out[n] * out[n]
                    total[n] += out[n]
                weighted[first + k, part], plain[first + k, part] = energy, energy_plain
        energy = 0.0
        for n in range(size):
            energy += total[n] * total[n]
        mono[part] = energy
    return weighted, plain, mono
