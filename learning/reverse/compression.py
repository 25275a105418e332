"""Compressors: which tracks have one, and how it is set.

A compressor is a gain by time that follows from the level of its track. Each track in turn is tried with compressors of
a coarse grid; the one that explains most of what direct paths leave is refined by the search of Nelder and Mead, and
kept if it explains enough. Gain before and after it cannot be distinguished: the threshold is that of a compressor
without gain afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numba
import numpy as np
import scipy.optimize

from mixprior.learning.reverse import linear
from mixprior.learning.reverse.blocks import BLOCK, Blocks
from mixprior.learning.reverse.fit import Fit
from mixprior.learning.reverse.material import Material
from mixprior.learning.reverse.statistics import Statistics
from mixprior.mixing.effects.ballistics import keep
from mixprior.mixing.effects.compressor import next_reduction_db
from mixprior.mixing.effects.gain import NEPERS_PER_DB
from mixprior.mixing.effects.settings import CompressorSettings

LEAST_EXPLAINED = 0.1
"""Share of what is left that a compressor has to explain."""
LEAST_LEFT_DB = -60.0
"""Below this nothing is left that a compressor could have made."""
LEAST_LEVEL_DB = -30.0
"""Tracks further below the mix are not looked at."""
MOST_TRACKS = 10
_BELOW_PEAK_DB = (3.0, 6.0, 10.0, 15.0, 21.0)
_RATIOS, _ATTACKS_S, _RELEASES_S = (1.5, 3.0, 6.0), (0.005, 0.025), (0.07, 0.25)
KNEE_DB = 4.0
"""Knee that a search begins with."""
_LOWS = np.array([-90.0, np.log(1.05), np.log(5e-4), np.log(5e-3), 0.0])
_HIGHS = np.array([20.0, np.log(20.0), np.log(0.5), np.log(3.0), 24.0])
_STEPS = np.array([2.0, 0.2, 0.4, 0.4, 3.0])
_TRIED = 200
Numbers = np.ndarray
"""Of a compressor: threshold in dB over full scale of the equalised track before any gain; logarithms of ratio, attack
and release in seconds; width of the knee in dB."""


@dataclass(frozen=True, eq=False)
class Compressors:
    """Compressors of some tracks.

    Attributes:
        numbers: of the compressor of each track that has one, by the number of the track.
        gains: what they do to the sound, float32, (tracks with one, samples), in the order of `numbers`.
    """

    numbers: Mapping[int, Numbers]
    gains: np.ndarray

    def applied(self, material: Material) -> Material:
        """The material with compressed tracks: to these, all else is linear."""
        tracks = material.tracks.copy()
        for k, gain in zip(self.numbers, self.gains, strict=True):
            tracks[k] *= gain
        return replace(material, tracks=tracks)


@dataclass(frozen=True, eq=False)
class Squeezed:
    """A mix with compressors.

    Attributes:
        fit: of the direct paths to compressed tracks.
        material: tracks as they were, and the mix, not late and not turned against them.
        compressors: of the tracks.
        delay: by which the mix was late, in samples, beside what was known.
        turned: whether it was turned.
    """

    fit: Fit
    material: Material
    compressors: Compressors
    delay: float
    turned: bool


def squeezed(fit: Fit, material: Material) -> Squeezed | None:
    """Look for compressors, and fit the direct paths to what they make of the tracks; None where there are none.

    The delay is looked for once more: what compressors leave may have hidden it.

    Args:
        fit: of direct paths alone.
        material: tracks and mix.
    """
    chosen = _chosen(fit)
    if not chosen.size:
        return None
    direct = linear.rough(fit.statistics, fit.rate_hz)
    search = _Search(Blocks.of(direct, material, chosen), {})
    search.run()
    if not search.numbers:
        return None
    direct, found = _taken(search, direct, material)
    late = linear.fitted(direct.statistics, fit.rate_hz)
    direct, material, turned = linear.straight(late, material)
    search = _Search(Blocks.of(direct, material, chosen), found.numbers)
    search.run()
    if not search.numbers:
        return None
    direct, found = _taken(search, direct, material)
    direct = linear.again(direct)
    direct, found = _taken(_Search(Blocks.of(direct, material, chosen), found.numbers), direct, material)
    return Squeezed(direct, material, found, late.delay, turned)


def more(fit: Fit, material: Material, known: Mapping[int, Numbers]) -> tuple[Fit, Compressors] | None:
    """Look for compressors beside those that are known, which hid them; the fit with all of them, None without others.

    Args:
        fit: of direct paths to compressed tracks.
        material: tracks as they are, and mix.
        known: numbers of compressors, by the number of the track.
    """
    search = _Search(Blocks.of(fit, material, np.union1d(_chosen(fit), np.array(list(known), int))), known)
    search.run()
    direct, found = _taken(search, fit, material)
    return (direct, found) if found.numbers.keys() - known.keys() else None


def _chosen(fit: Fit) -> np.ndarray:
    """The loudest tracks in the mix."""
    energy = (np.abs(fit.gains) ** 2 * fit.statistics.energy).sum(axis=(0, 1))
    loud = np.argsort(-energy)[:MOST_TRACKS]
    return np.sort(loud[energy[loud] > fit.statistics.mix.sum() * 10 ** (LEAST_LEVEL_DB / 10)])


def _taken(search: _Search, fit: Fit, material: Material) -> tuple[Fit, Compressors]:
    """The compressors found, and the fit with the gains that go with them, to compressed tracks."""
    found = search.found(material.mix.shape[1])
    paths = list(fit.paths)
    for k, scale in zip(search.blocks.tracks, search.blocks.solved(search.gains)[0], strict=True):
        paths[k] = replace(paths[k], gain_db=paths[k].gain_db + 20 * np.log10(max(float(scale), 1e-3)))
    statistics = Statistics.of(found.applied(material)).below(len(fit.statistics.bands))
    return replace(fit, statistics=statistics, paths=tuple(paths)), found


class _Search:
    """Compressors of tracks, by their place in the blocks, one more at a time."""

    def __init__(self, blocks: Blocks, known: Mapping[int, Numbers]) -> None:
        self.blocks = blocks
        self.gains = np.ones(blocks.levels.shape)
        self.numbers: dict[int, Numbers] = {}
        _, self._left = blocks.solved(self.gains)
        for k, each in known.items():
            self._take(int(np.flatnonzero(blocks.tracks == k)[0]), each)
        self._refined()

    def found(self, samples: int) -> Compressors:
        """As they are now, with straight lines between the middles of blocks."""
        middles = (np.arange(self.blocks.levels.shape[1]) + 0.5) * BLOCK
        gains = [np.interp(np.arange(samples), middles, self.gains[k]).astype(np.float32) for k in self.numbers]
        numbers = {int(self.blocks.tracks[k]): each for k, each in self.numbers.items()}
        return Compressors(numbers, np.array(gains, np.float32).reshape(-1, samples))

    def run(self) -> None:
        """Add compressors while one explains enough; then all are searched again, and those that no longer do go."""
        while self._left > self.blocks.mix * 10 ** (LEAST_LEFT_DB / 10):
            tried = {k: self._coarse(k) for k in range(len(self.gains)) if k not in self.numbers}
            if not tried:
                break
            best = min(tried, key=lambda k: tried[k][1])
            numbers, left = self._fine(best, tried[best][0])
            if left > (1 - LEAST_EXPLAINED) * self._left:
                break
            self._take(best, numbers)
            if len(self.numbers) > 1:
                self._refined()
        for k in list(self.numbers):
            without = self._with(k, None)
            _, left = self.blocks.solved(without)
            if self._left > (1 - LEAST_EXPLAINED) * left:
                del self.numbers[k]
                self.gains, self._left = without, left

    def _refined(self) -> None:
        for k in list(self.numbers):
            self._take(k, self._fine(k, self.numbers[k])[0])

    def _take(self, k: int, numbers: Numbers) -> None:
        self.numbers[k] = numbers
        self.gains = self._with(k, numbers)
        _, self._left = self.blocks.solved(self.gains)

    def _with(self, k: int, numbers: Numbers | None) -> np.ndarray:
        gains = self.gains.copy()
        gains[k] = 1.0 if numbers is None else self._gain(k, numbers)
        return gains

    def _gain(self, k: int, numbers: Numbers) -> np.ndarray:
        return gains_of(self.blocks.levels[k], numbers, self.blocks.rate_hz)

    def _coarse(self, k: int) -> tuple[Numbers, float]:
        """Best of a grid, and what it leaves."""
        heard = self.blocks.products[k, k] > 0
        if not heard.any():
            return np.zeros(len(_STEPS)), np.inf
        peak_db = 10 * np.log10(np.quantile(self.blocks.levels[k][heard], 0.98) + 1e-30)
        loss = self._loss(k)
        grid = product(
            peak_db - np.array(_BELOW_PEAK_DB), np.log(_RATIOS), np.log(_ATTACKS_S), np.log(_RELEASES_S), [KNEE_DB]
        )
        return min(((np.array(each), loss(np.array(each))) for each in grid), key=lambda pair: pair[1])

    def _fine(self, k: int, start: Numbers) -> tuple[Numbers, float]:
        simplex = start + np.vstack([np.zeros(len(_STEPS)), np.diag(_STEPS)])
        options = {"maxfev": _TRIED, "initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-5 * self._left}
        best = scipy.optimize.minimize(self._loss(k), start, method="Nelder-Mead", options=options)
        return clipped(best.x), float(best.fun)

    def _loss(self, k: int) -> Callable[[Numbers], float]:
        """What a compressor of one track leaves, all others as they are."""
        matrix, pull = self.blocks.system(self.gains)
        others = self.gains * self.blocks.products[k]

        def loss(numbers: Numbers) -> float:
            gain = self._gain(k, numbers)
            row = others @ gain
            row[k] = np.square(gain) @ self.blocks.products[k, k]
            matrix[k], matrix[:, k] = row, row
            pull[k] = gain @ self.blocks.with_mix[k]
            return self.blocks.left(matrix, pull)

        return loss


def gains_of(levels: np.ndarray, numbers: Numbers, rate_hz: float) -> np.ndarray:
    """Gain of a compressor by block, (blocks,)."""
    at = settings_of(numbers, 0.0)
    times = keep(at.attack_s, rate_hz), keep(at.release_s, rate_hz)
    return _gains(levels, at.threshold_dbfs, at.ratio, at.knee_db, *times)


@numba.njit(cache=True)
def _gains(
    levels: np.ndarray, threshold_db: float, ratio: float, knee_db: float, attack: float, release: float
) -> np.ndarray:
    found = np.empty(len(levels))
    lowest = 10 ** ((threshold_db - knee_db / 2) / 10)
    reduction_db = 0.0
    for n in range(len(levels)):
        reduction_db = next_reduction_db(levels[n], reduction_db, lowest, threshold_db, ratio, knee_db, attack, release)
        found[n] = np.exp(-reduction_db * NEPERS_PER_DB)
    return found


def clipped(numbers: Numbers) -> Numbers:
    """Numbers within what is looked for."""
    return np.clip(numbers, _LOWS, _HIGHS)


def settings_of(numbers: Numbers, gain_db: float) -> CompressorSettings:
    """A compressor as the effect has it, after a gain."""
    threshold_db, *logs, knee_db = clipped(numbers)
    ratio, attack_s, release_s = (float(each) for each in np.exp(logs))
    return CompressorSettings(float(threshold_db + gain_db), ratio, attack_s, release_s, float(knee_db))
