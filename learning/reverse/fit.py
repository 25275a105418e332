"""Direct paths fitted to the statistics of a mix: weighted least squares, by all numbers of all tracks together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mixprior.learning.reverse.path import BAND_NUMBERS, LEVEL_NUMBERS, Path
from mixprior.learning.reverse.statistics import Statistics

FLOOR = 1e-7
"""Least error of a band over the energy of the mix in it: gains are constant in a band, and are not quite."""
PENALTY = 30.0
"""Three numbers of noise alone bring 1.5 on average."""
_SMOOTHED = 9
_PRIOR_LEVEL = (40.0, 1.0)
_PRIOR_BAND = (3.0, 15.0, 2.0)
"""Standard deviations of the numbers before anything is heard: wide, so that what is not heard stays where it is."""
_STEPS = 30
_SETTLED = 1e-5
_STEADY_HZ = 500.0
"""Polarity is read below it, where a sample of delay turns phases by little."""


@dataclass(frozen=True, eq=False)
class Fit:
    """Paths and what they leave.

    Attributes:
        statistics: what they are fitted to.
        rate_hz: sample rate.
        paths: of the tracks.
        weights: inverse of the error expected in a cell, (bands, 2).
        delay: by which the mix is late, in samples.
        penalty: drop of the weighted squared error that a band of an equaliser has to bring.
    """

    statistics: Statistics
    rate_hz: float
    paths: tuple[Path, ...]
    weights: np.ndarray
    delay: float = 0.0
    penalty: float = PENALTY

    @cached_property
    def turn(self) -> np.ndarray:
        """Change of the gains by a sample of delay, over the gains, (bands,)."""
        return -2j * np.pi * self.statistics.bands.centres_hz / self.rate_hz

    @cached_property
    def with_mix(self) -> np.ndarray:
        """The statistics' own, of a mix that is not late."""
        return np.asarray(self.statistics.with_mix * np.exp(-self.turn * self.delay)[:, None, None])

    @cached_property
    def error(self) -> np.ndarray:
        """Squared error, (bands, 2)."""
        made = np.einsum("bcjk,bck->bcj", self.statistics.tracks, self.gains)
        squared = (np.conj(self.gains) * (made - 2 * self.with_mix)).sum(axis=2).real + self.statistics.mix
        return np.maximum(squared, 0.0)

    @cached_property
    def gains(self) -> np.ndarray:
        """Complex gains, (bands, 2, tracks)."""
        centres = self.statistics.bands.centres_hz
        return np.stack([path.gains(centres, self.rate_hz) for path in self.paths], axis=2)

    @cached_property
    def loss(self) -> float:
        """Weighted squared error and what the priors add, halved."""
        return 0.5 * float(np.sum(self.weights * self.error)) + self.prior_loss

    @property
    def prior_loss(self) -> float:
        """What the priors add to the loss."""
        return 0.5 * float(np.sum(np.square(self.numbers * self.prior)))

    @cached_property
    def numbers(self) -> np.ndarray:
        """All numbers of all paths, centred on their priors."""
        return np.concatenate([path.numbers - _centre(path) for path in self.paths])

    @cached_property
    def prior(self) -> np.ndarray:
        """Inverse standard deviations of the priors."""
        return np.concatenate([1 / _spread(path) for path in self.paths])

    @cached_property
    def owners(self) -> np.ndarray:
        """Track of each number."""
        return np.repeat(np.arange(len(self.paths)), [len(path.numbers) for path in self.paths])

    @cached_property
    def slopes(self) -> np.ndarray:
        """Derivatives of the gains by the numbers, complex128, (numbers, bands, 2)."""
        centres = self.statistics.bands.centres_hz
        return np.concatenate([path.slopes(centres, self.rate_hz) for path in self.paths])

    @cached_property
    def gradient(self) -> np.ndarray:
        """Of the loss by the numbers."""
        of = self.statistics
        left = np.einsum("bcjk,bck->bcj", of.tracks, self.gains) - self.with_mix
        left *= self.weights[..., None]
        of_numbers = np.moveaxis(left, 2, 0)[self.owners]
        return np.asarray((self.slopes.conj() * of_numbers).sum(axis=(1, 2)).real) + self.numbers * self.prior**2

    @cached_property
    def curvature(self) -> np.ndarray:
        """Gauss-Newton matrix of the loss, (numbers, numbers)."""
        weighted = self.statistics.tracks * self.weights[..., None, None]
        found = np.empty((len(self.owners), len(self.owners)))
        places = [np.flatnonzero(self.owners == k) for k in range(len(self.paths))]
        flat = self.slopes.reshape(len(self.owners), -1)
        for j, rows in enumerate(places):
            for k in range(j, len(places)):
                columns = places[k]
                cross = weighted[:, :, j, k].reshape(-1)
                block = ((flat[rows].conj() * cross) @ flat[columns].T).real
                found[np.ix_(rows, columns)] = block
                found[np.ix_(columns, rows)] = block.T
        return found + np.diag(self.prior**2)

    def moved(self, numbers: np.ndarray, delay: float | None = None) -> Fit:
        """The fit with other numbers, not centred, and another delay."""
        split = np.split(numbers, np.cumsum([len(path.numbers) for path in self.paths])[:-1])
        paths = tuple(path.moved(each) for path, each in zip(self.paths, split, strict=True))
        return replace(self, paths=paths, delay=self.delay if delay is None else delay)

    def reweighted(self) -> Fit:
        """The fit with weights by the error that it leaves."""
        return replace(self, weights=weights(self.statistics, self.error))

    def refined(self, steps: int = _STEPS, delayed: bool = False) -> Fit:
        """Improve all numbers together, and the delay with them: Levenberg and Marquardt."""
        best, damping = self, 1e-3
        for _ in range(steps):
            matrix, gradient = best._with_delay() if delayed else (best.curvature, best.gradient)
            here = np.concatenate([path.numbers for path in best.paths])
            found = None
            while damping < 1e8:
                step = solved(matrix, -gradient, damping)
                delay = best.delay + (float(np.clip(step[-1], -1, 1)) if delayed else 0.0)
                tried = best.moved(here + step[: len(here)], delay)
                if tried.loss < best.loss:
                    found = tried
                    break
                damping *= 8
            if found is None:
                return best
            gained, best, damping = best.loss - found.loss, found, max(damping / 10, 1e-9)
            if gained < _SETTLED * abs(best.loss) + 1e-3:
                return best
        return best

    def _with_delay(self) -> tuple[np.ndarray, np.ndarray]:
        """Curvature and gradient by the numbers and, last, the delay."""
        late = self.gains * self.turn[:, None, None]
        heard = np.einsum("bcjk,bck->bcj", self.statistics.tracks, late) * self.weights[..., None]
        cross = (self.slopes.conj() * np.moveaxis(heard, 2, 0)[self.owners]).sum(axis=(1, 2)).real
        own = float((late.conj() * heard).sum().real)
        pull = -float((late.conj() * self.with_mix * self.weights[..., None]).sum().real)
        return np.block([[self.curvature, cross[:, None]], [cross[None], np.array([[own]])]]), np.append(
            self.gradient, pull
        )


