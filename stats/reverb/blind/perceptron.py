"""Small neural networks as plain arrays: read from an npz file without pickles, asked with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from typing import IO

import numpy as np

_REACH = 4.0  # features further from the mean than this many deviations are no better known
LOG_SPREAD = (-3.0, 2.0)
"""Bounds of the logarithm of the spread that networks answer with, in training and in use."""

LEVELS_DB, MIDDLE_DB = (-30.0, -5.0), -15.0
LOG_ERROR = (-3.0, 0.5)
"""Bounds of the logarithm of the error that is expected."""


@dataclass(frozen=True)
class Perceptrons:
    """Networks of two hidden layers that answer the same question, and whose answers are averaged.

    Attributes:
        missing: float32, (features,): what stands for a feature that is missing.
        centre: float32, (features,): subtracted from the features.
        scale: float32, (features,): the features are divided by it.
        weights_1: float16, (networks, features, a); weights_2: (networks, a, b); weights_3: (networks, b, 2 targets).
        bias_1: float32, (networks, a); bias_2: (networks, b); bias_3: (networks, 2 targets).
        target_centre: float32, (targets,): added to the answers.
        target_scale: float32, (targets,): the answers are multiplied by it.
        spread_law: float32, (4,): see `expected_error`.
        interval_law: float32, (2,): see `interval`.
        separated_factor: float32, (): see `log_times`; 1 in files that do not hold it.
    """

    missing: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    weights_1: np.ndarray
    weights_2: np.ndarray
    weights_3: np.ndarray
    bias_1: np.ndarray
    bias_2: np.ndarray
    bias_3: np.ndarray
    target_centre: np.ndarray
    target_scale: np.ndarray
    spread_law: np.ndarray
    interval_law: np.ndarray
    separated_factor: np.ndarray = field(default_factory=lambda: np.ones((), np.float32))

    def predict(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ask all networks and average.

        Args:
            rows: float32, (rows, features); NaN where a feature is missing.

        Returns:
            Estimates and the mean absolute errors to expect of them, each float32, (rows, targets).
        """
        signal = normalised(rows, self.missing, self.centre, self.scale)[None]
        signal = np.maximum(signal @ self.weights_1.astype(np.float32) + self.bias_1[:, None], 0)
        signal = np.maximum(signal @ self.weights_2.astype(np.float32) + self.bias_2[:, None], 0)
        signal = signal @ self.weights_3.astype(np.float32) + self.bias_3[:, None]
        targets = self.target_centre.size
        estimate = signal[..., :targets].mean(0) * self.target_scale + self.target_centre
        spread = np.exp(np.clip(signal[..., targets:], *LOG_SPREAD)).mean(0) * self.target_scale
        return estimate, spread

    def log_times(self, estimate: np.ndarray, separated: np.ndarray) -> np.ndarray:
        """Logarithms of times: those of separated vocals are moved away from the mean of the training by a factor.

        The networks answer with what errs least, and so stay near the mean where they see little.

        Args:
            estimate: what `predict` gives for times, ln s, (..., times): its first targets.
            separated: bool, (...), whether the vocals were separated from a mixture.
        """
        centre = self.target_centre[: estimate.shape[-1]]
        further = np.where(separated, self.separated_factor - 1.0, 0.0)[..., None]
        return np.asarray(estimate + further * (estimate - centre))

    def expected_error(self, spread: np.ndarray, wet_dry_db: np.ndarray, separated: np.ndarray) -> np.ndarray:
        """The absolute error of ln RT60 to expect, recalibrated on singers outside the training.

        exp(a + b ln spread + c (level + 15 dB)), with a for true stems or for separated ones: `spread_law` holds both
        a, b, and c.

        Args:
            spread: what `predict` gives for ln RT60, (rows,).
            wet_dry_db: what it gives for the level, likewise.
            separated: bool, likewise, whether the vocals were separated from a mixture.
        """
        of_true, of_separated, power, per_db = np.asarray(self.spread_law, np.float64)
        level_db = np.clip(wet_dry_db, *LEVELS_DB) - MIDDLE_DB
        log_error = np.where(separated, of_separated, of_true) + power * np.log(spread) + per_db * level_db
        return np.asarray(np.exp(np.clip(log_error, *LOG_ERROR)))

    def interval(self, expected: np.ndarray, separated: np.ndarray) -> np.ndarray:
        """Half width of the 90 % interval of ln RT60: so many times the error that is expected, by kind of vocals.

        Errors have longer tails than a Laplace distribution has, for which it would be 2.3 times.

        Args:
            expected: of `expected_error`, (rows,).
            separated: bool, likewise.
        """
        of_true, of_separated = np.asarray(self.interval_law, np.float64)
        return np.asarray(expected * np.where(separated, of_separated, of_true))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the arrays, compressed."""
        np.savez_compressed(path, **vars(self))

    @classmethod
    def load(cls, file: str | PathLike[str] | IO[bytes]) -> Perceptrons:
        """Read what `save` wrote."""
        with np.load(file, allow_pickle=False) as arrays:
            return cls(**{name: arrays[name] for name in cls.__dataclass_fields__ if name in arrays})


def normalised(rows: np.ndarray, missing: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Features as the networks take them: missing ones filled, centred, scaled and held within bounds; float32."""
    filled = np.where(np.isfinite(rows), rows, missing)
    return np.clip((filled - centre) / scale, -_REACH, _REACH).astype(np.float32)
