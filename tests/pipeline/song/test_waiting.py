"""The longest song first: workers end together, though lengths are known by the size of files alone."""

import heapq
from itertools import islice

import numpy as np
import pytest

from mixprior.pipeline.song.waiting import Turn, Waiting


def catalog(songs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds that songs take, lognormal as lengths of songs are, and their weights: sizes at varying bit rates."""
    rng = np.random.default_rng(seed)
    takes_s = 220.0 * np.exp(0.45 * rng.standard_normal(songs))
    return takes_s, takes_s * np.exp(0.15 * rng.standard_normal(songs))


def ends_s(takes_s: np.ndarray, weights: np.ndarray, workers: int, at_hand: int) -> list[float]:
    """When each worker ends, of a pool that takes songs in the order of the catalog, so many at a time."""
    turns = (Turn(weight, number) for number, weight in enumerate(weights))
    waiting: Waiting[Turn] = Waiting()
    for turn in islice(turns, at_hand):
        waiting.add(turn)
    free_s, ended_s = [(0.0, worker) for worker in range(workers)], []
    while free_s:
        now_s, worker = heapq.heappop(free_s)
        turn = waiting.take(now_s, ())
        if turn is None:
            ended_s.append(now_s)
            continue
        heapq.heappush(free_s, (now_s + takes_s[turn.number], worker))
        for other in islice(turns, 1):
            waiting.add(other)
    return ended_s


def ideal_s(takes_s: np.ndarray, workers: int) -> float:
    """The least time: the work shared out evenly, or the longest song where that is longer."""
    return max(takes_s.max(), takes_s.sum() / workers)


@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_songs_on_64_workers_end_within_2_percent_of_the_ideal(seed):
    takes_s, weights = catalog(1000, seed)
    assert max(ends_s(takes_s, weights, 64, at_hand=1000)) <= 1.02 * ideal_s(takes_s, 64)


@pytest.mark.parametrize("seed", range(3))
def test_a_catalog_of_which_a_part_is_at_hand_ends_within_2_percent_too(seed):
    takes_s, weights = catalog(10_000, seed)
    assert max(ends_s(takes_s, weights, 64, at_hand=2048)) <= 1.02 * ideal_s(takes_s, 64)


def test_a_song_longer_than_all_others_is_begun_first_and_is_the_ideal():
    takes_s, weights = catalog(1000, 0)
    takes_s[999] = weights[999] = 2 * takes_s.sum() / 64
    assert max(ends_s(takes_s, weights, 64, at_hand=1000)) == ideal_s(takes_s, 64) == takes_s[999]


@pytest.mark.parametrize("workers", [2, 16])
def test_workers_end_within_one_song_of_each_other(workers):
    takes_s, weights = catalog(200, 5)
    ended_s = ends_s(takes_s, weights, workers, at_hand=200)
    assert max(ended_s) - min(ended_s) <= takes_s.max()


def test_the_order_of_the_catalog_alone_would_not_do():
    takes_s, _ = catalog(1000, 0)
    assert max(ends_s(takes_s, np.zeros(1000), 64, at_hand=1000)) > 1.02 * ideal_s(takes_s, 64)


def test_a_job_to_be_tried_alone_waits_for_the_others_and_they_for_it():
    waiting: Waiting[Turn] = Waiting()
    alone, later, usual = Turn(9.0, 0, alone=True), Turn(5.0, 1, ready_s=10.0), Turn(1.0, 2)
    for turn in (alone, later, usual):
        waiting.add(turn)
    assert len(waiting) == 3
    assert waiting.take(0.0, ()) is usual
    assert waiting.take(0.0, (usual,)) is None
    assert waiting.take(10.0, (usual,)) is later
    assert waiting.take(11.0, (later,)) is None
    assert waiting.take(11.0, ()) is alone
    assert waiting.take(11.0, (alone,)) is None