def solved(matrix: np.ndarray, right: np.ndarray, damping: float) -> np.ndarray:
    """Solve with a damped diagonal, scaled, so that large and small numbers are at ease in one system."""
    size = np.sqrt(np.diag(matrix)) + 1e-30
    scaled = matrix / np.outer(size, size) + (damping + 1e-12) * np.eye(len(size))
    return np.asarray(np.linalg.solve(scaled, right / size) / size)


def inverted(matrix: np.ndarray, least: float = 1e-10) -> np.ndarray:
    """Inverse of a matrix of numbers of all sizes, `least` added to its diagonal over what is there."""
    size = np.sqrt(np.diag(matrix)) + 1e-30
    return np.asarray(np.linalg.inv(matrix / np.outer(size, size) + least * np.eye(len(size))) / np.outer(size, size))


def weights(statistics: Statistics, error: np.ndarray) -> np.ndarray:
    """Inverse of the mean squared error in a cell of each band and channel, smoothed over bands, (bands, 2).

    The least error is of the louder channel: a silent one is no surer.
    """
    cells = statistics.cells[:, None]
    error = np.maximum(error, 0)
    smooth, count, energy = (_smoothed(each) for each in (error, np.broadcast_to(cells, error.shape), statistics.mix))
    floor = np.maximum(FLOOR * energy.max(axis=1, keepdims=True), 1e-12 * energy.max())
    return np.asarray(count / np.maximum(np.maximum(smooth, floor), 1e-30))


