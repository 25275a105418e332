"""How many bands the equaliser of a track has, and which: added one by one while they explain more than noise would."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from mixprior.learning.reverse.fit import Fit, solved
from mixprior.learning.reverse.path import Path, response
from mixprior.mixing.effects.settings import Band

MOST_BANDS = 6
_SHAPES = tuple(
    [Band("peak", f, 1.0, q) for f in 1000 * 2 ** np.arange(-4.5, 4.01, 0.5) for q in (0.5, 1.0, 2.0, 4.0)]
    + [Band(kind, f, 1.0, 0.7) for kind in ("low shelf", "high shelf") for f in 1000 * 2 ** np.arange(-4, 4.01, 1.0)]
)
_TRIED = 3
_STEPS = 30
_ROUGH_STEPS = 6


@lru_cache(maxsize=2)
def _shapes(frequencies_hz: bytes, rate_hz: float) -> np.ndarray:
    """Logarithms of the responses of all shapes at 1 dB, (shapes, frequencies)."""
    hz = np.frombuffer(frequencies_hz)
    return np.log(np.stack([response([band], hz, rate_hz) for band in _SHAPES]))


@dataclass(frozen=True, eq=False)
class Single:
    """One track, with all others as they are: its gains are fitted to what these leave.

    Attributes:
        wanted: gains that explain most, complex128, (bands, 2).
        weights: how much each counts, (bands, 2).
        frequencies_hz: of the bands.
        rate_hz: sample rate.
        penalty: drop of the weighted squared error that a band has to bring.
    """

    wanted: np.ndarray
    weights: np.ndarray
    frequencies_hz: np.ndarray
    rate_hz: float
    penalty: float

    @classmethod
    def of(cls, fit: Fit, track: int) -> Single:
        """A track of a fit."""
        of = fit.statistics
        made = np.einsum("bck,bck->bc", of.tracks[:, :, track], fit.gains)
        energy = of.energy[:, :, track]
        left = fit.with_mix[:, :, track] - made + energy * fit.gains[:, :, track]
        wanted = left / np.maximum(energy, 1e-30)
        return cls(wanted, energy * fit.weights, of.bands.centres_hz, fit.rate_hz, fit.penalty)

    def loss(self, path: Path) -> float:
        """Weighted squared error beyond that of the wanted gains."""
        return float(np.sum(self.weights * np.abs(path.gains(self.frequencies_hz, self.rate_hz) - self.wanted) ** 2))

    def refined(self, path: Path, steps: int = _STEPS) -> Path:
        """Improve all numbers of a path: Levenberg and Marquardt, with a weak pull against wild gains."""
        damping, loss = 1e-3, self.loss(path)
        for _ in range(steps):
            slopes = path.slopes(self.frequencies_hz, self.rate_hz)
            error = (path.gains(self.frequencies_hz, self.rate_hz) - self.wanted) * self.weights
            gradient = (slopes.conj() * error).sum(axis=(1, 2)).real
            flat = (slopes * np.sqrt(self.weights)).reshape(len(slopes), -1)
            matrix = (flat.conj() @ flat.T).real
            matrix += np.diag(1e-2 + 1e-9 * np.diag(matrix))
            gained = 0.0
            while damping < 1e8:
                step = solved(matrix, -gradient, damping)
                tried = path.moved(path.numbers + step)
                gained = loss - self.loss(tried)
                if gained > 0:
                    path, loss, damping = tried, loss - gained, max(damping / 10, 1e-9)
                    break
                damping *= 8
            if gained <= 1e-4 * loss + 1e-3:
                return path
        return path

    def candidates(self, path: Path) -> list[Path]:
        """The path with one band more: those whose shape explains most of what is left."""
        gains = path.gains(self.frequencies_hz, self.rate_hz)
        root = np.sqrt(self.weights)
        base = (path.slopes(self.frequencies_hz, self.rate_hz) * root).reshape(len(path.numbers), -1)
        basis = np.concatenate([base.real, base.imag], axis=1).T
        basis, _ = np.linalg.qr(basis)
        left = ((self.wanted - gains) * root).reshape(-1)
        left = np.concatenate([left.real, left.imag])
        left -= basis @ (basis.T @ left)
        shapes = _shapes(self.frequencies_hz.tobytes(), self.rate_hz)[..., None] * gains * root
        flat = shapes.reshape(len(_SHAPES), -1)
        columns = np.concatenate([flat.real, flat.imag], axis=1)
        columns -= (columns @ basis) @ basis.T
        energies = np.square(columns).sum(axis=1)
        gains_db = columns @ left / np.maximum(energies, 1e-9)
        scored = [
            (float(gains_db[k] ** 2 * energies[k]), band, float(np.clip(gains_db[k], -9, 9)))
            for k, band in enumerate(_SHAPES)
        ]
        scored.sort(key=lambda each: -each[0])
        return [
            replace(path, bands=(*path.bands, Band(band.kind, float(band.frequency_hz), gain_db, band.q)))
            for _, band, gain_db in scored[:_TRIED]
        ]


def with_bands(fit: Fit, track: int, most: int = MOST_BANDS, anew: bool = False) -> Path:
    """The path of a track with the bands that it needs, all others as they are.

    Args:
        fit: of all tracks.
        track: number of the track.
        most: bands that it may have.
        anew: also begin without bands, and keep what explains more by its bands: bands that were found while other
            tracks were not known may stand for others.
    """
    single = Single.of(fit, track)
    grown = _grown(single, fit.paths[track], most)
    if not anew or not grown.bands:
        return grown
    other = _grown(single, replace(fit.paths[track], bands=()), most)
    return min(grown, other, key=lambda path: single.loss(path) + single.penalty * len(path.bands))


def _grown(single: Single, path: Path, most: int) -> Path:
    path = single.refined(path)
    loss = single.loss(path)
    while len(path.bands) < most:
        tried = [single.refined(each, _ROUGH_STEPS) for each in single.candidates(path)]
        best = single.refined(min(tried, key=single.loss))
        found = single.loss(best)
        if loss - found < single.penalty + 1e-3 * loss:
            break
        path, loss = best, found
    return path


def without_idle_bands(fit: Fit, track: int) -> Path:
    """The path of a track without bands that explain no more than noise would: they make others look unsure."""
    single = Single.of(fit, track)
    path = fit.paths[track]
    loss = single.loss(path)
    for band in sorted(path.bands, key=lambda each: abs(each.gain_db)):
        fewer = replace(path, bands=tuple(each for each in path.bands if each is not band))
        tried = single.refined(fewer, _ROUGH_STEPS)
        if single.loss(tried) - loss < single.penalty + 1e-3 * loss:
            path, loss = tried, single.loss(tried)
    return path
