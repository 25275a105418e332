"""The table of errors: each learner on songs of artists that it was not trained on, beside Li's numbers."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.intervals import LEAST_SONGS, interval
from mixprior.learning.predictor.learners import LEARNERS, Learner
from mixprior.learning.predictor.published import TABLE, Row
from mixprior.learning.scenes.songs import TrainingSong
from mixprior.learning.scenes.split import groups_of, split

FOLDS = 4
_KEYS = ("song_id", "group", "target")
_ROUNDING = 1e-3
"""Differences of errors that are smaller are of a kept table's four digits, or of a network's float32."""
_NAMES = {
    "mean": "mean",
    "median": "median",
    "boosting": "boosting",
    "ridge": "ridge",
    "li": "his CNN, re-made",
    "ours": "ours",
}


@dataclass(frozen=True)
class Errors:
    """Absolute errors, means over seeds.

    Attributes:
        by_learner: (songs, targets) by name; NaN where the truth is not known.
        names: of the targets.
        songs: ids, in the order of the rows.
        groups: of each song, the first of those that have an artist in common with it; empty for songs of their own.
    """

    by_learner: Mapping[str, np.ndarray]
    names: tuple[str, ...]
    songs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def csv(self) -> str:
        """A row a song and target, a column a learner; empty where the truth is not known."""
        lines = [",".join((*_KEYS, *self.by_learner))]
        for k, (song, group) in enumerate(zip(self.songs, self.groups or self.songs, strict=True)):
            for j, name in enumerate(self.names):
                cells = [each[k, j] for each in self.by_learner.values()]
                lines.append(
                    ",".join((song, group, name, *("" if np.isnan(cell) else f"{cell:.4g}" for cell in cells)))
                )
        return "\n".join(lines) + "\n"


def read(text: str) -> Errors:
    """Read what `Errors.csv` wrote."""
    rows = list(csv.DictReader(text.splitlines()))
    songs, names = (tuple(dict.fromkeys(row[column] for row in rows)) for column in ("song_id", "target"))
    groups = {row["song_id"]: row["group"] for row in rows}
    learners = [name for name in rows[0] if name not in _KEYS]
    shape = len(songs), len(names)
    cells = {name: np.array([float(row[name] or "nan") for row in rows]).reshape(shape) for name in learners}
    return Errors(cells, names, songs, tuple(groups[song] for song in songs))


def cross_validated(
    examples: Examples,
    songs: Sequence[TrainingSong],
    seeds: Sequence[int],
    learners: Mapping[str, Learner] = LEARNERS,
    progress: Callable[[int, int], None] | None = None,
    folder: Path | None = None,
) -> Errors:
    """Train each learner without a fold of artists, and test it there: the mean of its answers on a song's excerpts.

    Args:
        examples: of the songs.
        songs: whose artists keep together.
        seeds: of folds and trainings.
        learners: by name.
        progress: called with trainings done, and of all.
        folder: for checkpoints, so that a table that was stopped goes on.

    Raises:
        InputError: if there are too few artists.
    """
    known = [each for each in songs if each.song_id in set(examples.songs)]
    order = tuple(sorted({each.song_id for each in known}))
    total = {name: np.zeros((len(order), len(examples.names))) for name in learners}
    done, of_all = 0, len(seeds) * FOLDS * len(learners)
    for seed in seeds:
        for k, sides in enumerate(_folds(known, seed)):
            training, choosing = (examples.of(side) for side in sides[:2])
            for name, learner in learners.items():
                own = None if folder is None else folder / f"{name} {seed} {k}"
                predict = learner(training, choosing, seed, own)
                for song in sides[2]:
                    there = examples.of([song])
                    total[name][order.index(song)] += np.abs(predict(there).mean(axis=0) - there.targets[0])
                done += 1
                if progress is not None:
                    progress(done, of_all)
    group_of = {song: group[0] for group in groups_of(known) for song in group}
    groups = tuple(group_of[song] for song in order)
    return Errors({name: each / len(seeds) for name, each in total.items()}, examples.names, order, groups)


def _folds(songs: Sequence[TrainingSong], seed: int) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """Songs that train, choose and test; each song tests once."""
    folds = list(split(songs, "artist", seed, {f"fold {k}": 1 / FOLDS for k in range(FOLDS)}).values())
    for k, tested in enumerate(folds):
        choosing = folds[(k + 1) % FOLDS]
        rest = {song for fold in folds for song in fold} - {*tested, *choosing}
        yield sorted(rest), choosing, tested


def table(errors: Errors) -> str:
    """The thirteen rows in Markdown: his numbers, our learners', and what can be said of ours against the mean."""
    heads = ["", "unit", "his CNN", "his mean", *(_NAMES[name] for name in errors.by_learner), "n", "ours - mean"]
    return tabulate([_row(row, errors) for row in TABLE], heads, tablefmt="github", disable_numparse=True)


def _row(row: Row, errors: Errors) -> list[str]:
    head = [row.name, row.unit, f"{row.network:g}", f"{row.constant:g}"]
    if not row.targets:
        return [*head, *[""] * len(errors.by_learner), "0", "assumed, not measured"]
    columns = [errors.names.index(name) for name in row.targets]
    by_song = {name: each[:, columns].mean(axis=1) for name, each in errors.by_learner.items()}
    counted = np.asarray(np.all([np.isfinite(each) for each in by_song.values()], axis=0))
    shown = [f"{each[counted].mean():.3g}" if counted.any() else "" for each in by_song.values()]
    return [*head, *shown, str(int(counted.sum())), _verdict(by_song, counted, errors.groups)]


def _verdict(by_song: Mapping[str, np.ndarray], counted: np.ndarray, groups: Sequence[str]) -> str:
    """By songs, and by artists where they are known: songs of one are alike."""
    group_of = np.array(groups or range(len(counted)))[counted]
    if not {"ours", "mean"} <= by_song.keys() or len(np.unique(group_of)) < LEAST_SONGS:
        return "too few songs"
    off = (by_song["ours"] - by_song["mean"])[counted]
    off[np.abs(off) < _ROUNDING * by_song["mean"][counted]] = 0.0
    if not off.any():
        return "the mean itself: a constant does as well"
    low, high = interval([float(off[group_of == group].mean()) for group in np.unique(group_of)])
    if high < 0:
        word = "better"
    elif low > 0:
        word = "a constant does better"
    else:
        word = "undecided: a constant does as well"
    return f"{low:+.2f} to {high:+.2f}, {word}"
