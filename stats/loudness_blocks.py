"""Energies of 100 ms blocks after K-weighting: computed once, read by every loudness measure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np

from mixprior.stats.frames import joined

BLOCKS_PER_S = 10
PARTS_PER_BLOCK = 5
# Far below any sound, far above the denormal numbers that make digital silence slow to filter.
_STATE_FLOOR = 1e-30


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
        self._block = round(rate_hz / BLOCKS_PER_S)
        self._edges = np.arange(PARTS_PER_BLOCK + 1) * self._block // PARTS_PER_BLOCK
        shelf, high_pass = k_weighting(rate_hz)
        self._filter = np.convolve(shelf[:3], high_pass[:3]), shelf[4:], high_pass[4:]
        self._history, self._feedback = np.zeros((2, channels, 4))
        self._rest = np.zeros((channels, 0), np.float32)
        self._parts = [(np.zeros((channels, 0)), np.zeros((channels, 0)), np.zeros(0))]

    def add(self, audio: np.ndarray) -> None:
        """Take the next piece: float, shape (channels, samples), full scale 1.0, finite."""
        left = self._rest.shape[1]
        taken = (self._block - left) if left else 0
        if taken > audio.shape[1]:
            self._rest = joined(self._rest, audio)
            return
        if left:  # the block that has begun; the others are read where they are
            self._measure(joined(self._rest, audio[:, :taken]), 0)
        self._measure(audio, taken)
        self._rest = audio[:, audio.shape[1] - (audio.shape[1] - taken) % self._block :].copy()

    def _measure(self, audio: np.ndarray, start: int) -> None:
        """Take the whole blocks from a sample on."""
        blocks = (audio.shape[1] - start) // self._block
        starts = start + np.arange(blocks)[:, np.newaxis] * self._block
        edges = np.append(starts + self._edges[:-1], start + blocks * self._block)
        longest = int(np.diff(self._edges).max())
        audio = np.ascontiguousarray(audio)
        self._parts.append(_energies(audio, edges, longest, *self._filter, self._history, self._feedback))

    def result(self) -> Blocks:
        """Return the energies of all whole blocks so far."""
        weighted, plain, mono = (np.concatenate(parts, axis=-1) for parts in zip(*self._parts, strict=True))
        channels, parts = weighted.shape
        blocks = parts // PARTS_PER_BLOCK

        def per_block(energy: np.ndarray) -> np.ndarray:
            return energy.reshape(*energy.shape[:-1], blocks, PARTS_PER_BLOCK).sum(-1) / self._block

        sizes = np.tile(np.diff(self._edges), blocks)
        return Blocks(per_block(weighted), per_block(plain), per_block(mono) / channels**2, weighted / sizes)


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _energies(
    audio: np.ndarray,
    edges: np.ndarray,
    longest: int,
    numerator: np.ndarray,
    shelf: np.ndarray,
    high_pass: np.ndarray,
    history: np.ndarray,
    feedback: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Energy between neighbouring edges: K-weighted and plain by channel, and K-weighted of the channel sum.
    # Both numerators run first, as one filter without feedback that the compiler vectorises; only the two
    # feedback pairs remain to be stepped through, two channels at once: a step waits for the step before, and the
    # other channel fills the time. All state is float64; `history` and `feedback`, shape (channels, 4),
    # carry it from piece to piece.
    # (Copying by loops and not by slices compiles in a fifth of the time.)
    channels, parts = audio.shape[0], edges.size - 1
    weighted, plain, mono = np.zeros((channels, parts)), np.zeros((channels, parts)), np.zeros(parts)
    x = np.zeros(longest + 4)
    forward, other = np.zeros(longest), np.zeros(longest)
    total = np.zeros(longest)
    b0, b1, b2, b3, b4 = numerator
    (a1, a2), (c1, c2) = shelf, high_pass
    for part in range(parts):
        start, size = edges[part], edges[part + 1] - edges[part]
        total[:] = 0.0
        for first in range(0, channels, 2):
            pair = min(2, channels - first)
            for k in range(pair):
                piece, out = audio[first + k, start : start + size], forward if k == 0 else other
                for i in range(4):
                    x[i] = history[first + k, i]
                energy = 0.0
                for n in range(size):
                    sample = np.float64(piece[n])
                    x[n + 4] = sample
                    energy += sample * sample
                plain[first + k, part] = energy
                for n in range(size):
                    out[n] = b0 * x[n + 4] + b1 * x[n + 3] + b2 * x[n + 2] + b3 * x[n + 1] + b4 * x[n]
                for i in range(4):
                    history[first + k, i] = x[size + i]
            v1, v2, y1, y2 = feedback[first]
            w1, w2, z1, z2 = feedback[first + pair - 1]
            if pair == 1:
                other[:] = 0.0
            for n in range(size):
                v = (forward[n] - a2 * v2) - a1 * v1
                w = (other[n] - a2 * w2) - a1 * w1
                v2, v1, w2, w1 = v1, v, w1, w
                y = (v - c2 * y2) - c1 * y1
                z = (w - c2 * z2) - c1 * z1
                y2, y1, z2, z1 = y1, y, z1, z
                forward[n], other[n] = y, z
            for k in range(pair):
                out = forward if k == 0 else other
                energy = 0.0
                for n in range(size):
                    energy += out[n] * out[n]
                    total[n] += out[n]
                weighted[first + k, part] = energy
                for i, state in enumerate((v1, v2, y1, y2) if k == 0 else (w1, w2, z1, z2)):
                    feedback[first + k, i] = state if abs(state) > _STATE_FLOOR else 0.0
        energy = 0.0
        for n in range(size):
            energy += total[n] * total[n]
        mono[part] = energy
    return weighted, plain, mono
