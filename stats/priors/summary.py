"""Mergeable summary of columns over many songs: integers only, so that no order of merging changes a bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

FINE = 1024
"""Sums count in units of resolution / 1024: a mean is exact to that."""
FULL_WEIGHT = 256
"""The weight of a song that is fully trusted; weights are integers."""
SPAN = 1 << 32
"""Histogram keys are bin * SPAN + SPAN / 2 + value, so that one sorted array serves all bins."""

_SUMS = ("n", "missing", "silent", "absent", "judged", "total", "weight", "weighted", "squares")
ARRAYS = ("resolution", *_SUMS, "low", "high")
_LIMIT = 1 << 21
"""Histogram bins from zero that a value may be away: its square in fine units still fits 62 bits."""
_OVERFLOWING = 1 << 62
_DENSE = 1 << 22


def countable(resolution: float) -> float:
    """Return the magnitude that a value must stay below to be counted, in the column's unit.

    >>> round(countable(0.01))
    20972
    """
    return _LIMIT * resolution * (1 - 2.0**-40)


@dataclass
class Summary:
    """Counts, sums, extremes and a histogram for every bin: of one column, or of many side by side.

    Two summaries merge by adding integers and taking extremes, which is exactly associative and commutative: the
    same songs give the same state in whatever order and grouping they come.

    Attributes:
        resolution: float64, shape (bins,): width of a histogram bin, in the column's unit.
        n: int64, shape (bins,), as are the next seven: values counted.
        missing: nulls seen.
        silent: those of them that are null because the stem is silent.
        absent: those of them that are null because the stem is absent; a silent one is.
        judged: songs of which it is known whether the stem is there.
        total: sum of the values in units of resolution / 1024.
        weight: sum of the weights of the values, `FULL_WEIGHT` each where all are trusted.
        weighted: sum of weight times value, in units of resolution / 1024.
        squares: int64, shape (2, bins): sum of squares, high and low 32 bits apart so that it cannot overflow.
        low: float64, shape (bins,): least value, +inf while n is 0.
        high: float64, shape (bins,): greatest value, -inf while n is 0.
        keys: int64, sorted: (bin, value in units of resolution), one number each; none of bins kept without histogram.
        counts: int64, same shape: how often each occurred.

    >>> both = Summary.of(np.array([[1.0], [2.0]]), resolution=0.01).merge(Summary.of(np.array([[6.0]]), 0.01))
    >>> both.mean(), both.quantile(0.5), both.n
    (array([3.]), array([2.]), array([3]))
    """

    resolution: np.ndarray
    n: np.ndarray
    missing: np.ndarray
    silent: np.ndarray
    absent: np.ndarray
    judged: np.ndarray
    total: np.ndarray
    weight: np.ndarray
    weighted: np.ndarray
    squares: np.ndarray
    low: np.ndarray
    high: np.ndarray
    keys: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(
        cls,
        values: np.ndarray,
        resolution: float | np.ndarray,
        weights: np.ndarray | None = None,
        silent: np.ndarray | None = None,
        presence: np.ndarray | None = None,
        has_row: np.ndarray | None = None,
        source: np.ndarray | None = None,
        histogram: bool = True,
    ) -> Summary:
        """Summarise values; NaN counts as missing.

        Args:
            values: float, shape (songs, bins).
            resolution: one for all bins, or shape (bins,).
            weights: int64, shape (songs, sources): 0 to `FULL_WEIGHT`; None trusts all.
            silent: bool, shape (songs, sources): whether the stem is silent; None if none is.
            presence: int8, shape (songs, sources): 1 where the stem is there, 0 where it is not, -1 where that is not
                known; None if it is known of none.
            has_row: bool, shape (songs, sources): whether the song has a row of the stem; what it has none of is not
                missing. None if it has all.
            source: int64, shape (bins,): which of the sources (stems) each bin is of; None where there is one.
            histogram: whether to keep one; without it there are no quantiles.

        Raises:
            ValueError: if a value is infinite or 2**21 or more histogram bins from zero.
        """
        values = np.ascontiguousarray(values)
        songs, bins = values.shape
        width = np.broadcast_to(np.asarray(resolution, np.float64), (bins,)).copy()
        source = np.zeros(bins, np.int64) if source is None else source
        columns = int(source.max(initial=0)) + 1
        weights = np.full((songs, columns), FULL_WEIGHT) if weights is None else np.asarray(weights, np.int64)
        silent = np.zeros((songs, columns), bool) if silent is None else silent
        presence = np.full((songs, columns), -1, np.int8) if presence is None else presence
        has_row = np.ones((songs, columns), bool) if has_row is None else has_row
        sums = np.zeros((10, bins), np.int64)
        low, high = np.full(bins, np.inf), np.full(bins, -np.inf)
        fits = _accumulate(
            values, FINE / width, float(_LIMIT * FINE), weights, silent, presence, has_row, source, sums, low, high
        )
        if not fits:
            raise ValueError(f"a value is beyond what its resolution can count ({_LIMIT} bins from zero)")
        n, missing, quiet, absent, judged, total, weight, weighted, squares_high, squares_low = sums
        keys, counts = _histogram(values, width) if histogram else (np.zeros(0, np.int64), np.zeros(0, np.int64))
        squares = np.stack([squares_high, squares_low])
        counted = n, missing, quiet, absent, judged, total, weight, weighted
        return cls(width, *counted, squares, low, high, keys, counts)

    @classmethod
    def merged(cls, summaries: Sequence[Summary]) -> Summary:
        """Merge any number of summaries of the same columns (at least one).

        Raises:
            OverflowError: if a sum comes near the end of 64 bits.
        """
        if len(summaries) == 1:
            return summaries[0]

        def added(name: str) -> np.ndarray:
            parts = [getattr(s, name) for s in summaries]
            if any(part.size and np.abs(part).max() >= _OVERFLOWING // len(parts) for part in parts):
                raise OverflowError(f"too many songs: the sum {name} may not fit")
            total: np.ndarray = np.sum(parts, axis=0)
            return total

        keys, counts = _merge_histograms([s.keys for s in summaries], [s.counts for s in summaries])
        sums = {name: added(name) for name in _SUMS}
        return cls(
            resolution=summaries[0].resolution,
            low=np.min([s.low for s in summaries], axis=0),
            high=np.max([s.high for s in summaries], axis=0),
            keys=keys,
            counts=counts,
            **sums,
        )

    @classmethod
    def joined(cls, summaries: Sequence[Summary]) -> Summary:
        """Put summaries of different bins side by side."""
        if not summaries:
            return cls.of(np.empty((0, 0)), 1.0)
        starts = np.cumsum([0, *(s.n.size for s in summaries)])
        keys = [s.keys + start * SPAN for s, start in zip(summaries, starts, strict=False)]
        counts = np.concatenate([s.counts for s in summaries])
        arrays = {name: np.concatenate([getattr(s, name) for s in summaries], axis=-1) for name in ARRAYS}
        return cls(keys=np.concatenate(keys), counts=counts, **arrays)

    def absorb(self, other: Summary) -> None:
        """Merge another of the same columns into this one, in place."""
        for name in _SUMS:
            total = getattr(self, name)
            total += getattr(other, name)
            if total.size and (total.max() >= _OVERFLOWING or total.min() <= -_OVERFLOWING):
                raise OverflowError(f"too many songs: the sum {name} does not fit")
        np.minimum(self.low, other.low, out=self.low)
        np.maximum(self.high, other.high, out=self.high)
        self.keys, self.counts = _merge_histograms([self.keys, other.keys], [self.counts, other.counts])

    def __getstate__(self) -> dict[str, np.ndarray]:
        """Neighbouring keys differ by little: what workers send each other compresses well so."""
        return {**vars(self), "keys": np.diff(self.keys, prepend=0)}

    def __setstate__(self, state: dict[str, np.ndarray]) -> None:
        vars(self).update(state)
        self.keys = np.cumsum(self.keys)

    def merge(self, other: Summary) -> Summary:
        """Merge with one other."""
        return Summary.merged([self, other])

    def mean(self) -> np.ndarray:
        """Mean per bin; NaN where nothing was counted."""
        with np.errstate(invalid="ignore"):
            return self.total / self.n * (self.resolution / FINE)

    def weighted_mean(self) -> np.ndarray:
        """Mean per bin with the songs' weights; NaN where they sum to nothing."""
        with np.errstate(invalid="ignore"):
            return self.weighted / self.weight * (self.resolution / FINE)

    def sd(self) -> np.ndarray:
        """Standard deviation per bin, with n - 1 in the denominator; NaN below two values."""
        n, total = self.n, self.total
        centre = total // np.maximum(n, 1)
        # The sum of squares about a whole number near the mean: exact modulo 2^64, and so exact where it is below that.
        with np.errstate(over="ignore"):
            wrapped = (self.squares[0] << 32) + self.squares[1] - 2 * centre * total + n * centre * centre
        about = wrapped.view(np.uint64).astype(np.float64)
        raw = self.squares[0] * 2.0**32 + self.squares[1]
        for k in np.flatnonzero((n > 1) & (raw - total.astype(np.float64) ** 2 / np.maximum(n, 1) > 2.0**62)):
            squares = (int(self.squares[0, k]) << 32) + int(self.squares[1, k])
            about[k] = squares - 2 * int(centre[k]) * int(total[k]) + int(n[k]) * int(centre[k]) ** 2
        off = (total - n * centre).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = (about - off * off / n) / (n - 1)
        return np.where(n > 1, np.sqrt(np.maximum(variance, 0.0)) * (self.resolution / FINE), np.nan)

    def skewness(self) -> np.ndarray:
        """Third central moment over the cube of the standard deviation, per bin, read from the histogram.

        NaN below three values, where the standard deviation is at most `resolution`, or without a histogram.
        """
        counted, sd = self.counted, self.sd()
        bins = self.keys // SPAN
        off = (self.keys % SPAN - SPAN // 2) * self.resolution[bins] - self.mean()[bins]
        cubes = np.bincount(bins, weights=self.counts * off**3, minlength=self.n.size)
        known = (counted > 2) & (np.nan_to_num(sd) > self.resolution)
        return np.where(known, cubes / np.maximum(counted, 1) / np.where(known, sd, 1.0) ** 3, np.nan)

    @property
    def counted(self) -> np.ndarray:
        """Values in the histogram, int64, shape (bins,): n, or 0 where no histogram is kept."""
        edges = np.searchsorted(self.keys, np.arange(self.n.size + 1) * SPAN)
        upto = np.concatenate([[0], np.cumsum(self.counts)])
        return np.diff(upto[edges])

    def order_statistic(self, rank: np.ndarray) -> np.ndarray:
        """The value that has `rank` values below it, per bin; NaN where the histogram holds no such value.

        Read from the histogram: it is off by at most half of `resolution`, and never beyond the extremes.

        Args:
            rank: int64, shape (bins,), from 0.
        """
        out = np.full(self.n.size, np.nan)
        counted = self.counted
        there = np.flatnonzero((rank >= 0) & (rank < counted))
        if not there.size:
            return out
        before = np.concatenate([[0], np.cumsum(counted)])[there]
        keys = self.keys[np.searchsorted(np.cumsum(self.counts), before + rank[there], side="right")]
        value = (keys % SPAN - SPAN // 2) * self.resolution[there]
        out[there] = np.clip(value, self.low[there], self.high[there])
        return out

    def quantile(self, q: float) -> np.ndarray:
        """Quantile per bin, between order statistics as `numpy.quantile` does; NaN without a histogram."""
        last = self.counted - 1
        rank = last * q
        floor = np.floor(rank).astype(np.int64)
        lower = self.order_statistic(floor)
        upper = self.order_statistic(np.minimum(floor + 1, last))
        return lower + (upper - lower) * (rank - floor)

    def trimmed_mean(self, share: float = 0.1) -> np.ndarray:
        """Mean per bin without the least and the greatest floor(share * n) values, read from the histogram.

        As `scipy.stats.trim_mean`, but off by at most half of `resolution`; NaN without a histogram.
        """
        counted = self.counted
        cut = np.floor(counted * share).astype(np.int64)
        bins = self.keys // SPAN
        upto = np.cumsum(self.counts) - np.concatenate([[0], np.cumsum(counted)])[bins]
        kept = np.minimum(upto, (counted - cut)[bins]) - np.maximum(upto - self.counts, cut[bins])
        kept = np.maximum(kept, 0)
        total = np.zeros(self.n.size, np.int64)
        np.add.at(total, bins, kept * (self.keys % SPAN - SPAN // 2))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / (counted - 2 * cut) * self.resolution
        return np.where(counted > 0, np.clip(mean, self.low, self.high), np.nan)


@numba.njit(cache=True)
def _accumulate(
    values: np.ndarray,
    scale: np.ndarray,
    limit: float,
    weights: np.ndarray,
    silent: np.ndarray,
    presence: np.ndarray,
    has_row: np.ndarray,
    source: np.ndarray,
    sums: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> bool:
    """Add songs to the sums, in the order of `Summary.of`; False if a value is too large to count."""
    songs, bins = values.shape
    for song in range(songs):
        for k in range(bins):
            stem = source[k]
            if not has_row[song, stem]:
                continue
            sums[4, k] += presence[song, stem] >= 0
            value = np.float64(values[song, k]) + 0.0  # there is one zero: -0.0 would depend on the order
            if np.isnan(value):
                sums[1, k] += 1
                sums[2, k] += silent[song, stem]
                sums[3, k] += presence[song, stem] == 0
                continue
            scaled = value * scale[k]
            if not abs(scaled) < limit:
                return False
            fine = np.int64(np.rint(scaled))
            square = fine * fine
            weight = weights[song, stem]
            sums[0, k] += 1
            sums[5, k] += fine
            sums[6, k] += weight
            sums[7, k] += weight * fine
            sums[8, k] += square >> 32
            sums[9, k] += square & 0xFFFFFFFF
            low[k] = min(low[k], value)
            high[k] = max(high[k], value)
    return True


def _histogram(values: np.ndarray, resolution: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted keys and counts of values, shape (songs, bins), NaN left out."""
    known = ~np.isnan(values)
    coarse = np.rint(np.where(known, values, 0.0) / resolution).astype(np.int64)
    least, most = coarse.min(axis=0, initial=0), coarse.max(axis=0, initial=0)
    starts = np.concatenate([[0], np.cumsum(most - least + 1)])
    if starts[-1] <= min(_DENSE, 8 * values.size):
        # Counting in place costs a step a value; sorting, which serves any range, some twenty.
        dense = np.bincount((coarse - least + starts[:-1])[known], minlength=starts[-1])
        found = np.flatnonzero(dense)
        bins = np.searchsorted(starts, found, side="right") - 1
        return bins * SPAN + SPAN // 2 + found - starts[bins] + least[bins], dense[found].astype(np.int64)
    bins = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    keys, counts = np.unique(bins[known] * SPAN + SPAN // 2 + coarse[known], return_counts=True)
    return keys, counts.astype(np.int64)


def _merge_histograms(keys: Sequence[np.ndarray], counts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    together, times = np.concatenate(keys), np.concatenate(counts)
    order = np.argsort(together, kind="stable")  # runs that are sorted merge in one pass
    together, times = together[order], times[order]
    first = np.flatnonzero(np.diff(together, prepend=-1))
    return together[first], np.add.reduceat(times, first) if first.size else times
