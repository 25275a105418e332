"""Mergeable summary of a column over many songs: integers only, so that no order of merging changes a bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_FINE = 1024
"""Sums count in units of resolution / 1024: a mean is exact to that."""
_SPAN = 1 << 32
"""Histogram keys are bin * _SPAN + value, so that one sorted array serves all bins of a vector."""

_LIMIT = 1 << 21
"""Histogram bins from zero that a value may lie away: its square in fine units still fits 62 bits."""


@dataclass
class Summary:
    """Counts, sums, extremes and a histogram of one column, for every bin of it (one bin for a scalar).

    Two summaries merge by adding integers and taking extremes, which is exactly associative and commutative: the
    same songs give the same state in whatever order and grouping they come.

    Attributes:
        resolution: width of a histogram bin, in the column's unit.
        n: int64, shape (bins,): values counted.
        missing: int64, shape (bins,): nulls seen.
        total: int64, shape (bins,): sum of the values in units of resolution / 1024.
        squares: int64, shape (2, bins): sum of their squares, high and low 32 bits apart so that it cannot overflow.
        low: float64, shape (bins,): least value, +inf while n is 0.
        high: float64, shape (bins,): greatest value, -inf while n is 0.
        keys: int64, sorted: (bin, value in units of resolution), one number each.
        counts: int64, same shape: how often each occurred.

    >>> both = Summary.of(np.array([[1.0], [2.0]]), resolution=0.01).merge(Summary.of(np.array([[6.0]]), 0.01))
    >>> both.mean(), both.quantile(0.5), both.n
    (array([3.]), array([2.]), array([3]))
    """

    resolution: float
    n: np.ndarray
    missing: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    low: np.ndarray
    high: np.ndarray
    keys: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, resolution: float) -> Summary:
        """Summarise `values`, float, shape (songs, bins); NaN counts as missing.

        Raises:
            ValueError: if a value is infinite or 2**21 or more histogram bins from zero.
        """
        values = np.asarray(values, np.float64) + 0.0  # there is one zero: -0.0 would depend on the order
        present = ~np.isnan(values)
        if np.abs(values[present]).max(initial=0.0) >= _LIMIT * resolution:
            raise ValueError(f"a value lies beyond what a resolution of {resolution} can count")
        fine = np.rint(np.where(present, values, 0.0) / resolution * _FINE).astype(np.int64)
        square = fine * fine
        coarse = np.rint(np.where(present, values, 0.0) / resolution).astype(np.int64)
        bins = np.broadcast_to(np.arange(values.shape[1]), values.shape)
        keys, counts = np.unique(bins[present] * _SPAN + coarse[present] + _SPAN // 2, return_counts=True)
        return cls(
            resolution=resolution,
            n=present.sum(axis=0),
            missing=(~present).sum(axis=0),
            total=fine.sum(axis=0),
            squares=np.stack([(square >> 32).sum(axis=0), (square & 0xFFFFFFFF).sum(axis=0)]),
            low=np.where(present, values, np.inf).min(axis=0, initial=np.inf),
            high=np.where(present, values, -np.inf).max(axis=0, initial=-np.inf),
            keys=keys,
            counts=counts,
        )

    @classmethod
    def merged(cls, summaries: Sequence[Summary]) -> Summary:
        """Merge any number of summaries of the same column (at least one)."""
        keys, place = np.unique(np.concatenate([s.keys for s in summaries]), return_inverse=True)
        counts = np.zeros(keys.size, np.int64)
        np.add.at(counts, place, np.concatenate([s.counts for s in summaries]))
        return cls(
            resolution=summaries[0].resolution,
            n=np.sum([s.n for s in summaries], axis=0),
            missing=np.sum([s.missing for s in summaries], axis=0),
            total=np.sum([s.total for s in summaries], axis=0),
            squares=np.sum([s.squares for s in summaries], axis=0),
            low=np.min([s.low for s in summaries], axis=0),
            high=np.max([s.high for s in summaries], axis=0),
            keys=keys,
            counts=counts,
        )

    def merge(self, other: Summary) -> Summary:
        """Merge with one other."""
        return Summary.merged([self, other])

    def mean(self) -> np.ndarray:
        """Mean per bin; NaN where nothing was counted."""
        with np.errstate(invalid="ignore"):
            return self.total / self.n * (self.resolution / _FINE)

    def sd(self) -> np.ndarray:
        """Standard deviation per bin, with n - 1 in the denominator; NaN below two values."""
        out = np.full(self.n.size, np.nan)
        for k in np.flatnonzero(self.n > 1):
            # Python integers: the difference of two large sums loses nothing.
            n, total = int(self.n[k]), int(self.total[k])
            squares = (int(self.squares[0, k]) << 32) + int(self.squares[1, k])
            out[k] = ((n * squares - total * total) / (n * (n - 1))) ** 0.5 * (self.resolution / _FINE)
        return out

    def quantile(self, q: float) -> np.ndarray:
        """Quantile per bin, between order statistics as `numpy.quantile` does; NaN where nothing was counted.

        Each order statistic is read from the histogram: it is off by at most half of `resolution`.
        """
        out = np.full(self.n.size, np.nan)
        filled = np.flatnonzero(self.n)
        if not filled.size:
            return out
        upto = np.cumsum(self.counts)
        before = np.concatenate([[0], np.cumsum(self.n)])[filled]
        rank = (self.n[filled] - 1) * q
        floor = np.floor(rank).astype(np.int64)
        lower, upper = (
            (self.keys[np.searchsorted(upto, before + k, side="right")] % _SPAN - _SPAN // 2) * self.resolution
            for k in (floor, np.minimum(floor + 1, self.n[filled] - 1))
        )
        value = lower + (upper - lower) * (rank - floor)
        out[filled] = np.clip(value, self.low[filled], self.high[filled])
        return out
