"""Whether one system beats another: case by case, with the interval of artists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

Row = Mapping[str, str | float | None]
"""The case, by `results.CASE`, and a distance for each metric of the evaluation; None where it was not measured."""

LEAST_ARTISTS = 4
"""Of fewer artists there is no interval: three values have ten different resamples."""

_DRAWS = 2000
_SEED = 4
_CASE = ("scene", "planner", "task", "scale", "seed")


@dataclass(frozen=True)
class Comparison:
    """A system compared with another, case by case.

    Attributes:
        mean: mean over the artists of distance minus the other's distance; below 0 it is nearer to the originals.
        low: lower end of its 95 % interval (`interval`); None of fewer than `LEAST_ARTISTS`.
        high: upper end.
        artists: number of them.
        differences: of each case, by scene.
    """

    mean: float
    low: float | None
    high: float | None
    artists: int
    differences: Mapping[str, Sequence[float]]

    @property
    def verdict(self) -> str:
        """In a word: the interval decides."""
        if self.low is None or self.high is None:
            return "too few artists"
        return "better" if self.high < 0 else "worse" if self.low > 0 else "undecided"

    @property
    def all_differences(self) -> list[float]:
        """Of every case."""
        return [each for found in self.differences.values() for each in found]


def compare(rows: Sequence[Row], system: str, other: str, metric: str) -> Comparison | None:
    """Compare a system with another on the same cases; None where they share none."""
    ours, theirs = (_cases(rows, name, metric) for name in (system, other))
    artists = {str(row["scene"]): str(row["artist"]) for row in rows}
    by_scene: dict[str, list[float]] = {}
    for case in filter(theirs.__contains__, ours):  # in the order of the rows: sums of any other have other last digits
        by_scene.setdefault(str(case[0]), []).append(ours[case] - theirs[case])
    if not by_scene:
        return None
    by_artist: dict[str, list[float]] = {}
    for scene, found in sorted(by_scene.items()):
        by_artist.setdefault(artists[scene], []).extend(found)
    means = [float(np.mean(found)) for found in by_artist.values()]
    low, high = interval(means) or (None, None)
    return Comparison(float(np.mean(means)), low, high, len(means), by_scene)


def _cases(rows: Iterable[Row], system: str, metric: str) -> dict[tuple[object, ...], float]:
    """Distances of a system by case."""
    found: dict[tuple[object, ...], float] = {}
    for row in rows:
        distance = row[metric]
        if row["system"] == system and distance is not None:
            found[tuple(row[name] for name in _CASE)] = float(distance)
    return found


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % interval of a mean by the bootstrap, bias-corrected and accelerated (Efron, JASA 82, 1987).

    Values are the means of clusters, so that whole clusters are drawn: cases of one artist are not independent.
    Of few clusters it is too short: `python -m tools.evidence clusters` says by how much.

    Args:
        values: one of each cluster.

    Returns:
        Both ends; None of fewer than `LEAST_ARTISTS`.

    >>> interval([1.0, 2.0, 3.0])
    >>> interval([2.0, 2.0, 2.0, 2.0])
    (2.0, 2.0)
    """
    if len(values) < LEAST_ARTISTS:
        return None
    if np.ptp(values) < 1e-9:
        return float(values[0]), float(values[0])
    rng = np.random.default_rng(_SEED)
    found = stats.bootstrap((values,), np.mean, n_resamples=_DRAWS, method="BCa", random_state=rng)
    low, high = found.confidence_interval
    if not np.isfinite([low, high]).all():  # Every resample is on one side of the mean: two values, far apart.
        return float(min(values)), float(max(values))
    return float(low), float(high)
