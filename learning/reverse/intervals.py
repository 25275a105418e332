"""How sure fitted numbers are: the sandwich covariance with scores clustered by time and by frequency.

What a fit leaves is no white noise: a reverb that is not in the model, a coder, a compressor leave errors that hang
together over time in a band, and over bands in a frame. Scores are summed within frames and within bands of a third of
an octave, and the larger variance counts (two-way clusters: Cameron, Gelbach and Miller, "Robust inference with
multiway clustering", JBES 29(2), 2011).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy.stats

from mixprior.learning.reverse import coding
from mixprior.learning.reverse.fit import Fit, inverted
from mixprior.learning.reverse.material import Material
from mixprior.learning.reverse.statistics import BANDS_PER_OCTAVE

COVERS = 0.90
"""Share of intervals that are meant to hold the truth: `docs/reverse.md`."""
OVERLAPPED = 1.5
"""Frames overlap by half: neighbours share what they heard."""
SURE = 1e-12
"""Of the curvature that intervals are of, summed in double precision: rounding hides that two numbers do the same."""


@dataclass(frozen=True, eq=False)
class Spread:
    """Uncertainty of the numbers of a fit.

    Attributes:
        inverse: of the curvature, (numbers, numbers): the covariance if errors were white.
        frames: scores of each frame, through `inverse`, (frames, numbers).
        bands: the same of thirds of an octave, (thirds, numbers).
        degrees: of freedom of each track: how many frames hold most of it, less one.
        owners: track of each number.
        noise: root of what is left over the mix where each track sounds, (tracks, bands).
        acting: degrees of freedom of compressors, by the number of the track: of the frames in which they act.
    """

    inverse: np.ndarray
    frames: np.ndarray
    bands: np.ndarray
    degrees: np.ndarray
    owners: np.ndarray
    noise: np.ndarray
    acting: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, fit: Fit, material: Material) -> Spread:
        """Read the material once more."""
        frames, bands, energy, noise = _scores(fit, material)
        inverse = inverted(fit.curvature, SURE)
        return cls(inverse, frames @ inverse, bands @ inverse, degrees(energy), fit.owners, noise)

    def half_width(self, slopes: np.ndarray, track: int, of_compressor: bool = False) -> float:
        """Half of the interval of a figure with these derivatives by the numbers of all tracks."""
        white = float(slopes @ self.inverse @ slopes)
        by_frame = OVERLAPPED * float(np.square(self.frames @ slopes).sum())
        by_band = OVERLAPPED * float(np.square(self.bands @ slopes).sum())
        degrees = self.acting[track] if of_compressor else float(self.degrees[track])
        variance = max(white, by_frame * (degrees + 1) / degrees, by_band, by_frame + by_band - OVERLAPPED * white)
        return float(np.sqrt(variance) * scipy.stats.t.ppf((1 + COVERS) / 2, degrees))

    def likeness(self) -> np.ndarray:
        """Correlation of the errors of the tracks' gains, (tracks, tracks)."""
        first = np.unique(self.owners, return_index=True)[1]
        part = self.inverse[np.ix_(first, first)]
        size = np.sqrt(np.diag(part))
        return np.asarray(part / np.outer(size, size))


def degrees(energy: np.ndarray) -> np.ndarray:
    """How many frames hold most of an energy by frame, (frames, ...), less one."""
    held = np.square(energy.sum(axis=0)) / np.maximum(np.square(energy).sum(axis=0), 1e-30)
    return np.asarray(np.maximum(held / OVERLAPPED - 1, 1.0))


def _scores(fit: Fit, material: Material) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scores by frame and by third of an octave, (frames, numbers) and (thirds, numbers); energies; noise."""
    bands = fit.statistics.bands
    widths = np.diff(bands.edges)
    spread = np.repeat(fit.gains, widths, axis=0).transpose(2, 1, 0)  # (tracks, 2, bins)
    first = int(bands.edges[0])
    thirds = np.arange(len(bands)) // (BANDS_PER_OCTAVE // 3)
    weighted = fit.slopes.conj() * fit.weights  # (numbers, bands, 2)
    by_frame, energy = [], []
    by_band = np.zeros((int(thirds[-1]) + 1, len(fit.owners)))
    noise, whole = np.zeros((2, len(fit.paths), len(bands)))
    for frame in material.frames(bands.bins):
        sounds, left = frame[:-1, :, first:], frame[-1, :, first:]
        left = left - (spread * sounds).sum(axis=0)
        cross = np.add.reduceat(sounds.conj() * left, bands.edges[:-1] - first, axis=2)  # (tracks, 2, bands)
        scores = (weighted * cross[fit.owners].transpose(0, 2, 1)).real.sum(axis=2)  # (numbers, bands)
        by_frame.append(scores.sum(axis=1))
        np.add.at(by_band, thirds, scores.T)
        parts = [_by_band(each, bands.edges[:-1] - first) for each in (sounds, frame[-1, :, first:], left)]
        noise += coding.noise(*parts)
        whole += parts[0]
        energy.append(parts[0].sum(axis=1))
    return np.array(by_frame), by_band, np.array(energy), noise / np.maximum(whole, 1e-30)


def _by_band(spectra: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Energy of both channels in bands, (..., 2, bins) to (..., bands)."""
    power = np.square(np.abs(spectra)).sum(axis=-2, dtype=np.float64)
    return np.asarray(np.add.reduceat(power, edges, axis=-1))
