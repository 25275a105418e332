"""Intervals that hold the mean and the median of a population with 95 % probability."""

from __future__ import annotations

import numpy as np
from scipy import special

LEVEL = 0.95


def mean_interval(mean: np.ndarray, se: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Student's t interval of the mean.

    Args:
        mean: any shape, as are the others.
        se: standard error of the mean, sd / sqrt(n).
        n: values counted.

    Returns:
        Low and high end; NaN where n is below 2.

    >>> low, high = mean_interval(np.array([1.0]), np.array([0.1]), np.array([5]))
    >>> round(float(high[0]), 4)
    1.2776
    """
    reach = np.where(n > 1, special.stdtrit(np.maximum(n - 1, 1), (1 + LEVEL) / 2) * se, np.nan)
    return mean - reach, mean + reach


def median_ranks(n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranks, from 0, of the order statistics that enclose the median with 95 % probability, whatever the distribution.

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
    low = np.where(n < 6, -1, low)
    return low, np.where(low < 0, -1, n - 1 - low)


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
