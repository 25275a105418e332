"""A run with its troubles: slow workers, songs that are mined twice, workers that are taken away and come back.

Each worker takes the next bundle of songs when it is done with one. No worker helps with a bundle that another has
begun: a slow one holds up the end of the run.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

_REPEATS = 9


@dataclass(frozen=True)
class Troubles:
    """What goes wrong.

    Attributes:
        slow_share: share of the workers that are slow.
        slowness: times that a slow worker takes as long.
        again_share: share of the songs that are mined twice: a process died, a disk failed in passing.
        preemptions_per_day: how often a worker is taken away in a day, a mean.
        restart_s: seconds until another stands in its place.
        start_s: seconds until workers stand, at the beginning.
    """

    slow_share: float = 0.0
    slowness: float = 2.0
    again_share: float = 0.0
    preemptions_per_day: float = 0.0
    restart_s: float = 300.0
    start_s: float = 0.0

    def text(self) -> str:
        """Return it for people."""
        return (
            f"{100 * self.slow_share:g} % of workers {self.slowness:g} times slower, {100 * self.again_share:g} % of "
            f"songs mined twice, {self.preemptions_per_day:g} preemptions a worker and day, {self.restart_s:g} s each, "
            f"{self.start_s:g} s until workers stand"
        )


@dataclass(frozen=True)
class Simulated:
    """How long workers take: of several runs, each with other luck.

    Attributes:
        wall_s: from the call for workers to the last song's end; least, median and greatest.
        busy_s: seconds of all workers together that they work, a median.
        lost_s: of these, seconds of work that was lost, and seconds without a worker.
        preemptions: workers that were taken away.
    """

    wall_s: tuple[float, float, float]
    busy_s: float
    lost_s: float
    preemptions: int


def simulate(
    songs_s: np.ndarray, workers: int, troubles: Troubles, *, bundles: int = 0, songs_each: float = 1.0, seed: int = 0
) -> Simulated:
    """Simulate workers.

    Args:
        songs_s: seconds that a worker takes for each song, or for so many songs as `songs_each` says; shape (songs,).
        workers: their number.
        troubles: what goes wrong.
        bundles: songs are dealt to so many bundles at random; 0 if each song is a bundle, the longest first.
        songs_each: songs that an element stands for.
        seed: of the random numbers.

    >>> simulate(np.full(10, 2.0), workers=2, troubles=Troubles()).wall_s
    (10.0, 10.0, 10.0)
    >>> simulate(np.array([1.0, 1.0, 2.0]), workers=2, troubles=Troubles()).wall_s[1]
    2.0
    """
    runs = [
        _run(songs_s, workers, troubles, bundles, songs_each, np.random.default_rng([seed, k])) for k in range(_REPEATS)
    ]
    wall, busy, lost, taken = np.array(runs).T
    least, median, most = np.quantile(wall, (0.0, 0.5, 1.0))
    return Simulated(
        (float(least), float(median), float(most)),
        float(np.median(busy)),
        float(np.median(lost)),
        int(np.median(taken)),
    )


def _run(
    songs_s: np.ndarray, workers: int, troubles: Troubles, bundles: int, songs_each: float, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Seconds of the clock, of work and of loss, and preemptions, of one run."""
    again_s = (
        songs_s
        * rng.binomial(max(1, round(songs_each)), troubles.again_share, len(songs_s))
        / max(1, round(songs_each))
    )
    tasks_s = _dealt(songs_s + again_s, bundles, rng)
    slow = np.ones(workers)
    slow[rng.permutation(workers)[: rng.binomial(workers, troubles.slow_share)]] = troubles.slowness
    song_s = float(songs_s.mean()) / songs_each if len(songs_s) else 0.0
    free = [(troubles.start_s, worker) for worker in rng.permutation(workers).tolist()]
    heapq.heapify(free)
    per_s, wall_s, busy_s, lost_s, taken = troubles.preemptions_per_day / 86400, 0.0, 0.0, float(again_s.sum()), 0
    lost_s += troubles.start_s * workers
    for task_s in tasks_s.tolist():
        at_s, worker = heapq.heappop(free)
        work_s = task_s * slow[worker]
        gone = int(rng.poisson(per_s * work_s)) if per_s else 0
        # The rows of finished songs are kept: only the song at hand is lost.
        away_s = gone * troubles.restart_s + (float(rng.random(gone).sum()) * song_s * slow[worker] if gone else 0.0)
        heapq.heappush(free, (at_s + work_s + away_s, worker))
        wall_s = max(wall_s, at_s + work_s + away_s)
        busy_s, lost_s, taken = busy_s + work_s, lost_s + away_s, taken + gone
    return wall_s, busy_s, lost_s, taken


def _dealt(songs_s: np.ndarray, bundles: int, rng: np.random.Generator) -> np.ndarray:
    """Seconds of each bundle: as many songs in each, or one song each, the longest first."""
    if not 0 < bundles < len(songs_s):
        return np.sort(songs_s)[::-1]
    return np.array([part.sum() for part in np.array_split(rng.permutation(songs_s), bundles)])
