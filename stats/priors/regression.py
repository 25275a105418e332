"""Least squares and rank correlations over songs: of a pair from its sums, of several variables from their values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from scipy import special

from mixprior.stats.errors import InputError
from mixprior.stats.priors.interval import LEVEL

_DEPENDENT = 1e10
"""Condition of the correlations from which variables count as depending on each other."""


@dataclass(frozen=True)
class Regression:
    """Least squares of one variable on others, over the songs that have all of them.

    Attributes:
        n: these songs.
        intercept: value where all the others are 0.
        slopes: one for each of the others, and as wide a 95 % interval in `slopes_low` to `slopes_high`.
        slopes_low: low ends.
        slopes_high: high ends.
        r2: share of the variance explained, from 0.
        residual_sd: standard deviation of what is left.
    """

    n: int
    intercept: float
    slopes: tuple[float, ...]
    slopes_low: tuple[float, ...]
    slopes_high: tuple[float, ...]
    r2: float
    residual_sd: float


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's correlation of two variables, with its 95 % interval `low` to `high` over `n` songs."""

    n: int
    correlation: float
    low: float
    high: float


def of_covariance(n: int, mean: np.ndarray, covariance: np.ndarray) -> Regression:
    """Regress the first of several variables on the others, given moments that are all of the same n songs.

    Args:
        n: the songs.
        mean: shape (variables,).
        covariance: sample covariances, shape (variables, variables).

    Raises:
        InputError: if there are too few songs, one variable does not vary, or the explaining ones depend on each other.

    >>> found = of_covariance(12, np.array([3.0, 1.0]), np.array([[5.0, 2.0], [2.0, 1.0]]))
    >>> found.slopes, found.intercept, round(found.r2, 6), round(found.residual_sd, 4)
    ((2.0,), 1.0, 0.8, 1.0488)
    """
    explaining = len(mean) - 1
    freedom = n - explaining - 1
    if freedom < 1:
        raise InputError(f"only {n} songs have all of these statistics: too few for {explaining} slopes")
    inner, across = covariance[1:, 1:], covariance[0, 1:]
    scale = np.sqrt(np.diag(inner))
    if not (np.diag(covariance) > 0).all() or np.linalg.cond(inner / np.outer(scale, scale)) > _DEPENDENT:
        raise InputError("these statistics depend on each other, or one does not vary: leave one out")
    inverse = np.linalg.inv(inner)
    slopes = inverse @ across
    r2 = float(np.clip(slopes @ across / covariance[0, 0], 0.0, 1.0))
    residual = (1 - r2) * covariance[0, 0] * (n - 1) / freedom
    reach = special.stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(residual * np.diag(inverse) / (n - 1))
    return Regression(
        n,
        float(mean[0] - slopes @ mean[1:]),
        tuple(slopes.tolist()),
        tuple((slopes - reach).tolist()),
        tuple((slopes + reach).tolist()),
        r2,
        float(np.sqrt(residual)),
    )


def least_squares(target: np.ndarray, on: np.ndarray) -> Regression:
    """Regress values on others by least squares, over the songs that have all of them.

    Args:
        target: float, shape (songs,); NaN where a song has none.
        on: shape (variables, songs), likewise.

    Raises:
        InputError: as `of_covariance`.

    >>> x = np.array([[1.0, 2.0, 3.0, 4.0, np.nan], [1.0, -1.0, 1.0, 1.0, 2.0]])
    >>> least_squares(1 + 2 * x[0] - x[1] + [0.1, 0.0, -0.2, 0.1, 0.0], x).n
    4
    """
    together = np.vstack([target, on])
    whole = together[:, ~np.isnan(together).any(axis=0)]
    n = whole.shape[1]
    if n < 2:
        raise InputError(f"only {n} songs have all of these statistics: too few for {len(on)} slopes")
    return of_covariance(n, whole.mean(axis=1), np.cov(whole))


def rank_correlation(x: np.ndarray, y: np.ndarray) -> RankCorrelation:
    """Spearman's rank correlation over the songs that have both, ties at their mean rank.

    The interval is Fisher's with the variance (1 + r^2 / 2) / (n - 3) of Bonett and Wright, "Sample size requirements
    for estimating Pearson, Kendall and Spearman correlations" (Psychometrika 65, 2000).

    Args:
        x: float, shape (songs,); NaN where a song has none.
        y: same shape.

    Raises:
        InputError: if fewer than four songs have both, or one of the two does not vary.

    >>> found = rank_correlation(np.arange(10.0), np.array([0.0, 1, 3, 2, 4, 5, 9, 7, 8, 6]))
    >>> round(found.correlation, 3), round(found.low, 2), round(found.high, 2)
    (0.879, 0.46, 0.98)
    """
    both = ~np.isnan(x) & ~np.isnan(y)
    n = int(both.sum())
    if n < 4:
        raise InputError(f"only {n} songs have both of these statistics: too few for a rank correlation")
    ranks = np.stack([scipy.stats.rankdata(values[both]) for values in (x, y)])
    if not (np.ptp(ranks, axis=1) > 0).all():
        raise InputError("one of these statistics does not vary: it has no rank correlation")
    r = float(np.clip(np.corrcoef(ranks)[0, 1], -1.0, 1.0))
    centre = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    reach = special.ndtri((1 + LEVEL) / 2) * np.sqrt((1 + r * r / 2) / (n - 3))
    return RankCorrelation(n, r, float(np.tanh(centre - reach)), float(np.tanh(centre + reach)))
