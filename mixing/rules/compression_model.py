"""What a compressor would do to a sound, predicted from the energies of short blocks, a few thousand times as fast."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numba
import numpy as np

from mixprior.mixing.effects.ballistics import keeps, smoothed, static_reduction_db
from mixprior.mixing.effects.compressor import DETECTOR_S
from mixprior.mixing.effects.settings import CompressorSettings
from mixprior.stats.loudness_blocks import BLOCKS_PER_S, PARTS_PER_BLOCK
from mixprior.stats.measures import dynamics, onsets
from mixprior.stats.measures.loudness_range import loudness_range_100ms_lu, loudness_range_lu
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

RANGES: dict[str, Callable[[Sound], float | None]] = {
    "ebu": lambda sound: sound.loudness_range_lu,
    "100ms": lambda sound: sound.loudness_range_100ms_lu,
}
"""Loudness ranges by what is measured: EBU Tech 3342, and its rule on single blocks of 100 ms."""

_OF_ENERGIES = {"ebu": loudness_range_lu, "100ms": loudness_range_100ms_lu}
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
        """The number after that compressor, predicted; None where it could not be measured."""

    def measure(self, sound: Sound, gain_db: float) -> float | None:
        """The number of a sound after a gain; None where it cannot be measured."""


class RangeModel:
    """The loudness range after a compressor.

    The K-weighted energy of 20 ms is shared out to blocks of 5 ms as the plain energy is, and multiplied by the square
    of the compressor's gain there. What is lost in energy over the whole is given back, as the makeup does.

    Args:
        sound: two channels.
        measure: one of `RANGES`.
    """

    def __init__(self, sound: Sound, measure: str) -> None:
        self._range_lu = _OF_ENERGIES[measure]
        blocks = sound.blocks
        edges = np.arange(blocks.plain.shape[1] * _PER_BLOCK + 1) * round(sound.rate_hz / BLOCKS_PER_S) // _PER_BLOCK
        plain, _ = _energies_and_peaks(np.ascontiguousarray(sound.audio), edges)
        self._blocks_per_s = BLOCKS_PER_S * _PER_BLOCK
        self._level_db = _detected_db(plain, self._blocks_per_s)
        self.top_db = float(self._level_db.max(initial=-math.inf))
        parts = plain.sum(axis=0).reshape(-1, _SPLIT) + _FLOOR
        share = parts / parts.sum(axis=1, keepdims=True) / PARTS_PER_BLOCK
        self._weighted = (share * blocks.weighted_20ms.sum(axis=0)[:, np.newaxis]).reshape(-1, _PER_BLOCK)
        self._energy = self._weighted.sum()

    def predict(self, settings: CompressorSettings) -> float | None:
        """See `Model`."""
        reduction_db = _reduction_db(self._level_db, self._blocks_per_s, settings)
        after = _attenuated(self._weighted, reduction_db.reshape(-1, _PER_BLOCK))
        return self._range_lu(after * (self._energy / max(after.sum(), _FLOOR)))

    def measure(self, sound: Sound, gain_db: float) -> float | None:
        """See `Model`."""
        return self._range_lu(sound.blocks.weighted * 10 ** (gain_db / 10))


class OnsetModel:
    """The mean of the loudest onset peaks after a compressor: `stats.measures.dynamics.onset_peaks_db` at 44.1 kHz.

    The largest sample of every millisecond gets the compressor's gain there. Onsets are taken to stay where they are.

    Args:
        sound: two channels at 44.1 kHz, not silent.
    """

    def __init__(self, sound: Sound) -> None:
        audio = np.ascontiguousarray(sound.audio)
        edges = np.arange(0, audio.shape[1] + 1, _PEAK_BLOCK)
        energy, peak = _energies_and_peaks(audio, edges)
        self._blocks_per_s = SAMPLE_RATE_HZ / _PEAK_BLOCK
        self._level_db = _detected_db(energy, self._blocks_per_s)
        self.top_db = float(self._level_db.max(initial=-math.inf))
        self._peak_db = 20 * np.log10(np.maximum(peak, math.sqrt(_FLOOR)))
        gain = 10 ** (dynamics.PEAK_DBFS / 20) / np.abs(audio).max()
        self._starts = [onsets.find(channel, gain) // _PEAK_BLOCK for channel in audio]

    def predict(self, settings: CompressorSettings) -> float | None:
        """See `Model`."""
        after_db = self._peak_db - _reduction_db(self._level_db, self._blocks_per_s, settings)
        means = [
            _loudest_mean_db(np.maximum.reduceat(channel, starts))
            for channel, starts in zip(after_db, self._starts, strict=True)
            if starts.size
        ]
        return float(np.mean(means) - after_db.max() + dynamics.PEAK_DBFS) if means else None

    def measure(self, sound: Sound, gain_db: float) -> float | None:
        """See `Model`; the gain does not change it."""
        return sound.onset_peaks_db[0] if sound.onset_peaks_db else None


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


@numba.njit(cache=True, nogil=True)
def _smoothed(energy: np.ndarray, kept: float, kept_mean: float) -> np.ndarray:
    mean = np.empty_like(energy)
    for channel in range(energy.shape[0]):
        state = 0.0
        for block in range(energy.shape[1]):
            mean[channel, block] = smoothed(energy[channel, block], state, kept_mean)
            state = smoothed(energy[channel, block], state, kept)
    return mean


def _detected_db(energy: np.ndarray, blocks_per_s: float) -> np.ndarray:
    # The compressor's level in each block.
    level = _smoothed(energy, *keeps(DETECTOR_S, blocks_per_s)).max(axis=0, initial=0.0)
    return 10 * np.log10(np.maximum(level, _FLOOR))


def _reduction_db(level_db: np.ndarray, blocks_per_s: float, settings: CompressorSettings) -> np.ndarray:
    # The compressor's mean reduction in each block.
    return _smooth_branching(
        level_db,
        settings.threshold_dbfs,
        settings.ratio,
        settings.knee_db,
        keeps(settings.attack_s, blocks_per_s),
        keeps(settings.release_s, blocks_per_s),
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
        mean_db[block] = smoothed(wanted_db, state_db, kept_mean)
        state_db = smoothed(wanted_db, state_db, kept)
    return mean_db
