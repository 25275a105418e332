"""What a compressor would do to a sound, foretold from the energies of short blocks, a few thousand times as fast."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numba
import numpy as np

from mixprior.mixing.effects.compressor import DETECTOR_S, static_reduction_db
from mixprior.mixing.effects.settings import CompressorSettings
from mixprior.stats.loudness_blocks import BLOCKS_PER_S, PARTS_PER_BLOCK, Blocks
from mixprior.stats.measures import dynamics, onsets
from mixprior.stats.measures.loudness_range import loudness_range_100ms_lu, loudness_range_lu
from mixprior.stats.stem import SAMPLE_RATE_HZ

RANGES: dict[str, Callable[[np.ndarray], float | None]] = {"ebu": loudness_range_lu, "100ms": loudness_range_100ms_lu}
"""Loudness ranges by what is measured: EBU Tech 3342, and its rule on single blocks of 100 ms."""

_SPLIT = 4  # blocks of 5 ms in each 20 ms of K-weighted energy
_PER_BLOCK = PARTS_PER_BLOCK * _SPLIT
_PEAK_BLOCK = 44  # samples, 1 ms: short against every attack
_FLOOR = 1e-15  # mean square of silence
_POWER_PER_DB = math.log(10) / 10


class Model(Protocol):
    """A number that a compressor changes.

    Attributes:
        top_db: loudest level of the sound as the compressor's detector sees it; no threshold above it does anything.
    """

    top_db: float

    def predict(self, settings: CompressorSettings) -> float | None:
        """The number after that compressor, foretold; None where it could not be measured."""

    def measure(self, audio: np.ndarray, blocks: Blocks, gain_db: float) -> float | None:
        """The number of a sound of these energies after a gain; None where it cannot be measured."""


class RangeModel:
    """The loudness range after a compressor.

    The K-weighted energy of 20 ms is shared out to blocks of 5 ms as the plain energy is, and multiplied by the square
    of the compressor's gain there. What is lost in energy over the whole is given back, as the makeup does.

    Args:
        audio: float32, (2, samples).
        rate_hz: sample rate.
        blocks: its energies.
        range_lu: one of `RANGES`.
    """

    def __init__(
        self, audio: np.ndarray, rate_hz: int, blocks: Blocks, range_lu: Callable[[np.ndarray], float | None]
    ) -> None:
        self._range_lu = range_lu
        edges = np.arange(blocks.plain.shape[1] * _PER_BLOCK + 1) * round(rate_hz / BLOCKS_PER_S) // _PER_BLOCK
        plain, _ = _energies_and_peaks(audio, edges)
        self._block_s = 1 / (BLOCKS_PER_S * _PER_BLOCK)
        self._level_db = _detected_db(plain, self._block_s)
        self.top_db = float(self._level_db.max(initial=-math.inf))
        parts = plain.sum(axis=0).reshape(-1, _SPLIT) + _FLOOR
        share = parts / parts.sum(axis=1, keepdims=True) / PARTS_PER_BLOCK
        self._weighted = (share * blocks.weighted_20ms.sum(axis=0)[:, np.newaxis]).reshape(-1, _PER_BLOCK)
        self._energy = self._weighted.sum()

    def predict(self, settings: CompressorSettings) -> float | None:
        """See `Model`."""
        reduction_db = _reduction_db(self._level_db, self._block_s, settings)
        after = _attenuated(self._weighted, reduction_db.reshape(-1, _PER_BLOCK))
        return self._range_lu(after * (self._energy / max(after.sum(), _FLOOR)))

    def measure(self, audio: np.ndarray, blocks: Blocks, gain_db: float) -> float | None:
        """See `Model`."""
        return self._range_lu(blocks.weighted * 10 ** (gain_db / 10))


class OnsetModel:
    """The mean of the loudest onset peaks after a compressor: `stats.measures.dynamics.onset_peaks_db` at 44.1 kHz.

    The largest sample of every millisecond gets the compressor's gain there. Onsets are taken to stay where they are.

    Args:
        audio: float32, (2, samples), at 44.1 kHz, with sound in it.
    """

    def __init__(self, audio: np.ndarray) -> None:
        edges = np.arange(0, audio.shape[1] + 1, _PEAK_BLOCK)
        energy, peak = _energies_and_peaks(audio, edges)
        self._block_s = _PEAK_BLOCK / SAMPLE_RATE_HZ
        self._level_db = _detected_db(energy, self._block_s)
        self.top_db = float(self._level_db.max(initial=-math.inf))
        self._peak_db = 20 * np.log10(np.maximum(peak, math.sqrt(_FLOOR)))
        gain = 10 ** (dynamics.PEAK_DBFS / 20) / np.abs(audio).max()
        self._starts = [onsets.find(channel, SAMPLE_RATE_HZ, gain) // _PEAK_BLOCK for channel in audio]

    def predict(self, settings: CompressorSettings) -> float | None:
        """See `Model`."""
        after_db = self._peak_db - _reduction_db(self._level_db, self._block_s, settings)
        means = [
            _loudest_mean_db(np.maximum.reduceat(channel, starts))
            for channel, starts in zip(after_db, self._starts, strict=True)
            if starts.size
        ]
        return float(np.mean(means) - after_db.max() + dynamics.PEAK_DBFS) if means else None

    def measure(self, audio: np.ndarray, blocks: Blocks, gain_db: float) -> float | None:
        """See `Model`; neither the energies nor the gain are looked at."""
        found = dynamics.onset_peaks_db(audio)
        return found[0] if found else None


def _loudest_mean_db(peaks_db: np.ndarray) -> float:
    loudest = peaks_db[peaks_db > np.percentile(peaks_db, dynamics.PERCENTILE)]
    return float((loudest if loudest.size else peaks_db).mean())


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nnan", "nsz"})
def _energies_and_peaks(audio: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Mean square and largest |x| between neighbouring edges, each of shape (channels, blocks).
    energy, peak = np.zeros((audio.shape[0], edges.size - 1)), np.zeros((audio.shape[0], edges.size - 1), np.float32)
    for channel in range(audio.shape[0]):
        for block in range(edges.size - 1):
            total, largest = np.float32(0), np.float32(0)
            for sample in audio[channel, edges[block] : edges[block + 1]]:
                total += sample * sample
                largest = max(largest, abs(sample))
            energy[channel, block] = total / (edges[block + 1] - edges[block])
            peak[channel, block] = largest
    return energy, peak


@numba.njit(cache=True, nogil=True)
def _attenuated(energy: np.ndarray, reduction_db: np.ndarray) -> np.ndarray:
    # Sum of every row after the reduction.
    after = np.zeros(energy.shape[0])
    for row in range(energy.shape[0]):
        for column in range(energy.shape[1]):
            if reduction_db[row, column] > 0:
                after[row] += energy[row, column] * math.exp(-_POWER_PER_DB * reduction_db[row, column])
            else:
                after[row] += energy[row, column]
    return after


def _within(time_s: float, block_s: float) -> tuple[float, float]:
    # What a one-pole smoothing keeps of its distance to a constant: at the end of a block, and in the mean over it.
    if not time_s:
        return 0.0, 0.0
    kept = math.exp(-block_s / time_s)
    return kept, time_s / block_s * (1 - kept)


@numba.njit(cache=True, nogil=True)
def _smoothed(energy: np.ndarray, kept: float, kept_mean: float) -> np.ndarray:
    mean = np.empty_like(energy)
    for channel in range(energy.shape[0]):
        state = 0.0
        for block in range(energy.shape[1]):
            away = state - energy[channel, block]
            mean[channel, block] = energy[channel, block] + away * kept_mean
            state = energy[channel, block] + away * kept
    return mean


def _detected_db(energy: np.ndarray, block_s: float) -> np.ndarray:
    # The compressor's level in each block.
    level = _smoothed(energy, *_within(DETECTOR_S, block_s)).max(axis=0, initial=0.0)
    return 10 * np.log10(np.maximum(level, _FLOOR))


def _reduction_db(level_db: np.ndarray, block_s: float, settings: CompressorSettings) -> np.ndarray:
    # The compressor's mean reduction in each block.
    return _smooth_branching(
        level_db,
        settings.threshold_dbfs,
        settings.ratio,
        settings.knee_db,
        _within(settings.attack_s, block_s),
        _within(settings.release_s, block_s),
    )


@numba.njit(cache=True, nogil=True)
def _smooth_branching(
    level_db: np.ndarray,
    threshold_db: float,
    ratio: float,
    knee_db: float,
    attack: tuple[float, float],
    release: tuple[float, float],
) -> np.ndarray:
    mean_db = np.empty_like(level_db)
    state_db = 0.0
    for block in range(level_db.size):
        wanted_db = static_reduction_db(level_db[block], threshold_db, ratio, knee_db)
        kept, kept_mean = attack if wanted_db > state_db else release
        mean_db[block] = wanted_db + (state_db - wanted_db) * kept_mean
        state_db = wanted_db + (state_db - wanted_db) * kept
    return mean_db
