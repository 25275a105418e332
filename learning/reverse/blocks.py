"""Tracks and mix by short blocks: all that gains which change with time can be fitted by, at the cost of a small table.

A mix of tracks with slow gains is, in each block, a sum of tracks times numbers. Its squared error is a quadratic form
in the products of tracks and mix over the block, so that samples are read once, however many compressors are tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from mixprior.learning.reverse.fit import Fit
from mixprior.learning.reverse.material import Material
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.ballistics import keep, smoothed
from mixprior.mixing.effects.compressor import DETECTOR_S
from mixprior.mixing.effects.settings import Chain
from mixprior.stats.sound import Sound

BLOCK = 8
"""Samples of a block: short against an attack, within which a gain is taken as constant."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Products by block.

    Attributes:
        tracks: numbers of the tracks that are looked at, (chosen,).
        levels: mean square of the louder channel after the equaliser, before any gain, (chosen, blocks).
        products: of the tracks as they are in the mix, 0 where nothing is compared, (chosen, chosen, blocks).
        with_mix: of tracks and the mix less all other tracks, (chosen, blocks).
        mix: energy of that mix.
        rate_hz: blocks a second.
    """

    tracks: np.ndarray
    levels: np.ndarray
    products: np.ndarray
    with_mix: np.ndarray
    mix: float
    rate_hz: float

    @classmethod
    def of(cls, fit: Fit, material: Material, chosen: np.ndarray) -> Blocks:
        """Render the direct paths, and multiply."""
        count = material.mix.shape[1] // BLOCK
        counted = np.zeros(count, bool)
        for start, stop in material.counted:
            counted[-(-start // BLOCK) : stop // BLOCK] = True
        heard = np.repeat(counted, BLOCK)
        left, made, levels = material.mix[:, : heard.size] * heard, [], []
        for k, path in enumerate(fit.paths):
            equalised = chain.process(Chain(bands=path.bands), Sound(material.tracks[k], material.rate_hz)).audio
            in_mix = equalised[:, : heard.size] * (heard * path.sides()[:, None]).astype(np.float32)
            if k in chosen:
                made.append(in_mix)
                levels.append(_levels(equalised, count, keep(DETECTOR_S, material.rate_hz)))
            else:
                left = left - in_mix
        products = np.zeros((len(made), len(made), count), np.float32)
        for j, one in enumerate(made):
            for k in range(j + 1):
                products[j, k] = products[k, j] = _by_block(one * made[k])
        with_mix = np.stack([_by_block(one * left) for one in made])
        energy = float(np.square(left, dtype=np.float64).sum())
        return cls(chosen, np.stack(levels), products, with_mix, energy, material.rate_hz / BLOCK)

    def solved(self, gains: np.ndarray) -> tuple[np.ndarray, float]:
        """Scales of tracks with gains by block, (chosen, blocks), that fit best; and the energy that they leave."""
        matrix, pull = self.system(gains)
        return _scales(matrix, pull), self.left(matrix, pull)

    def left(self, matrix: np.ndarray, pull: np.ndarray) -> float:
        """Energy that the best scales leave."""
        return max(self.mix - float(pull @ _scales(matrix, pull)), 0.0)

    def system(self, gains: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Normal equations of the scales."""
        matrix = np.array([(gains * row * one).sum(axis=1) for row, one in zip(self.products, gains, strict=True)])
        return matrix, (gains * self.with_mix).sum(axis=1)


def _scales(matrix: np.ndarray, pull: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.diag(matrix)) + 1e-30
    scaled = matrix / np.outer(size, size) + 1e-9 * np.eye(len(size))
    return np.asarray(np.linalg.solve(scaled, pull / size) / size)


def _by_block(product: np.ndarray) -> np.ndarray:
    return np.asarray(product.sum(axis=0).reshape(-1, BLOCK).sum(axis=1))


@numba.njit(cache=True)
def _levels(sound: np.ndarray, count: int, kept: float) -> np.ndarray:
    """Mean over each block of what the detector of the compressor reads."""
    found = np.zeros(count)
    left = right = 0.0
    for block in range(count):
        for n in range(block * BLOCK, (block + 1) * BLOCK):
            left = smoothed(np.float64(sound[0, n]) ** 2, left, kept)
            right = smoothed(np.float64(sound[1, n]) ** 2, right, kept)
            found[block] += max(left, right) / BLOCK
    return found
