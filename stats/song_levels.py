"""Energies of 100 ms blocks of all that a song is made of, from one pass over its stems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from mixprior.stats.fft.lanes import WIDE_LANES, all_of, interleave, load, minus_times, store, swapping, times_plus
from mixprior.stats.frames import stacked
from mixprior.stats.loudness_blocks import STATE_FLOOR, Blocks, Filtering
from mixprior.stats.statistic import BACKING, MIXTURE, SAMPLE_RATE_HZ, VOCALS

_ROUNDING = 1e-13
"""Energy of a difference under this share (-130 dB) of what it is the difference of, is the rounding of their sums."""
_PAST = 4
"""Samples before that the numerators of the K filter need."""
_AT_ONCE = 128
"""Samples that are filtered, and read by all that needs them, while they are in the processor's first cache."""
_other_channel, _next_stem, _stem_after = swapping(1), swapping(2), swapping(4)


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
        channels = 2 * (len(stems) + (not summed))
        self._filtering = Filtering(channels, SAMPLE_RATE_HZ)
        self._state = np.zeros((-(-channels // WIDE_LANES), (_PAST + 4) * WIDE_LANES))
        rows = 2 * len(stems) + 2
        self._parts = [(np.zeros((rows, 3, 0)), np.zeros((rows, 2, 0)))]

    def add(self, sounds: Mapping[str, np.ndarray]) -> None:
        """Take the next piece of each stem, and of the mixture where it is not their sum.

        Args:
            sounds: float32, shape (2, samples), 44.1 kHz, finite, by name; there may be more of them.
        """
        names = self._stems if self._summed else (*self._stems, MIXTURE)
        for whole, edges in self._filtering.cut(stacked([sounds[name] for name in names])):
            self._parts.append(_products(whole, edges, self._filtering.state[0], self._state, self._summed))

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


@numba.njit(cache=True, nogil=True)
def _products(
    audio: np.ndarray, edges: np.ndarray, coefficients: np.ndarray, state: np.ndarray, summed: bool
) -> tuple[np.ndarray, np.ndarray]:
    # Energies between neighbouring edges: K-weighted of left, right and their sum, and plain of left and right. The
    # rows: each stem, the product of each stem and the mixture, the mixture, the residual.
    channels, parts = audio.shape[0], edges.size - 1
    stems, groups = channels // 2 - (0 if summed else 1), -(-channels // WIDE_LANES)
    weighted, plain = np.zeros((2 * stems + 2, 3, parts)), np.zeros((2 * stems + 2, 2, parts))
    of_x, of_y = WIDE_LANES * (_AT_ONCE + _PAST), WIDE_LANES * _AT_ONCE  # of a group, and of the mixture after them
    x, y = np.zeros((groups + 1) * of_x), np.zeros((groups + 1) * of_y)
    whole_x, whole_y = x[groups * of_x :], y[groups * of_y :]
    is_stem = np.zeros(groups * WIDE_LANES)
    is_stem[: 2 * stems] = 1.0
    found = np.empty(6 * WIDE_LANES)
    for part in range(parts):
        for start in range(edges[part], edges[part + 1], _AT_ONCE):
            size = min(_AT_ONCE, edges[part + 1] - start)
            for group in range(groups):
                first = WIDE_LANES * group
                count = min(WIDE_LANES, channels - first)
                own_x, own_y = x[group * of_x : (group + 1) * of_x], y[group * of_y : (group + 1) * of_y]
                _filter(audio, first, count, start, size, coefficients, state[group], own_x, own_y)
            _mix(x, y, size, is_stem, summed, found)
            for row in range(2):
                _add_found(found, 3 * row, 0, plain[2 * stems + row, :, part], weighted[2 * stems + row, :, part])
            for group in range(groups):
                own_x, own_y = x[group * of_x : (group + 1) * of_x], y[group * of_y : (group + 1) * of_y]
                _multiply(own_x, own_y, whole_x, whole_y, size, found)
                for stem in range(min(WIDE_LANES // 2, stems - WIDE_LANES // 2 * group)):
                    row = WIDE_LANES // 2 * group + stem
                    _add_found(found, 0, 2 * stem, plain[row, :, part], weighted[row, :, part])
                    _add_found(found, 3, 2 * stem, plain[row + stems, :, part], weighted[row + stems, :, part])
    return weighted, plain


@numba.njit(nogil=True)
def _add_found(found: np.ndarray, row: int, lane: int, plain: np.ndarray, weighted: np.ndarray) -> None:
    """Add plain energies of two lanes, weighted ones, and that of their sum."""
    for channel in range(2):
        plain[channel] += found[WIDE_LANES * row + lane + channel]
        weighted[channel] += found[WIDE_LANES * (row + 1) + lane + channel]
    weighted[2] += found[WIDE_LANES * (row + 2) + lane]


@numba.njit(nogil=True)
def _filter(
    audio: np.ndarray,
    first: int,
    count: int,
    start: int,
    size: int,
    coefficients: np.ndarray,
    state: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
) -> None:
    """K-weight up to eight channels at once: `x` takes the four samples before, and the samples, `y` the output."""
    for n in range(_PAST * WIDE_LANES):
        x[n] = state[n]
    whole = size // WIDE_LANES * WIDE_LANES
    for n in range(0, whole, WIDE_LANES):
        interleave(audio, first, count, start + n, x, WIDE_LANES * (_PAST + n))
    for n in range(whole, size):
        for k in range(WIDE_LANES):
            x[WIDE_LANES * (_PAST + n) + k] = audio[first + k, start + n] if k < count else 0.0
    b0, b1, b2, b3, b4 = (
        all_of(coefficients[0]),
        all_of(coefficients[1]),
        all_of(coefficients[2]),
        all_of(coefficients[3]),
        all_of(coefficients[4]),
    )
    a1, a2, c1, c2 = all_of(coefficients[5]), all_of(coefficients[6]), all_of(coefficients[7]), all_of(coefficients[8])
    x4, x3, x2, x1 = load(x, 0), load(x, WIDE_LANES), load(x, 2 * WIDE_LANES), load(x, 3 * WIDE_LANES)
    v1, v2, y1, y2 = (
        load(state, 4 * WIDE_LANES),
        load(state, 5 * WIDE_LANES),
        load(state, 6 * WIDE_LANES),
        load(state, 7 * WIDE_LANES),
    )
    for n in range(size):
        x0 = load(x, WIDE_LANES * (_PAST + n))
        u0 = times_plus(b0, x0, times_plus(b1, x1, times_plus(b2, x2, times_plus(b3, x3, b4 * x4))))
        v0 = minus_times(minus_times(u0, a2, v2), a1, v1)
        y0 = minus_times(minus_times(v0, c2, y2), c1, y1)
        store(y, WIDE_LANES * n, y0)
        x4, x3, x2, x1, v2, v1, y2, y1 = x3, x2, x1, x0, v1, v0, y1, y0
    for n in range(_PAST * WIDE_LANES):
        state[n] = x[WIDE_LANES * size + n]
    store(state, 4 * WIDE_LANES, v1)
    store(state, 5 * WIDE_LANES, v2)
    store(state, 6 * WIDE_LANES, y1)
    store(state, 7 * WIDE_LANES, y2)
    for n in range(4 * WIDE_LANES, 8 * WIDE_LANES):
        if abs(state[n]) <= STATE_FLOOR:
            state[n] = 0.0


@numba.njit(nogil=True)
def _mix(x: np.ndarray, y: np.ndarray, size: int, is_stem: np.ndarray, summed: bool, found: np.ndarray) -> None:
    """Write the mixture after the groups, left and right in turn, and its energies and the residual's into `found`."""
    groups, none = is_stem.size // WIDE_LANES, all_of(0.0)
    of_x, of_y = x.size // (groups + 1), y.size // (groups + 1)
    plain, weighted, both = none, none, none
    left_plain, left_weighted, left_both = none, none, none
    for n in range(size):
        sum_x, sum_y, whole_x, whole_y = none, none, none, none
        for group in range(groups):
            stem = load(is_stem, WIDE_LANES * group)
            own_x, own_y = load(x, group * of_x + WIDE_LANES * (n + _PAST)), load(y, group * of_y + WIDE_LANES * n)
            sum_x, sum_y = sum_x + stem * own_x, sum_y + stem * own_y
            whole_x, whole_y = whole_x + own_x, whole_y + own_y
        sum_x, sum_y = _over_stems(sum_x), _over_stems(sum_y)
        mixture_x, mixture_y = sum_x, sum_y
        if not summed:
            mixture_x, mixture_y = _over_stems(whole_x) - sum_x, _over_stems(whole_y) - sum_y
            left_x, left_y = mixture_x - sum_x, mixture_y - sum_y
            left_sum = left_y + _other_channel(left_y)
            left_plain, left_weighted = (
                times_plus(left_x, left_x, left_plain),
                times_plus(left_y, left_y, left_weighted),
            )
            left_both = times_plus(left_sum, left_sum, left_both)
        store(x, groups * of_x + WIDE_LANES * (n + _PAST), mixture_x)
        store(y, groups * of_y + WIDE_LANES * n, mixture_y)
        total = mixture_y + _other_channel(mixture_y)
        plain, weighted = times_plus(mixture_x, mixture_x, plain), times_plus(mixture_y, mixture_y, weighted)
        both = times_plus(total, total, both)
    for k, energy in enumerate((plain, weighted, both, left_plain, left_weighted, left_both)):
        store(found, WIDE_LANES * k, energy)


@numba.njit(nogil=True)
def _over_stems(value: Any) -> Any:
    """Sum over stems in all lanes, left and right in turn."""
    pairs = value + _next_stem(value)
    return pairs + _stem_after(pairs)


@numba.njit(nogil=True)
def _multiply(
    x: np.ndarray, y: np.ndarray, mixture_x: np.ndarray, mixture_y: np.ndarray, size: int, found: np.ndarray
) -> None:
    """Write the energies of up to four stems, and their products with the mixture, into `found`."""
    none = all_of(0.0)
    plain, weighted, both, plain_product, weighted_product, both_product = none, none, none, none, none, none
    for n in range(size):
        of_x, of_y = load(x, WIDE_LANES * (n + _PAST)), load(y, WIDE_LANES * n)
        whole_x, whole_y = load(mixture_x, WIDE_LANES * (n + _PAST)), load(mixture_y, WIDE_LANES * n)
        total, whole = of_y + _other_channel(of_y), whole_y + _other_channel(whole_y)
        plain, weighted, both = (
            times_plus(of_x, of_x, plain),
            times_plus(of_y, of_y, weighted),
            times_plus(total, total, both),
        )
        plain_product, weighted_product = (
            times_plus(of_x, whole_x, plain_product),
            times_plus(of_y, whole_y, weighted_product),
        )
        both_product = times_plus(total, whole, both_product)
    for k, energy in enumerate((plain, weighted, both, plain_product, weighted_product, both_product)):
        store(found, WIDE_LANES * k, energy)
