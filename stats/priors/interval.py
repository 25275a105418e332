"""Intervals that hold the mean, the median or a share of a population with 95 % probability.

How often they do, by distribution and number of songs: `docs/evidence.md`, made by `python -m tools.evidence coverage`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from mixprior.stats.priors.summary import Summary

LEVEL = 0.95
LEAST_EXACT = 6
"""Values below which no interval of order statistics holds the median with 95 % probability."""
LEAST_INTERPOLATED = 8
"""Values below which an interpolated interval depends on the distribution by more than 2 %."""
_SYMMETRIC = 1e-6

Ends = tuple[np.ndarray, np.ndarray]


def _once_each(function: Callable[..., Ends]) -> Callable[..., Ends]:
    """Have a function of counts computed once for each combination of them: the bins of a table have few."""

    @functools.wraps(function)
    def computed(*counts: np.ndarray) -> Ends:
        given = np.broadcast_arrays(*counts)
        rows = np.stack([each.ravel() for each in given])
        codes = np.ravel_multi_index(tuple(rows), rows.max(axis=1, initial=0) + 1)
        _, first, where = np.unique(codes, return_index=True, return_inverse=True)
        low, high = (end[where].reshape(given[0].shape) for end in function(*rows[:, first]))
        return low, high

    return computed


def intervals(summary: Summary) -> dict[str, np.ndarray]:
    """Intervals of mean and median by the columns of the priors that hold them, each of shape (bins,).

    `median_low` to `median_high` are order statistics, and hold the median with the probability `median_level`;
    `median_interpolated_low` to `median_interpolated_high` lie between order statistics, and hold it with about 95 %.
    NaN is what is not known: without a histogram there is no interval of a median, and no skewness.

    >>> from mixprior.stats.priors.summary import Summary
    >>> found = intervals(Summary.of(np.arange(11.0)[:, None], 0.01))
    >>> {name: round(float(values[0]), 3) for name, values in found.items() if "median" in name}["median_level"]
    0.988
    """
    counted = summary.counted
    with np.errstate(divide="ignore", invalid="ignore"):
        se = summary.sd() / np.sqrt(summary.n)
    mean_low, mean_high = mean_interval(summary.mean(), se, summary.n, summary.skewness())
    low, high = median_ranks(counted)
    rank, weight = interpolated_rank(counted)
    last = counted - 1
    inner = np.where(rank < 0, -1, rank + 1)
    ends = [
        (1 - weight) * summary.order_statistic(outer) + weight * summary.order_statistic(within)
        for outer, within in ((rank, inner), (last - rank, last - inner))
    ]
    return {
        "se": se,
        "mean_low": mean_low,
        "mean_high": mean_high,
        "median_low": summary.order_statistic(low),
        "median_high": summary.order_statistic(high),
        "median_level": median_level(counted),
        "median_interpolated_low": ends[0],
        "median_interpolated_high": ends[1],
    }


def mean_interval(
    mean: np.ndarray, se: np.ndarray, n: np.ndarray, skewness: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the mean that is nominally of 95 %: Student's, and as far beyond it as skewness asks for.

    The ends are the outer ones of Student's interval and of the cubic transformation of Hall, "On the removal of
    skewness by transformation" (Journal of the Royal Statistical Society B 54, 1992), with Student's quantiles. From 30
    values on it holds means of normal, lognormal (sigma 1) and t3 distributions with 93 to 97 %, below that the mean
    of the lognormal less often; the bootstrap-t did no better (`docs/evidence.md`).

    Args:
        mean: any shape, as are the others.
        se: standard error of the mean, sd / sqrt(n).
        n: values counted.
        skewness: third central moment over sd cubed; NaN, or None for all, where it is not known: Student's interval.

    Returns:
        Low and high end; NaN where n is below 2.

    >>> low, high = mean_interval(np.array([1.0]), np.array([0.1]), np.array([5]))
    >>> round(float(high[0]), 4)
    1.2776
    >>> low, high = mean_interval(np.array([1.0]), np.array([0.1]), np.array([5]), np.array([0.5]))
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.7224, 1.3777)
    """
    quantile = np.where(n > 1, special.stdtrit(np.maximum(n - 1, 1), (1 + LEVEL) / 2), np.nan)
    below, above = quantile, quantile
    if skewness is not None:
        root = np.sqrt(np.maximum(n, 1))
        known = np.abs(np.nan_to_num(skewness)) > _SYMMETRIC
        skew = np.where(known, skewness, 1.0)

        def untransformed(z: np.ndarray) -> np.ndarray:
            return 3 * root / skew * (np.cbrt(1 + skew / root * (z - skew / (6 * root))) - 1)

        below = np.where(known, np.maximum(quantile, untransformed(quantile)), quantile)
        above = np.where(known, np.maximum(quantile, -untransformed(-quantile)), quantile)
    return mean - below * se, mean + above * se


