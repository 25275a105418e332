"""Cross-spectra of tracks and mix, summed over a song: all that a linear mix can be fitted by.

A mix through linear effects is, in each channel and band, a sum of tracks times complex gains. The squared error of any
such gains is a quadratic form in the cross-spectra, so that a song is read once, however many gains are tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy.fft

from mixprior.learning.reverse.material import Material

BANDS_PER_OCTAVE = 48
LOWEST_HZ, HIGHEST_HZ = 20.0, 20_000.0
_TOGETHER = 4


@dataclass(frozen=True, eq=False)
class Bands:
    """Narrow bands, in which gains are taken as constant.

    Attributes:
        edges: first bins of the bands, and the one after the last, int, (bands + 1,).
        centres_hz: float64, (bands,).
    """

    edges: np.ndarray
    centres_hz: np.ndarray

    @classmethod
    def of(cls, material: Material) -> Bands:
        """Bands of a 48th of an octave, or one bin where that is wider, from 20 Hz to 20 kHz or near half the rate."""
        bin_hz = material.rate_hz / material.frame
        highest = min(HIGHEST_HZ, 0.49 * material.rate_hz)
        count = int(np.log2(highest / LOWEST_HZ) * BANDS_PER_OCTAVE)
        wanted = LOWEST_HZ * 2 ** (np.arange(count + 1) / BANDS_PER_OCTAVE)
        edges = np.unique(np.maximum(np.round(wanted / bin_hz).astype(int), 1))
        return cls(edges, (edges[:-1] + edges[1:] - 1) / 2 * bin_hz)

    def __len__(self) -> int:
        return len(self.centres_hz)

    @property
    def bins(self) -> int:
        """Bins that a spectrum has to have."""
        return int(self.edges[-1])


@dataclass(frozen=True, eq=False)
class Statistics:
    """Sums over frames and the bins of a band.

    Attributes:
        bands: the bands.
        tracks: conj(X_j) X_k of the tracks, complex128, (bands, 2, tracks, tracks).
        with_mix: conj(X_k) M, complex128, (bands, 2, tracks).
        mix: |M|^2, float64, (bands, 2).
        cells: bins times frames of each band, float64, (bands,).
    """

    bands: Bands
    tracks: np.ndarray
    with_mix: np.ndarray
    mix: np.ndarray
    cells: np.ndarray

    @classmethod
    def of(cls, material: Material) -> Statistics:
        """Read the material once."""
        bands = Bands.of(material)
        count = len(material.names) + 1
        total = np.zeros((len(bands), 2, count, count), np.complex128)
        waiting: list[np.ndarray] = []
        for number, frame in enumerate(material.frames(bands.bins), 1):
            waiting.append(frame)
            if len(waiting) == _TOGETHER or number == len(material.starts):
                _add(total, np.stack(waiting, axis=2), bands.edges)
                waiting = []
        cells = np.diff(bands.edges) * float(len(material.starts))
        return cls(bands, total[:, :, :-1, :-1], total[:, :, :-1, -1], total[:, :, -1, -1].real, cells)

    @cached_property
    def energy(self) -> np.ndarray:
        """|X_k|^2, float64, (bands, 2, tracks)."""
        return np.ascontiguousarray(np.diagonal(self.tracks, axis1=2, axis2=3).real)

    def likeness(self) -> np.ndarray:
        """How alike the tracks are but for gain, pan and equaliser: 0 to 1, (tracks, tracks)."""
        size = np.sqrt(self.energy)
        whole = np.einsum("bcj,bck->jk", size, size)
        return np.asarray(np.abs(self.tracks).sum(axis=(0, 1)) / np.maximum(whole, 1e-30))

    def below(self, count: int) -> Statistics:
        """The first bands alone."""
        bands = Bands(self.bands.edges[: count + 1], self.bands.centres_hz[:count])
        return Statistics(bands, self.tracks[:count], self.with_mix[:count], self.mix[:count], self.cells[:count])

    def error(self, gains: np.ndarray) -> np.ndarray:
        """Squared error of complex gains, (bands, 2, tracks): float64, (bands, 2)."""
        made = np.einsum("bcjk,bck->bcj", self.tracks, gains)
        return np.asarray((np.conj(gains) * (made - 2 * self.with_mix)).sum(axis=2).real + self.mix)


@dataclass(frozen=True, eq=False)
class Power:
    """Energy of the tracks as they are, each sample counted once: what a change of their level is a change of.

    Frames are no substitute: their windows count some moments of a beat more than others.

    Attributes:
        centres_hz: of bands of a 48th of an octave, to 20 kHz also where the mix holds less, float64, (bands,).
        energy: of both channels together, float64, (bands, tracks).
    """

    centres_hz: np.ndarray
    energy: np.ndarray

    @classmethod
    def of(cls, material: Material) -> Power:
        """Read what is counted once, a track at a time."""
        bands = Bands.of(material)
        edges_hz = (bands.edges - 0.5) * material.rate_hz / material.frame
        energy = np.zeros((len(bands), len(material.tracks)))
        for start, stop in material.counted:
            edges = np.ceil(edges_hz * (stop - start) / material.rate_hz).astype(int)
            for k, track in enumerate(material.tracks):
                power = np.square(np.abs(scipy.fft.rfft(track[:, start:stop]))).sum(axis=0, dtype=np.float64)
                summed = np.concatenate([[0.0], np.cumsum(power)])
                energy[:, k] += np.diff(summed[np.minimum(edges, power.size)]) / (stop - start)
        return cls(bands.centres_hz, energy)


def _add(total: np.ndarray, frames: np.ndarray, edges: np.ndarray) -> None:
    """Add what frames, (tracks + 1, 2, frames, bins), hold."""
    count = len(frames)
    for band, (first, last) in enumerate(pairwise(edges)):
        for channel in range(2):
            piece = frames[:, channel, :, first:last].reshape(count, -1)
            total[band, channel] += piece.conj() @ piece.T
