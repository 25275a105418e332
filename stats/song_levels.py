"""Energies of 100 ms blocks of all that a song is made of, from one pass over its stems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numba
import numpy as np

from mixprior.stats.loudness_blocks import Blocks, Filtering, filter_pair
from mixprior.stats.statistic import BACKING, MIXTURE, SAMPLE_RATE_HZ, VOCALS

_ROUNDING = 1e-13
"""Energy of a difference under this share (-130 dB) of what it is the difference of, is the rounding of their sums."""


@dataclass(frozen=True)
class SongLevels:
    """Energies of the sounds of a song.

    Attributes:
        sounds: of the stems, the backing and the mixture, by name.
        rests: of what is left of the mixture without each of them.
        residual: of what the stems leave of the mixture; zeros where it is their sum.
    """

    sounds: dict[str, Blocks]
    rests: dict[str, Blocks]
    residual: Blocks


class SongEnergies:
    """`SongLevels` of a song that comes in pieces of any length.

    The K filter is linear, so the mixture is filtered as the sum of the filtered stems where it is their sum. What is
    left of it without a stem is not filtered at all: energy(m - s) = energy(m) + energy(s) - 2 sum(m s).

    Args:
        stems: their names.
        summed: whether the mixture is their sum.
    """

    def __init__(self, stems: Sequence[str], summed: bool) -> None:
        self._stems, self._summed = tuple(stems), summed
        self._filtering = Filtering(2 * (len(stems) + (not summed)), SAMPLE_RATE_HZ)
        rows = 2 * len(stems) + 2
        self._parts = [(np.zeros((rows, 3, 0)), np.zeros((rows, 2, 0)))]

    def add(self, sounds: Mapping[str, np.ndarray]) -> None:
        """Take the next piece of each stem, and of the mixture where it is not their sum.

        Args:
            sounds: float32, shape (2, samples), 44.1 kHz, finite, by name; there may be more of them.
        """
        names = self._stems if self._summed else (*self._stems, MIXTURE)
        for whole, edges in self._filtering.cut(np.concatenate([sounds[name] for name in names])):
            self._parts.append(_products(whole, edges, *self._filtering.state, self._summed))

    def result(self) -> SongLevels:
        """Return the energies of all whole blocks so far."""
        energies = [np.concatenate(parts, axis=-1) for parts in zip(*self._parts, strict=True)]
        count = len(self._stems)
        own = dict(zip(self._stems, self._blocks(energies, slice(count)), strict=True))
        mixture, residual = self._blocks(energies, slice(2 * count, None))
        left = [_left(energy[-2], energy[:count], energy[count : 2 * count]) for energy in energies]
        rests = dict(zip(self._stems, self._blocks(left, slice(None)), strict=True))
        backing = rests.get(VOCALS, mixture)
        nothing = Blocks(*(np.zeros_like(energy) for energy in vars(mixture).values()))
        sounds = {**own, BACKING: backing, MIXTURE: mixture}
        return SongLevels(sounds, {**rests, BACKING: own.get(VOCALS, nothing), MIXTURE: nothing}, residual)

    def _blocks(self, energies: Sequence[np.ndarray], rows: slice) -> list[Blocks]:
        weighted, plain = energies
        pairs = zip(weighted[rows], plain[rows], strict=True)
        return [self._filtering.blocks(three[:2], two, three[2]) for three, two in pairs]


def _left(mixture: np.ndarray, stems: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Energies of the mixture without each of the stems."""
    both = mixture + stems
    left = both - 2 * products
    return np.where(left > _ROUNDING * both, left, 0.0)


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _products(
    audio: np.ndarray,
    edges: np.ndarray,
    coefficients: np.ndarray,
    history: np.ndarray,
    feedback: np.ndarray,
    summed: bool,
) -> tuple[np.ndarray, np.ndarray]:
    # Energies between neighbouring edges: K-weighted of left, right and their sum, and plain of left and right. The
    # rows: each stem, the product of each stem and the mixture, the mixture, the residual.
    stems, parts = audio.shape[0] // 2 - (0 if summed else 1), edges.size - 1
    weighted, plain = np.zeros((2 * stems + 2, 3, parts)), np.zeros((2 * stems + 2, 2, parts))
    longest = 0
    for part in range(parts):
        longest = max(longest, edges[part + 1] - edges[part])
    x, y = np.zeros((stems + 1, 2, longest + 4)), np.zeros((stems + 1, 2, longest))
    left_x, left_y = np.zeros((2, longest + 4)), np.zeros((2, longest))
    for part in range(parts):
        start, size = edges[part], edges[part + 1] - edges[part]
        for k in range(audio.shape[0] // 2):
            pair = slice(2 * k, 2 * k + 2)
            filter_pair(audio[pair], start, size, coefficients, history[pair], feedback[pair], x[k], y[k])
        if summed:
            _add_up(x, stems, x[stems])
            _add_up(y, stems, y[stems])
        else:
            _subtract(x, stems, left_x)
            _subtract(y, stems, left_y)
        for k in range(stems):
            _dots(x[k], x[k], 4, size, plain[k, :, part])
            _dots(x[k], x[stems], 4, size, plain[stems + k, :, part])
            _dots(y[k], y[k], 0, size, weighted[k, :, part])
            _dots(y[k], y[stems], 0, size, weighted[stems + k, :, part])
        for row, samples, out in ((2 * stems, x[stems], y[stems]), (2 * stems + 1, left_x, left_y)):
            _dots(samples, samples, 4, size, plain[row, :, part])
            _dots(out, out, 0, size, weighted[row, :, part])
    return weighted, plain


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _add_up(sounds: np.ndarray, count: int, total: np.ndarray) -> None:
    """Fill `total`, shape (2, samples), with the sum of the first sounds, shape (sounds, 2, samples)."""
    for c in range(2):
        sums = total[c]
        sums[:] = 0.0
        for k in range(count):
            sound = sounds[k, c]
            for n in range(sums.size):
                sums[n] += sound[n]


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _subtract(sounds: np.ndarray, count: int, left: np.ndarray) -> None:
    """Fill `left` with what the first sounds leave of the one after them."""
    _add_up(sounds, count, left)
    for c in range(2):
        sound, rest = sounds[count, c], left[c]
        for n in range(rest.size):
            rest[n] = sound[n] - rest[n]


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _dots(one: np.ndarray, other: np.ndarray, start: int, size: int, products: np.ndarray) -> None:
    """Fill in the sum of products of the left channels, of the right ones, and where asked, of the channels' sums."""
    # Slices of rows, and indices from 0: of all else the compiler does not know that samples are neighbours.
    end = start + size
    left, right, other_left, other_right = (
        one[0][start:end],
        one[1][start:end],
        other[0][start:end],
        other[1][start:end],
    )
    of_left = of_right = of_both = 0.0
    for n in range(size):
        of_left += left[n] * other_left[n]
        of_right += right[n] * other_right[n]
        of_both += (left[n] + right[n]) * (other_left[n] + other_right[n])
    products[0], products[1] = of_left, of_right
    if products.size == 3:
        products[2] = of_both
