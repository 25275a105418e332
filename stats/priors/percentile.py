"""Where a value stands among the songs of a group: its percentile, and the interval that so many songs leave it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixprior.stats.priors.interval import share_interval


@dataclass(frozen=True)
class Percentile:
    """The place of a value among n songs.

    Attributes:
        n: songs.
        fewest: songs that are below it for certain.
        most: songs that may be below it: those that equal it count, and those of which a quantile is all that is known.
        percentile: 0 to 100; of a song drawn as the n songs were, uniform over the n + 1 places among them.
        low: low end of the 95 % interval of the share of all such songs, not of these n alone, that are below, in
            percent.
        high: high end.
    """

    n: int
    fewest: int
    most: int
    percentile: float
    low: float
    high: float


def percentile(n: int, fewest: int, most: int, below: float | None = None) -> Percentile:
    """Turn a count into a percentile.

    A song drawn like the n others takes each of the n + 1 places among them with the same probability, so that its
    percentile is (place + 1/2) / (n + 1). The interval is that of Clopper and Pearson (`interval.share_interval`), of
    the least and of the greatest count.

    Args:
        n: songs, at least 1.
        fewest: as `Percentile` has it.
        most: the same.
        below: the count itself, where more is known than these two; None for the middle of them: half of the songs that
            equal the value count.

    Raises:
        ValueError: if the counts are not in this order, or n is 0.

    >>> found = percentile(22, 20, 20)
    >>> round(found.percentile, 1), round(found.low), round(found.high)
    (89.1, 71, 99)
    >>> round(percentile(8, 8, 8).low)
    63
    """
    below = (fewest + most) / 2 if below is None else below
    if not 0 <= fewest <= below <= most <= n or n < 1:
        raise ValueError(f"{below} of {n} songs below, at least {fewest} and at most {most}")
    low = share_interval(np.array(fewest), np.array(n))[0]
    high = share_interval(np.array(most), np.array(n))[1]
    return Percentile(n, fewest, most, 100 * (below + 0.5) / (n + 1), 100 * float(low), 100 * float(high))
