"""Joint moments of pairs of variables: exact sums that merge, from which correlations and lines are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from mixprior.stats.errors import InputError
from mixprior.stats.priors.interval import LEVEL
from mixprior.stats.priors.regression import Regression, of_covariance

_EXACT = 1 << 53
"""Sums of integers below this are exact in float64, in any order: matrix products may compute them."""
_OVERFLOWING = 1 << 62


@dataclass
class Moments:
    """For every pair of variables, the sums over the songs that have both.

    Values are counted in units of their resolution, as whole numbers, so that merging is exact in any order.

    Attributes:
        resolution: float64, shape (variables,): the unit of each.
        n: int64, shape (variables, variables), as are the others; row i, column j: songs that have i and j.
        total: sum of i over the songs that have i and j.
        square: sum of i^2 over the same.
        cross: sum of i times j.

    >>> x = np.arange(6.0)
    >>> moments = Moments.of(np.stack([x, 2 * x + 1], axis=1), np.array([0.01, 0.01]))
    >>> round(float(moments.correlation()[0, 1]), 9), round(float(moments.slope()[1, 0]), 9)
    (1.0, 2.0)
    """

    resolution: np.ndarray
    n: np.ndarray
    total: np.ndarray
    square: np.ndarray
    cross: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, resolution: np.ndarray) -> Moments:
        """Sum values, float, shape (songs, variables); NaN is what a song does not have."""
        variables = values.shape[1]
        moments = cls(np.asarray(resolution, np.float64), *np.zeros((4, variables, variables), np.int64))
        known = ~np.isnan(values)
        units = np.rint(np.where(known, values, 0.0) / moments.resolution)
        largest = np.abs(units).max(initial=1.0)
        songs = max(1, int(_EXACT // (largest * largest)))
        for start in range(0, len(values), songs):
            x, m = units[start : start + songs], known[start : start + songs].astype(np.float64)
            for name, product in (("n", m.T @ m), ("total", x.T @ m), ("square", (x * x).T @ m), ("cross", x.T @ x)):
                setattr(moments, name, getattr(moments, name) + product.astype(np.int64))
        return moments

    @classmethod
    def merged(cls, parts: Sequence[Moments]) -> Moments:
        """Merge any number (at least one) of moments of the same variables.

        Raises:
            OverflowError: if a sum comes near the end of 64 bits.
        """
        first = parts[0]
        whole = cls(first.resolution, *(getattr(first, name).copy() for name in ("n", "total", "square", "cross")))
        for part in parts[1:]:
            whole.absorb(part)
        return whole

    def absorb(self, other: Moments) -> None:
        """Merge others of the same variables into these, in place."""
        for name in ("n", "total", "square", "cross"):
            total = getattr(self, name)
            total += getattr(other, name)
            if np.abs(total).max(initial=0) >= _OVERFLOWING:
                raise OverflowError("too many songs: a joint moment does not fit")

    def covariance(self) -> np.ndarray:
        """Sample covariances, shape (variables, variables); NaN below two songs."""
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = (self.cross - self.total / self.n * self.total.T) / (self.n - 1)
        return np.where(self.n > 1, spread * np.outer(self.resolution, self.resolution), np.nan)

    def variance(self) -> np.ndarray:
        """Row i, column j: sample variance of i over the songs that have i and j; NaN below two."""
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = (self.square - self.total / self.n * self.total) / (self.n - 1)
        return np.where(self.n > 1, spread * self.resolution[:, None] ** 2, np.nan)

    def mean(self) -> np.ndarray:
        """Row i, column j: mean of i over the songs that have i and j; NaN where there are none."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.total / self.n * self.resolution[:, None]

    def correlation(self) -> np.ndarray:
        """Pearson's correlations; NaN below three songs, or where one of the two does not vary."""
        variance = self.variance()
        # What rounding to the resolution alone makes is no variation.
        variance = np.where(variance > (self.resolution[:, None] ** 2), variance, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            r = self.covariance() / np.sqrt(variance * variance.T)
        return np.where(self.n > 2, np.clip(r, -1.0, 1.0), np.nan)

    def correlation_interval(self) -> tuple[np.ndarray, np.ndarray]:
        """95 % interval of the correlations by Fisher's z; NaN below four songs."""
        r = np.clip(self.correlation(), -1 + 1e-12, 1 - 1e-12)
        with np.errstate(invalid="ignore", divide="ignore"):
            reach = special.ndtri((1 + LEVEL) / 2) / np.sqrt(np.where(self.n > 3, self.n - 3, np.nan))
        return np.tanh(np.arctanh(r) - reach), np.tanh(np.arctanh(r) + reach)

    def slope(self) -> np.ndarray:
        """Row i, column j: slope of the least-squares line of i on j; NaN where there is no correlation."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.correlation() * np.sqrt(self.variance() / self.variance().T)

    def regress(self, target: int, on: int) -> Regression:
        """Regress one variable on another, over the songs that have both.

        Args:
            target: index of the variable to explain.
            on: index of the one that explains it.

        Raises:
            InputError: if there are too few songs, or one of the two does not vary.
        """
        if target == on:
            raise InputError("a statistic cannot explain itself")
        mean, variance, covariance = self.mean(), self.variance(), self.covariance()[target, on]
        return of_covariance(
            int(self.n[target, on]),
            np.array([mean[target, on], mean[on, target]]),
            np.array([[variance[target, on], covariance], [covariance, variance[on, target]]]),
        )
