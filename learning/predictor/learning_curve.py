"""What more songs buy: errors on the same songs of learners that were trained on 1, 2, 4, 8 ... others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.learners import Learner, mean

Sides = tuple[Sequence[str], Sequence[str]]
CHOOSING = 4
"""One song of so many chooses; a single one trains and chooses."""


def errors(
    examples: Examples, sides: Sides, learner: Learner, counts: Sequence[int], seed: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Train on the first songs of a random order, more and more of them, and test on the same others each time.

    Args:
        examples: of all songs.
        sides: songs that may train, and songs that test.
        learner: to train.
        counts: of songs to train on, as far as there are so many.
        seed: of the order and the trainings.

    Yields:
        The count, and mean absolute errors by target of the learner and of the mean of the same songs; (targets,), NaN
        where nothing is known. A song counts as one: its answer is the mean over its examples if it has one truth.
    """
    order = np.random.default_rng([seed, 29]).permutation(sorted(sides[0])).tolist()
    there = examples.of(sides[1])
    for count in counts:
        if count <= len(order):
            chosen = order[:count]
            choosing = chosen[::CHOOSING]
            rest = [song for song in chosen if song not in choosing] or choosing
            known = examples.of(rest), examples.of(choosing)
            yield count, _error(learner(*known, seed, None)(there), there), _error(mean(*known, seed)(there), there)


def _error(answers: np.ndarray, there: Examples) -> np.ndarray:
    by_song = []
    for song in np.unique(there.songs):
        rows = there.songs == song
        said, truth = answers[rows], there.targets[rows]
        if np.array_equal(truth, np.broadcast_to(truth[0], truth.shape), equal_nan=True):
            said, truth = said.mean(axis=0, keepdims=True), truth[:1]
        by_song.append(np.abs(said - truth).mean(axis=0))
    return np.asarray(np.nanmean(by_song, axis=0))
