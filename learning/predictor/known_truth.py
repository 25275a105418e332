"""A law that was chosen: what a learner finds of it on songs that it was not trained on, and what it finds of nothing.

The targets, level and range, are drawn for each remix of an excerpt: a line of something that can be heard, plus noise.
The remix itself was made at a level and a range drawn without regard to either, so that bleed does not know the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.intervals import interval
from mixprior.learning.predictor.learners import Learner, mean
from mixprior.mixing.learned.mel import at_loudness
from mixprior.stats.errors import InputError

NAMES = ("level_lu", "range_lu")
MEANS, SDS = np.array([-2.2, 12.0]), np.array([3.0, 3.0])
FOLDS = 3

_LOW, _HIGH, _MIDDLE, _PRESENCE = slice(0, 24), slice(80, 128), slice(24, 48), slice(64, 96)
"""Mel bands below 0.8 kHz and above 4.8 kHz; 0.8 to 1.7 kHz, and 2.9 to 7.9 kHz."""


@dataclass(frozen=True)
class Remixes:
    """Excerpts that were mixed again and separated again, as `tools.songs.remixes` keeps them.

    Attributes:
        mel_db: (excerpts, 1 + remixes, 2, bands, frames), at equal loudness; the first is as it was before.
        level_lu, range_lu: (excerpts, 1 + remixes), before the separation.
        heard: (excerpts, 1 + remixes, 2), before the separation: `heard_in`.
        songs: (excerpts,).
    """

    mel_db: np.ndarray
    level_lu: np.ndarray
    range_lu: np.ndarray
    heard: np.ndarray
    songs: np.ndarray

    def examples(self, targets: np.ndarray, of: int | None = None) -> Examples:
        """The remixes as examples with targets, (excerpts, remixes, 2), or of each excerpt one; -1 is it before."""
        chosen = slice(1, None) if of is None else slice(1 + of, 2 + of)
        mel_db = self.mel_db[:, chosen]
        songs = np.repeat(self.songs, mel_db.shape[1])
        return Examples(mel_db.reshape(-1, *mel_db.shape[2:]), targets.reshape(-1, targets.shape[-1]), songs, NAMES)


def heard_in(vocals_db: np.ndarray, backing_db: np.ndarray) -> np.ndarray:
    """What the law is of, from log-mel spectra: how bright the backing is, and how bright the vocals are, in dB."""
    vocals, backing = vocals_db.mean(axis=-1), backing_db.mean(axis=-1)
    return np.array([
        backing[_HIGH].mean() - backing[_LOW].mean(), vocals[_PRESENCE].mean() - vocals[_MIDDLE].mean()
    ])  # fmt: skip


def read(folder: Path) -> Remixes:
    """Read the excerpts of a folder."""
    found: dict[str, list[np.ndarray]] = {"mel_db": [], "level_lu": [], "range_lu": [], "heard": []}
    songs = []
    for path in sorted(folder.glob("*--*.npz")):
        with np.load(path) as arrays:
            if "mel_db" in arrays.files and np.isfinite(arrays["range_lu"]).all():
                found["mel_db"].append(at_loudness(arrays["mel_db"], arrays["lufs"]).astype(np.float16))
                for name in ("level_lu", "range_lu", "heard"):
                    found[name].append(arrays[name])
                songs.append(path.stem.rpartition("--")[0])
    if not songs:
        raise InputError(f"{folder} holds no remixes: make them by `python -m tools.songs.remixes`")
    return Remixes(**{name: np.stack(each) for name, each in found.items()}, songs=np.array(songs))


def truth(remixes: Remixes, r2: float, seed: int, others: Remixes | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Targets by a law that explains so much of their variance: what it says, and the targets with their noise.

    Args:
        remixes: what the targets are of.
        r2: share of the variance.
        seed: of the noise; that of each remix is its own.
        others: remixes whose law it is; these themselves if None.

    Returns:
        (excerpts, remixes, 2) each.
    """
    heard, ruled = remixes.heard[:, 1:], (others or remixes).heard[:, 1:]
    law = np.sqrt(r2) * (heard - ruled.mean(axis=(0, 1))) / ruled.std(axis=(0, 1))
    noise = np.random.default_rng([seed, 17]).standard_normal(law.shape)
    return MEANS + SDS * law, MEANS + SDS * (law + np.sqrt(1 - r2) * noise)


def folds(songs: Sequence[str], seed: int) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """Songs that train, choose and test; each song tests once."""
    order = np.random.default_rng([seed, 23]).permutation(sorted(set(songs))).tolist()
    for fold in range(FOLDS):
        tested = order[fold::FOLDS]
        rest = [song for song in order if song not in tested]
        choosing = rest[::4]
        yield [song for song in rest if song not in choosing], choosing, tested


