"""What is said of the compressor of a track, each number with an interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.stats

from mixprior.learning.reverse.blocks import Blocks
from mixprior.learning.reverse.compression import Numbers, gains_of
from mixprior.learning.reverse.figure import Figure, LogFigure
from mixprior.learning.reverse.intervals import COVERS

RESOLUTION = np.array([0.5, 0.05, 0.12, 0.15, 2.0, 0.3])
"""Least half widths: threshold in dB, logarithms of ratio, attack and release, knee in dB, mean reduction in dB.

Equalisers are not quite those of the mix, and gains are taken as constant in a block: chosen on Rubidium and on
generated sounds."""
MOST = np.array([6.0, 0.7, 1.1, 1.1, 12.0, 3.0])
"""A figure whose interval is wider to either side is not said."""
_CLUSTER_S = 1.0
_STEPS = np.diag([0.05, 0.01, 0.02, 0.02, 0.1])
_WIDTHS = 2 * np.diag(_STEPS)
_DB = 20 / np.log(10)


@dataclass(frozen=True)
class CompressorFigures:
    """The compressor of a track; None for what was not found.

    Attributes:
        threshold_dbfs: of a compressor without gain after it: gains before and after cannot be told apart.
        ratio: dB in over dB out above the threshold.
        attack_s: time constant.
        release_s: time constant.
        knee_db: width of the knee.
        reduction_db: by how much the level of the track is lower, over all that was compared.
    """

    threshold_dbfs: Figure | None
    ratio: Figure | None
    attack_s: Figure | None
    release_s: Figure | None
    knee_db: Figure | None
    reduction_db: Figure | None


def figures(blocks: Blocks, numbers: Mapping[int, Numbers], gains_db: np.ndarray) -> dict[int, CompressorFigures]:
    """Figures of compressors by the number of the track: least squares with scores clustered by the second.

    Args:
        blocks: what they were fitted to.
        numbers: of compressors, by the number of the track.
        gains_db: of the direct paths, (tracks,).
    """
    places = {track: int(np.flatnonzero(blocks.tracks == track)[0]) for track in numbers}
    sides = {track: _sides(blocks, place, numbers[track]) for track, place in places.items()}
    gains = np.ones(blocks.levels.shape)
    for track, place in places.items():
        gains[place] = gains_of(blocks.levels[place], numbers[track], blocks.rate_hz)
    scales, _ = blocks.solved(gains)
    of_numbers = [scales[places[k]] * (each[0] - each[1]) / _WIDTHS[:, None] for k, each in sides.items()]
    owners = np.concatenate([np.arange(len(gains)), np.repeat(list(places.values()), len(_STEPS))])
    covariance, quantile = _covariance(blocks, np.concatenate([gains, *of_numbers]), owners, scales[:, None] * gains)
    found = {}
    for number, (track, place) in enumerate(places.items()):
        energy = blocks.products[place, place].astype(np.float64)
        up, down = (_reduction_db(each, energy) for each in sides[track])
        rows = np.zeros((len(RESOLUTION), len(owners)))
        own = slice(len(gains) + number * len(_STEPS), len(gains) + (number + 1) * len(_STEPS))
        rows[: len(_STEPS), own] = np.eye(len(_STEPS))
        rows[0, place] = _DB / scales[place]
        rows[-1, own] = (up - down) / _WIDTHS
        spread = np.sqrt(np.einsum("ij,jk,ik->i", rows, covariance, rows)) * quantile
        values = np.append(numbers[track], _reduction_db(gains[place], energy))
        values[0] += gains_db[track]
        found[track] = _said(values, np.hypot(spread, RESOLUTION))
    return found


def _sides(blocks: Blocks, place: int, numbers: Numbers) -> np.ndarray:
    """Gains a step of each number above and below, (2, numbers, blocks)."""
    level = blocks.levels[place]
    return np.array([[gains_of(level, numbers + sign * step, blocks.rate_hz) for step in _STEPS] for sign in (1, -1)])


def _said(values: np.ndarray, half: np.ndarray) -> CompressorFigures:
    narrow = half <= MOST
    plain = [Figure(float(value), float(each)) for value, each in zip(values, half, strict=True)]
    logs = [LogFigure.of(each.value, each.half_width) for each in plain[1:4]]
    each = [plain[0], *logs, *plain[4:]]
    return CompressorFigures(*(figure if kept else None for figure, kept in zip(each, narrow, strict=True)))


def _reduction_db(gains: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """By how much gains by block, (..., blocks), lower a level."""
    return np.asarray(-10 * np.log10((np.square(gains) @ energy) / energy.sum()))


def _covariance(blocks: Blocks, slopes: np.ndarray, owners: np.ndarray, made: np.ndarray) -> tuple[np.ndarray, float]:
    """Of scales and numbers; and the quantile by which a spread is an interval.

    Args:
        blocks: what was fitted to.
        slopes: of the gain of a track by each number, (numbers, blocks).
        owners: place of that track, (numbers,).
        made: gains of the tracks, (chosen, blocks).
    """
    left = blocks.with_mix - np.array([(row * made).sum(axis=0) for row in blocks.products])
    count = max(round(made.shape[1] / blocks.rate_hz / _CLUSTER_S), 2)
    edges = np.linspace(0, made.shape[1], count + 1).astype(int)[:-1]
    scores = np.add.reduceat(slopes * left[owners], edges, axis=1)
    scores = scores[:, np.any(scores != 0, axis=0)]
    matrix = np.array(
        [(slopes * one * blocks.products[owner][owners]).sum(axis=1) for one, owner in zip(slopes, owners, strict=True)]
    )
    size = np.sqrt(np.diag(matrix)) + 1e-30
    inverse = np.linalg.pinv(matrix / np.outer(size, size), rcond=1e-10, hermitian=True) / np.outer(size, size)
    through = inverse @ scores
    degrees = max(scores.shape[1] - 1, 1)
    return through @ through.T * (degrees + 1) / degrees, float(scipy.stats.t.ppf((1 + COVERS) / 2, degrees))
