"""All numbers of a mix with compressors together: direct paths and compressors, rendered by the very effects.

Direct paths are fitted to compressed tracks, and compressors to equalised ones, each with the other as it is. Errors
of one that the other compensates are seen only where both move at once. So at the end all numbers are fitted together:
what a small step of each changes in the mix is rendered, by bands for tracks without a compressor, and all steps are
taken at once (Levenberg and Marquardt). The same slopes give the intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np

from mixprior.learning.reverse import fit as fits
from mixprior.learning.reverse.compression import Numbers, clipped
from mixprior.learning.reverse.fit import Fit
from mixprior.learning.reverse.intervals import SURE, Spread, degrees
from mixprior.learning.reverse.material import Material
from mixprior.learning.reverse.path import BAND_NUMBERS, LEVEL_NUMBERS, Path
from mixprior.learning.reverse.rendering import BAND_STEPS, COMPRESSOR_STEPS, changes, gain, rendered
from mixprior.learning.reverse.statistics import BANDS_PER_OCTAVE, Statistics

ENOUGH_DB = -80.0
"""Nothing is improved where no more than this is left of the mix."""
_SETTLED = 1e-3
"""Share of the loss that a step has to bring."""
_IDLE = 1e-4
"""Share of the loss that a band has to bring, beside the penalty of a fit."""
_LEAST_BAND = 1e-9
"""Error in a band, over the energy of the loudest, below which it does not count: it is inaudible."""
_ALIKE = 1.1
"""Numbers are not determined where others leave less than so many times as much."""


@dataclass(frozen=True, eq=False)
class Joint:
    """Direct paths and compressors of a mix.

    Attributes:
        fit: its paths are the direct paths, its weights those of the errors.
        numbers: of compressors, by the number of the track.
        material: tracks as they are, and the mix, not late and not turned against them.
    """

    fit: Fit
    numbers: Mapping[int, Numbers]
    material: Material

    @cached_property
    def owners(self) -> np.ndarray:
        """Track of each number: of the paths, then of the compressors."""
        of_compressors = np.repeat(list(self.numbers), [len(each) for each in self.numbers.values()])
        return np.concatenate([self.fit.owners, of_compressors.astype(int)])

    def refined(self, steps: int) -> Joint:
        """Improve all numbers together."""
        best, damping = self.reweighted(), 1e-5
        for _ in range(steps):
            if best.left_db < ENOUGH_DB:
                return best
            matrix, gradient = best.system
            found = None
            while damping < 1e6:
                tried = best.moved(fits.solved(matrix, -gradient, damping))
                if tried.loss < best.loss:
                    found = tried
                    break
                damping *= 10
            if found is None:
                return best
            gained, before = best.loss - found.loss, best.loss
            best, damping = found._without_idle_bands(matrix).reweighted(), max(damping / 10, 1e-9)
            if gained < _SETTLED * before:
                return best
        return best

    def linear(self) -> tuple[Fit, Material]:
        """The mix as one of compressed tracks and equalisers after them: to these, all else is linear, and is fitted.

        An equaliser before a compressor and one after it are not quite the same: what differs is taken out of the mix.
        """
        tracks = self.material.tracks.copy()
        for k, numbers in self.numbers.items():
            tracks[k] *= gain(self.fit.paths[k], numbers, self.material, k)
        squeezed = replace(self.material, tracks=tracks)
        mix = self.left.copy()
        for k, path in enumerate(self.fit.paths):
            mix += rendered(path, None, squeezed, k)
        squeezed = replace(squeezed, mix=mix)
        statistics = Statistics.of(squeezed).below(len(self.fit.statistics.bands))
        return replace(self.fit, statistics=statistics), squeezed

    def moved(self, step: np.ndarray) -> Joint:
        """All numbers a step further, each kept within what effects take."""
        count = len(self.fit.owners)
        here = np.concatenate([path.numbers for path in self.fit.paths])
        of_compressors = step[count:].reshape(len(self.numbers), -1)
        numbers = {k: clipped(each + own) for (k, each), own in zip(self.numbers.items(), of_compressors, strict=True)}
        return replace(self, fit=self.fit.moved(here + step[:count]), numbers=numbers)

    def _without_idle_bands(self, matrix: np.ndarray) -> Joint:
        """Without the bands that bring no more than noise would, others moved so that they compensate for them."""
        inverse = fits.inverted(matrix)
        here = np.concatenate([path.numbers for path in self.fit.paths])
        gains = np.concatenate(
            [
                np.flatnonzero(self.fit.owners == k)[LEVEL_NUMBERS + 1 :: BAND_NUMBERS]
                for k in range(len(self.fit.paths))
            ]
        )
        idle, spent, least = gains[:0], 0.0, self.fit.penalty + _IDLE * self.loss
        for place in sorted(gains, key=lambda each: here[each] ** 2 / inverse[each, each]):
            tried = np.append(idle, place)
            cost = 0.5 * float(here[tried] @ np.linalg.solve(inverse[np.ix_(tried, tried)], here[tried]))
            if cost - spent < least:
                idle, spent = tried, cost
        if not idle.size:
            return self
        step = -inverse[:, idle] @ np.linalg.solve(inverse[np.ix_(idle, idle)], here[idle])
        moved, paths, at = self.moved(step), [], 0
        for path in moved.fit.paths:
            kept = [band for k, band in enumerate(path.bands) if at + LEVEL_NUMBERS + 1 + BAND_NUMBERS * k not in idle]
            at += len(path.numbers)
            paths.append(replace(path, bands=tuple(kept)))
        fewer = replace(moved, fit=fits.with_paths(moved.fit, paths))
        return fewer if fewer.loss < self.loss + 2 * least * idle.size else self

    def reweighted(self) -> Joint:
        """With weights by the error that is left."""
        of = self.fit.statistics
        least = _LEAST_BAND * of.mix.sum(axis=1).max()
        same = replace(self, fit=replace(self.fit, weights=fits.weights(of, np.maximum(self.error, least))))
        same.__dict__.update({name: self.__dict__[name] for name in ("left", "error")})
        return same

    @property
    def left_db(self) -> float:
        """Energy of what is left over that of the mix."""
        whole = self.fit.statistics.mix.sum()
        return float(10 * np.log10(max(self.error.sum() / whole, 1e-30)))

    @property
    def unlike(self) -> float:
        """Error, each band counted by the energy that it has: so that loud bands do not outweigh the others."""
        whole = self.fit.statistics.mix.sum(axis=1)
        return float(np.mean(np.log(self.error.sum(axis=1) / whole + 1e-9)))

    @cached_property
    def left(self) -> np.ndarray:
        """What is left of the mix, float32, (2, samples)."""
        left = self.material.mix.copy()
        for k, path in enumerate(self.fit.paths):
            left -= rendered(path, self.numbers.get(k), self.material, k)
        return left

    @cached_property
    def error(self) -> np.ndarray:
        """Squared error, (bands, 2)."""
        of, bands = self.material, self.fit.statistics.bands
        total = np.zeros((2, bands.bins))
        for start in of.starts:
            total += np.square(np.abs(of.spectra(self.left, int(start), bands.bins)))
        return np.asarray(np.add.reduceat(total, bands.edges[:-1], axis=1).T)

    @cached_property
    def loss(self) -> float:
        """Weighted squared error and what the priors add, halved."""
        return 0.5 * float(np.sum(self.fit.weights * self.error)) + self.fit.prior_loss

    @cached_property
    def system(self) -> tuple[np.ndarray, np.ndarray]:
        """Curvature and gradient of the loss by all numbers."""
        count = len(self.owners)
        matrix, gradient = np.zeros((count, count)), np.zeros(count)
        for slopes, left in self._frames():
            matrix += slopes @ slopes.T
            gradient -= slopes @ left
        gradient[: len(self.fit.owners)] += self.fit.numbers * np.square(self.fit.prior)
        return matrix + np.diag(self._prior), gradient

    @property
    def _prior(self) -> np.ndarray:
        """What the priors add to the diagonal of the curvature."""
        return np.concatenate([np.square(self.fit.prior), np.zeros(len(self.owners) - len(self.fit.owners))])

    def spread(self, plain: Spread) -> Spread:
        """How sure all numbers are together; `plain` of the direct paths to compressed tracks.

        Of a compressor that acts seldom only the frames in which it acts count.
        """
        bands = self.fit.statistics.bands
        thirds = np.flatnonzero(np.diff(np.arange(len(bands)) // (BANDS_PER_OCTAVE // 3), prepend=-1))
        edges = bands.edges[thirds] - bands.edges[0]
        by_frame, by_band, energies = [], np.zeros((len(self.owners), len(edges))), []
        matrix = np.diag(self._prior)
        for slopes, left in self._frames():
            exact = slopes.astype(np.float64)
            matrix += exact @ exact.T
            products = (slopes * left).reshape(len(slopes), 2, -1, 2).sum(axis=(1, 3), dtype=np.float64)
            by_frame.append(products.sum(axis=1))
            by_band += np.add.reduceat(products, edges, axis=1)
            energies.append(np.square(slopes).sum(axis=1, dtype=np.float64))
        inverse, acting = fits.inverted(matrix, SURE), degrees(np.array(energies))
        return replace(
            plain,
            inverse=inverse,
            frames=np.array(by_frame) @ inverse,
            bands=by_band.T @ inverse,
            owners=self.owners,
            acting={k: float(acting[self.owners == k][-len(each) :].min()) for k, each in self.numbers.items()},
        )

    def is_determined(self, track: int) -> bool:
        """Whether the mix determines threshold, ratio and knee of a compressor.

        Below the upper end of the knee two numbers say all: where it begins, and the ratio's (1 - 1 / ratio) over its
        width. Where a knee of other width that shares them leaves about as much of the mix, the three are open.
        """
        threshold_db, log_ratio, *times, knee_db = self.numbers[track]
        for factor in (2**-0.5, 2**0.5):
            slope = (1 - np.exp(-log_ratio)) * factor
            if slope >= 1:
                continue
            moved_db = threshold_db + knee_db / 2 * (factor - 1)
            other = np.array([moved_db, -np.log(1 - slope), *times, knee_db * factor])
            if replace(self, numbers={**self.numbers, track: other}).error.sum() < _ALIKE * self.error.sum():
                return False
        return True

    def reduction(self, track: int) -> tuple[float, np.ndarray]:
        """By how much a compressor lowers the level of its track, in dB, and the derivatives by all numbers."""
        path, numbers = self.fit.paths[track], self.numbers[track]
        slopes = np.zeros(len(self.owners))
        places = np.flatnonzero(self.owners == track)
        value = self.lower_db(track)
        for place, step in zip(places[-len(numbers) :], np.diag(COMPRESSOR_STEPS), strict=True):
            slopes[place] = (self._lower_db(path, numbers + step, track) - value) / step.max()
        for k, step in enumerate(np.tile(BAND_STEPS, len(path.bands)), LEVEL_NUMBERS):
            moved = path.numbers
            moved[k] += step
            slopes[places[k]] = (self._lower_db(path.moved(moved), numbers, track) - value) / step
        return value, slopes

    def lower_db(self, track: int) -> float:
        """By how much a compressor lowers the level of its track."""
        return self._lower_db(self.fit.paths[track], self.numbers[track], track)

    def _lower_db(self, path: Path, numbers: Numbers, track: int) -> float:
        centred = replace(path, pan=0.5)
        energies = [
            sum(float(np.square(made[:, a:b], dtype=np.float64).sum()) for a, b in self.material.counted)
            for made in (rendered(centred, each, self.material, track) for each in (None, numbers))
        ]
        return float(10 * np.log10((energies[0] + 1e-30) / (energies[1] + 1e-30)))

    def _frames(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Weighted spectra of slopes, (numbers, values), and of what is left, (values,): float32, frame by frame."""
        of, bands = self.material, self.fit.statistics.bands
        first, widths = int(bands.edges[0]), np.diff(bands.edges)
        root = np.repeat(np.sqrt(self.fit.weights), widths, axis=0).T.astype(np.float32)  # (2, bins)
        plain = np.flatnonzero(~np.isin(self.fit.owners, list(self.numbers)))
        hz = np.arange(first, bands.bins) * of.rate_hz / of.frame
        paths = [path for k, path in enumerate(self.fit.paths) if k not in self.numbers]
        by_bin = [path.slopes(hz, of.rate_hz).transpose(0, 2, 1).astype(np.complex64) * root for path in paths]
        of_plain = np.concatenate(by_bin) if paths else np.empty((0, *root.shape), np.complex64)
        places, columns = self._columns
        for start in of.starts:
            slopes = np.empty((len(self.owners), *root.shape), np.complex64)
            tracks = of.spectra(of.tracks, int(start), bands.bins)[..., first:]
            slopes[plain] = of_plain * tracks[self.fit.owners[plain]]
            slopes[places] = of.spectra(columns, int(start), bands.bins)[..., first:] * root
            left = of.spectra(self.left, int(start), bands.bins)[:, first:] * root  # contiguous
            yield slopes.reshape(len(slopes), -1).view(np.float32), left.reshape(-1).view(np.float32)

    @cached_property
    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Places of the numbers of compressed tracks, and what a step of one changes, (numbers, 2, samples)."""
        places = np.concatenate([np.flatnonzero(self.owners == k) for k in self.numbers])
        columns = np.empty((len(places), *self.material.mix.shape), np.float32)
        changed = (changes(self.fit.paths[k], each, self.material, k) for k, each in self.numbers.items())
        for column, change in zip(columns, chain.from_iterable(changed), strict=True):
            column[:] = change
        return places, columns
