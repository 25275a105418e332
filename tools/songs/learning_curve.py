"""What more songs buy, by learner: rows of `tools.evidence.predictor`.

`python -m tools.songs.learning_curve --remixes REMIXES` of a law that explains half of the variance;
`python -m tools.songs.learning_curve --run RUN --spectra DIR` of real songs of role prior: DIR is what
`mixprior train predictor` kept of them. A row a learner, seed, count and target is added; none is made twice.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from mixprior.learning.predictor import known_truth, learning_curve, song_examples
from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.learners import LEARNERS
from mixprior.learning.predictor.learning_curve import Sides
from mixprior.learning.scenes.songs import songs_of
from mixprior.learning.scenes.split import split
from tools import ROLES, ROOT
from tools.songs import kept_rows

ROWS = ROOT / "tools" / "evidence" / "rows" / "learning_curve.csv"
COLUMNS = ("songs_of", "learner", "seed", "songs", "target", "mae", "mae_of_mean", "tested")
COUNTS = (1, 2, 4, 8, 16)
LAW_R2 = 0.5
MIXED = ("vocal_to_backing_lu", "loudness_range_100ms_lu")
TESTED = 1 / 3
TESTED_REAL, DRAWS = 1 / 9, 27
"""Of real songs few are left out, so that many train, and many times, so that most are left out once."""


def of_remixes(folder: Path, seed: int) -> tuple[Examples, list[Sides]]:
    """Examples of the law with the noise of a seed, and songs on two sides, once."""
    remixes = known_truth.read(folder)
    order = np.random.default_rng([seed, 31]).permutation(sorted(set(remixes.songs))).tolist()
    tested = round(TESTED * len(order))
    return remixes.examples(known_truth.truth(remixes, LAW_R2, seed)[1]), [(order[tested:], order[:tested])]


def of_run(run: Path, spectra: Path, excerpts: int, seed: int) -> tuple[Examples, list[Sides]]:
    """Examples of real songs, and songs on two sides that have no artist in common, many times.

    An artist of many songs that is left out leaves few to train on: only draws that leave most are kept.
    """
    songs = [each for each in songs_of(run, ROLES, "prior") if (spectra / f"{each.song_id}-{excerpts}.npy").exists()]
    examples = song_examples.of_songs(songs, song_examples.measured(run), spectra, excerpts=excerpts)
    examples = examples.of_targets(np.isin(examples.names, MIXED))
    known = [each for each in songs if each.song_id in set(examples.songs)]
    shares = {"train": 1 - TESTED_REAL, "test": TESTED_REAL}
    drawn = [split(known, "artist", DRAWS * seed + k, shares) for k in range(DRAWS)]
    most = max(len(each["train"]) for each in drawn)
    return examples, [(each["train"], each["test"]) for each in drawn if len(each["train"]) == most]


def main(argv: Sequence[str]) -> int:
    """`python -m tools.songs.learning_curve`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--remixes", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--spectra", type=Path)
    parser.add_argument("--excerpts", type=int, default=2)
    parser.add_argument("--learners", nargs="+", choices=tuple(LEARNERS), default=["ridge", "ours"])
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    material = "remixes" if args.remixes else "real"
    for seed in range(args.seeds):
        examples, sides = (
            of_remixes(args.remixes, seed) if args.remixes else of_run(args.run, args.spectra, args.excerpts, seed)
        )
        for learner in args.learners:
            done = {int(row[3]) for row in kept_rows.kept(ROWS, COLUMNS) if row[:3] == [material, learner, str(seed)]}
            left = [count for count in COUNTS if count not in done]
            drawn = (learning_curve.errors(examples, each, LEARNERS[learner], left, seed) for each in sides)
            tested = len({song for _, songs in sides for song in songs})
            for of_count in zip(*drawn, strict=True):
                errors = np.nanmean([found for _, *found in of_count], axis=0)
                rows = _rows(examples.names, *errors)
                _add([[material, learner, seed, of_count[0][0], *row, tested] for row in rows])
    return 0


def _rows(names: Sequence[str], errors: np.ndarray, errors_of_mean: np.ndarray) -> list[list[str]]:
    return [
        [name, f"{mae:.4f}", f"{of_mean:.4f}"] for name, mae, of_mean in zip(names, errors, errors_of_mean, strict=True)
    ]


def _add(rows: Sequence[Sequence[object]]) -> None:
    kept_rows.add(ROWS, COLUMNS, rows)
    print(*rows, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
