"""Statistics of the rows of an evaluation: means by system, and whether one system beats another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Row = Mapping[str, str | float | None]
"""`scene`, `kind`, `damage`, `system` and a distance for each metric of the evaluation."""

_DRAWS = 2000
_SEED = 4


@dataclass(frozen=True)
class Comparison:
    """A system compared with another, case by case.

    Attributes:
        mean: mean of distance minus the other's distance; below 0 it is nearer to the originals.
        low: lower end of its 95 % interval, by the bootstrap over scenes.
        high: upper end.
        nearer: share of the cases in which it is nearer, of those in which the two differ; NaN if none does.
        cases: in which both could be measured.
    """

    mean: float
    low: float
    high: float
    nearer: float
    cases: int

    @property
    def verdict(self) -> str:
        """In a word: the interval decides."""
        return "better" if self.high < 0 else "worse" if self.low > 0 else "undecided"


def means(rows: Sequence[Row], systems: Iterable[str], metrics: Sequence[str]) -> dict[str, dict[str, float]]:
    """Mean distances by system and metric; NaN where nothing was measured."""
    return {
        system: {metric: _mean([row[metric] for row in rows if row["system"] == system]) for metric in metrics}
        for system in systems
    }


def compare(rows: Sequence[Row], system: str, other: str, metric: str) -> Comparison | None:
    """Compare a system with another on the same cases; None where they share none.

    Cases of one scene are not independent, so that the bootstrap draws scenes, 2,000 times with one seed.
    """
    ours, theirs = (
        {(row["scene"], row["damage"]): row[metric] for row in rows if row["system"] == name}
        for name in (system, other)
    )
    by_scene: dict[object, list[float]] = {}
    for case, distance in ours.items():
        against = theirs.get(case)
        if distance is not None and against is not None:
            by_scene.setdefault(case[0], []).append(float(distance) - float(against))
    if not by_scene:
        return None
    sums = np.array([(sum(found), len(found)) for found in by_scene.values()])
    rng = np.random.default_rng(_SEED)
    drawn = sums[rng.integers(len(sums), size=(_DRAWS, len(sums)))].sum(axis=1)
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], (2.5, 97.5))
    differences = np.concatenate(list(by_scene.values()))
    moved = differences[differences != 0]
    nearer = float(np.mean(moved < 0)) if moved.size else float("nan")
    return Comparison(float(differences.mean()), float(low), float(high), nearer, differences.size)


def _mean(distances: Iterable[str | float | None]) -> float:
    known = [float(distance) for distance in distances if distance is not None]
    return float(np.mean(known)) if known else float("nan")
