"""Reliability of statistics of separated stems: how much of what differs between songs is the songs' own.

With spread, the standard deviation over songs of the true values, and error, the root of the mean squared error of
separation, it is spread^2 / (spread^2 + error^2) (classical test theory; Lord and Novick 1968, chapter 3): 1 where
separation changes nothing, 0.5 where the error is as large as what songs differ by, 0 where the numbers say nothing of
a song. `mixprior.stats.priors.reliability_estimate` estimates it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LEAST = 0.5
"""Below this, a statistic is not to be relied on."""
LEAST_SOURCES = 5
"""With fewer sources with true stems it is unknown."""
_NUMBERS = ("hz", "reliability", "low", "high", "sources", "songs")


@dataclass(frozen=True)
class Reliability:
    """How far one statistic of one stem can be relied on, in one catalog.

    Attributes:
        stem: row it is of.
        statistic: name of the column.
        hz: the bin of a vector, or the third octave that its bins are in; None for a scalar.
        reliability: from 0 to 1; None where it is unknown, with fewer than `LEAST_SOURCES` sources.
        low: its 95 % interval.
        high: the same.
        sources: recordings, or singers, whose true stems it rests on.
        songs: songs with true stems.
    """

    stem: str
    statistic: str
    hz: float | None
    reliability: float | None
    low: float | None
    high: float | None
    sources: int
    songs: int


def document(found: Iterable[Reliability]) -> dict[str, dict[str, dict[str, list[Any]]]]:
    """Lay reliabilities out for JSON, by stem and statistic: a list of each number, over the bands of a vector."""
    laid: dict[str, dict[str, dict[str, list[Any]]]] = {}
    for each in found:
        lists = laid.setdefault(each.stem, {}).setdefault(each.statistic, {name: [] for name in _NUMBERS})
        for name in _NUMBERS:
            lists[name].append(getattr(each, name))
    return laid


def read(laid: object) -> tuple[Reliability, ...]:
    """Read what `document` laid out; nothing where it is something else, as in older manifests."""
    found = []
    for stem, statistics in laid.items() if isinstance(laid, Mapping) else ():
        for statistic, lists in statistics.items() if isinstance(statistics, Mapping) else ():
            rows = zip(*(lists[name] for name in _NUMBERS), strict=True)
            found += [Reliability(stem, statistic, *row) for row in rows]
    return tuple(found)