@_once_each
def median_ranks(n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranks, from 0, of the order statistics that hold the median with at least 95 %, whatever the distribution.

    The number of values below the median is binomial (n, 1/2): the exact interval of Conover, "Practical Nonparametric
    Statistics", 3.2.

    Returns:
        Rank of the low and of the high end; -1 where n is below 6, for which no such interval exists.

    >>> median_ranks(np.array([5, 6, 20]))
    (array([-1,  0,  5]), array([-1,  5, 14]))
    """
    n = np.asarray(n)
    tail = (1 - LEVEL) / 2
    low = np.floor(n / 2 - special.ndtri(1 - tail) * np.sqrt(n) / 2).astype(np.int64) + 2
    # The median is below the value of rank r when at most r values do: the largest r for which that is unlikely.
    for _ in range(5):
        low = np.where((low >= 0) & (special.bdtr(low, n, 0.5) > tail), low - 1, low)
    low = np.where(n < LEAST_EXACT, -1, low)
    return low, np.where(low < 0, -1, n - 1 - low)


def median_level(n: np.ndarray) -> np.ndarray:
    """Probability with which the order statistics of `median_ranks` hold the median; NaN where there are none.

    >>> median_level(np.array([5, 6, 20])).round(4)
    array([   nan, 0.9688, 0.9586])
    """
    low, _ = median_ranks(n)
    return np.where(low < 0, np.nan, _level(low, np.asarray(n)))


def interpolated_rank(n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where between order statistics the ends of a 95 % interval of the median are.

    Hettmansperger and Sheather, "Confidence intervals based on interpolated order statistics" (Statistics and
    Probability Letters 4, 1986): between the narrowest exact interval of at least 95 % and the next narrower one. Exact
    for Laplace's distribution, and close to it for others.

    Returns:
        Rank from 0 of the outer order statistic of the low end (-1 where n is below 8), and the weight, from 0 to 1, of
        the next within; the high end is its mirror image.

    >>> rank, weight = interpolated_rank(np.array([7, 9]))
    >>> rank, weight.round(3)
    (array([-1,  1]), array([0.   , 0.228]))
    """
    n = np.asarray(n)
    low, _ = median_ranks(n)
    kept = n >= LEAST_INTERPOLATED
    rank = np.where(kept, low, 0)
    many = np.where(kept, n, LEAST_INTERPOLATED)
    wide, narrow = _level(rank, many), _level(rank + 1, many)
    excess = (wide - LEVEL) / (wide - narrow)
    outer = rank + 1
    weight = (many - outer) * excess / (outer + (many - 2 * outer) * excess)
    return np.where(kept, low, -1), np.where(kept, weight, 0.0)


def _level(rank: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Probability that the median is between the order statistics of this rank from either end."""
    level: np.ndarray = 1 - 2 * special.bdtr(rank, n, 0.5)
    return level


@_once_each
def share_interval(count: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a share that holds it with at least 95 % probability, whatever the share.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial" (Biometrika
    26, 1934). Wilson's is narrower, and falls under 95 % for shares near 0 and 1.

    Args:
        count: songs that have it, any shape.
        n: songs in all, same shape.

    Returns:
        Low and high end, from 0 to 1; NaN where n is 0.

    >>> low, high = share_interval(np.array([8, 0]), np.array([11, 5]))
    >>> low.round(3), high.round(3)
    (array([0.39, 0.  ]), array([0.94 , 0.522]))
    """
    count, n = np.asarray(count), np.asarray(n)
    tail = (1 - LEVEL) / 2
    low = np.where(count > 0, special.betaincinv(np.maximum(count, 1), n - count + 1, tail), 0.0)
    high = np.where(count < n, special.betaincinv(count + 1, np.maximum(n - count, 1), 1 - tail), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)