@dataclass(frozen=True)
class Found:
    """What a learner found of one target.

    Attributes:
        r2: share of the target's variance that it predicts on songs it was not trained on. Of the noise its variance
            counts, not its draw.
        better_than_mean: whether the interval of its gain in squared error over the mean, by song, is above 0.
        mae, mae_of_mean: mean absolute errors.
        n: songs.
    """

    r2: float
    better_than_mean: bool
    mae: float
    mae_of_mean: float
    n: int


def found(
    remixes: Remixes, learner: Learner, r2: float, seed: int, trained_on: Remixes | None = None
) -> dict[str, Found]:
    """Train and test a learner on a law, over all folds of songs: by target.

    Args:
        remixes: that test.
        learner: to train.
        r2: share of the variance that the law explains.
        seed: of noise, folds and training.
        trained_on: remixes of the same songs by another separation that train; the same remixes if None.
    """
    source = trained_on or remixes
    said, targets = truth(remixes, r2, seed, source)
    examples, law = remixes.examples(targets), remixes.examples(said).targets
    known = examples if trained_on is None else trained_on.examples(truth(trained_on, r2, seed)[1])
    predicted, constant = np.empty_like(law), np.empty_like(law)
    for training, choosing, tested in folds(list(source.songs), seed):
        rows = np.isin(examples.songs, tested)
        if rows.any():
            sides = known.of(training), known.of(choosing)
            predicted[rows] = learner(*sides, seed, None)(examples[rows])
            constant[rows] = mean(*sides, seed)(examples[rows])
    return {name: _found(k, predicted, constant, law, examples, r2) for k, name in enumerate(NAMES)}


def _found(
    k: int, predicted: np.ndarray, constant: np.ndarray, law: np.ndarray, examples: Examples, r2: float
) -> Found:
    wanted = examples.targets[:, k]
    unexplained = np.mean((predicted[:, k] - law[:, k]) ** 2) + (1 - r2) * SDS[k] ** 2
    gain = (constant[:, k] - wanted) ** 2 - (predicted[:, k] - wanted) ** 2
    by_song = [gain[examples.songs == song].mean() for song in sorted(set(examples.songs))]
    return Found(
        r2=float(1 - unexplained / SDS[k] ** 2),
        better_than_mean=interval(by_song)[0] > 0,
        mae=float(np.mean(np.abs(predicted[:, k] - wanted))),
        mae_of_mean=float(np.mean(np.abs(constant[:, k] - wanted))),
        n=len(by_song),
    )


def left(remixes: Remixes) -> dict[str, float]:
    """Share of the variance of what the law is of that a line of the same after the separation explains, by target."""
    after = np.stack([[heard_in(*np.asarray(pair, np.float32)) for pair in each] for each in remixes.mel_db[:, 1:]])
    pairs = zip(after.reshape(-1, 2).T, remixes.heard[:, 1:].reshape(-1, 2).T, strict=True)
    return {name: float(np.corrcoef(*pair)[0, 1] ** 2) for name, pair in zip(NAMES, pairs, strict=True)}


def leak(remixes: Remixes, learner: Learner, seed: int) -> tuple[float, float]:
    """R2 of the level that a remix was made at: of that remix, and of another separation of the same excerpt.

    A learner that reads the level from the bleed finds it in the first, and not in the second.
    """
    levels = np.stack([remixes.level_lu[:, 1:], remixes.range_lu[:, 1:]], axis=2)
    examples = remixes.examples(levels)
    others = remixes.examples(np.roll(levels, 1, axis=1))
    return _level_r2(learner, seed, examples, (examples, others))


def first_separations(remixes: Remixes, learner: Learner, seed: int) -> tuple[float, float]:
    """R2 of the level of an excerpt in its song, learned from first separations: of these, and of its remixes.

    The remixes were made at other levels and tilts, and separated again: what is lost there was read from the bleed,
    or from the spectrum.
    """
    own = np.stack([remixes.level_lu[:, :1], remixes.range_lu[:, :1]], axis=2)
    again = remixes.examples(np.broadcast_to(own, (len(own), remixes.level_lu.shape[1] - 1, 2)))
    first = remixes.examples(own, of=-1)
    return _level_r2(learner, seed, first, (first, again))


def _level_r2(learner: Learner, seed: int, examples: Examples, tests: tuple[Examples, Examples]) -> tuple[float, float]:
    """Train on examples over all folds of songs: R2 of the level in two sets of examples of the songs left out."""
    off: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    spread: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for training, choosing, tested in folds(list(examples.songs), seed):
        known = examples.of(training), examples.of(choosing)
        predict, constant = learner(*known, seed, None), known[0].targets[:, 0].mean()
        for k, test in enumerate(tests):
            there = test.of(tested)
            off[k].append((predict(there)[:, 0] - there.targets[:, 0]) ** 2)
            spread[k].append((constant - there.targets[:, 0]) ** 2)
    first, again = (
        float(1 - np.concatenate(a).mean() / np.concatenate(b).mean()) for a, b in zip(off, spread, strict=True)
    )
    return first, again
