"""Linear regression on what bands are on average and how they vary, drawn to the mean as far as songs say.

Weights have a prior about 0: a standard deviation for averages of bands, and a share of it for their variation. Both
are chosen by cross-validation over groups of songs that are alike; all songs then fit the weights. Where the interval
of the gain over the mean, by fold, is not above 0, the answer is the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.intervals import LEAST_SONGS, interval

PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0, 100000.0)
"""Of the square of weights, of features in units of their spread."""
SHARES = (1.0, 0.3, 0.1, 0.0)
"""Of the standard deviation of weights: of those on variation over time, against those on averages."""
FOLDS = 8
"""Of groups of songs, or one each if there are fewer."""


@dataclass(frozen=True)
class Linear:
    """A linear answer.

    Attributes:
        weights: (targets, features) of `Examples.features`.
        constants: (targets,).
        rmse: (targets,), root of the mean square error on groups that were left out. The share and the penalty were
            chosen on them too; in simulations it is within 10 % of the error on new songs all the same
            (`tests/learning/predictor/test_linear.py`).
    """

    weights: np.ndarray
    constants: np.ndarray
    rmse: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(rows, targets) of (rows, features)."""
        return np.asarray(features @ self.weights.T + self.constants)


def solved(examples: Examples) -> Linear:
    """Fit each target of examples where it is known; some example has each.

    >>> rng = np.random.default_rng(0)
    >>> tilts = rng.normal(0, 1, (60, 2, 1, 1)) * np.linspace(-9, 9, 128)[:, None]
    >>> mel_db = tilts + rng.normal(0, 3, (60, 2, 128, 8))
    >>> songs = np.array([f"song {k % 12}" for k in range(60)])
    >>> examples = Examples(mel_db, tilts[:, :1, 0, 0], songs, ("dullness_db",))
    >>> bool(solved(examples).rmse[0] < 0.2 * examples.targets.std())
    True
    """
    features = examples.features.astype(np.float64)
    halves = np.arange(features.shape[1]) >= features.shape[1] // 2
    scale = np.where(halves, features[:, halves].std(), features[:, ~halves].std()) + 1e-6
    fitted = []
    for target in examples.targets.T:
        known = np.isfinite(target)
        fitted.append(_solved(features[known] / scale, target[known], examples.groups[known], halves))
    weights, constants, rmse = (np.array(each) for each in zip(*fitted, strict=True))
    return Linear(weights / scale, constants, rmse)


def _solved(x: np.ndarray, y: np.ndarray, groups: np.ndarray, varies: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Weights, constant and error of one target."""
    share, penalty, rmse = _chosen(x, y, np.unique(groups, return_inverse=True)[1] % FOLDS, varies)
    weights = np.zeros(x.shape[1])
    if penalty:
        draw = np.where(varies, share, 1.0)
        off = (x - x.mean(axis=0)) * draw
        weights = draw * np.linalg.solve(off.T @ off + penalty * np.eye(len(draw)), off.T @ (y - y.mean()))
    return weights, float(y.mean() - x.mean(axis=0) @ weights), rmse


def _chosen(x: np.ndarray, y: np.ndarray, place: np.ndarray, varies: np.ndarray) -> tuple[float, float, float]:
    """Share, penalty and error; a penalty of 0 is that of the mean alone."""
    folds = [place == fold for fold in np.unique(place)]
    if len(folds) < LEAST_SONGS:
        return 0.0, 0.0, float(y.std())
    errors = np.array([_errors(x[~out], y[~out], x[out], y[out], varies) for out in folds])
    share, penalty = np.unravel_index(np.argmin(errors.sum(axis=0)), errors.shape[1:])
    best, alone = errors[:, share, penalty], errors[:, 0, -1]
    if interval((alone - best).tolist())[0] <= 0:
        return 0.0, 0.0, float(np.sqrt(alone.sum() / len(y)))
    return SHARES[share], PENALTIES[penalty], float(np.sqrt(best.sum() / len(y)))


def _errors(x: np.ndarray, y: np.ndarray, x_out: np.ndarray, y_out: np.ndarray, varies: np.ndarray) -> np.ndarray:
    """Sums of squared errors on what was left out, (shares, penalties and the mean alone)."""
    centre, constant = x.mean(axis=0), y.mean()
    found = np.empty((len(SHARES), len(PENALTIES) + 1))
    found[:, -1] = np.sum((y_out - constant) ** 2)
    for k, share in enumerate(SHARES):
        draw = np.where(varies, share, 1.0)
        off = (x - centre) * draw
        values, vectors = np.linalg.eigh(off.T @ off)
        shown, there = vectors.T @ (off.T @ (y - constant)), ((x_out - centre) * draw) @ vectors
        answers = there @ (shown[:, None] / (np.maximum(values, 0)[:, None] + np.array(PENALTIES)))
        found[k, :-1] = np.sum((answers + constant - y_out[:, None]) ** 2, axis=0)
    return found