def _smoothed(values: np.ndarray) -> np.ndarray:
    kernel = np.ones(_SMOOTHED)
    return np.stack([np.convolve(each, kernel, "same") for each in values.T], axis=1)


def _centre(path: Path) -> np.ndarray:
    """Values that priors draw to: no gain of a band; its place and width are drawn to where they are."""
    found = path.numbers.copy()
    found[:LEVEL_NUMBERS] = 0.0, 0.5
    found[LEVEL_NUMBERS + 1 :: BAND_NUMBERS] = 0.0
    return found


def _spread(path: Path) -> np.ndarray:
    return np.array([*_PRIOR_LEVEL, *(_PRIOR_BAND * len(path.bands))])


def start(statistics: Statistics, rate_hz: float, delay: float = 0.0) -> Fit:
    """Levels and pans of all tracks without equaliser, from gains in free bands, at a delay of the mix in samples."""
    centres = statistics.bands.centres_hz
    late = np.exp(2j * np.pi * centres * delay / rate_hz)[:, None, None]
    free = free_gains(replace(statistics, with_mix=statistics.with_mix * late))
    steady = 1 / (1 + np.square(centres / _STEADY_HZ))[:, None]
    weight = weights(statistics, statistics.error(free / late))
    paths = []
    for k in range(statistics.energy.shape[2]):
        energy = statistics.energy[:, :, k] * weight
        sides = (free[:, :, k].real * energy).sum(axis=0) / np.maximum(energy.sum(axis=0), 1e-30)
        turned = bool((free[:, :, k].real * energy * steady).sum() < 0)
        sides = np.maximum(-sides if turned else sides, 0)
        level = float(np.hypot(*sides))
        pan = float(np.arctan2(sides[1], sides[0]) * 2 / np.pi) if level > 0 else 0.5
        gain_db = 20 * np.log10(max(level / np.sqrt(2), 1e-3))
        paths.append(Path(float(gain_db), float(np.clip(pan, 0.02, 0.98)), turned=turned))
    return Fit(statistics, rate_hz, tuple(paths), weight, delay)


def free_gains(statistics: Statistics, together: int = 12) -> np.ndarray:
    """Complex gains that are free in each wide band: (bands, 2, tracks)."""
    found = np.zeros(statistics.with_mix.shape, np.complex128)
    eye = np.eye(statistics.energy.shape[2])
    loudest = statistics.energy.max(axis=(0, 1), initial=0.0)
    for first in range(0, len(statistics.bands), together):
        place = slice(first, first + together)
        for channel in range(2):
            matrix = statistics.tracks[place, channel].sum(axis=0)
            wanted = statistics.with_mix[place, channel].sum(axis=0)
            small = 1e-6 * np.diag(matrix).real + 1e-12 * loudest + 1e-30
            found[place, channel] = np.linalg.solve(matrix + eye * small, wanted)
    return found


def with_paths(fit: Fit, paths: Sequence[Path]) -> Fit:
    """The fit with other paths."""
    return replace(fit, paths=tuple(paths))
