"""What each learner finds of laws that were chosen: rows of `tools.evidence.predictor`.

`python -m tools.songs.known_truth REMIXES --name htdemucs --learner NAME ... --law R2 ... --seeds N`: REMIXES is what
`tools.songs.remixes` wrote. A row a law, target and seed is added; rows that are there are not made again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import torch

from mixprior.learning.predictor import known_truth
from mixprior.learning.predictor.known_truth import Remixes
from mixprior.learning.predictor.learners import LEARNERS
from tools import ROOT
from tools.songs import kept_rows

ROWS = ROOT / "tools" / "evidence" / "rows" / "known_truth.csv"
COLUMNS = ("remixes", "learner", "law_r2", "seed", "target", "r2", "better", "mae", "mae_of_mean", "songs", "excerpts")
LEAK = "leak"
"""In place of the R2 of a law: the level that the remix itself was made at."""
FIRST = "first"
"""In place of it: the level of an excerpt in its song, learned from first separations."""
LEFT = "left"
"""In place of a learner: what the separation leaves of what a law is of."""
LEVELS = {
    LEAK: (known_truth.leak, ("level of this separation", "level of another separation")),
    FIRST: (known_truth.first_separations, ("level by the first separation", "level by a second separation")),
}


def rows_of(
    remixes: Remixes, learner: str, law: str, seed: int, trained_on: Remixes | None = None
) -> list[list[object]]:
    """The rows of one training."""
    songs, excerpts = len(set(remixes.songs)), len(remixes.songs)
    if law in LEVELS:
        measure, names = LEVELS[law]
        shares = measure(remixes, LEARNERS[learner], seed)
        return [[name, f"{r2:.4f}", "", "", "", songs, excerpts] for name, r2 in zip(names, shares, strict=True)]
    if learner == LEFT:
        left = known_truth.left(remixes).items()
        return [[name, f"{share * float(law):.4f}", 0, "", "", songs, excerpts] for name, share in left]
    found = known_truth.found(remixes, LEARNERS[learner], float(law), seed, trained_on)
    return [
        [name, f"{f.r2:.4f}", int(f.better_than_mean), f"{f.mae:.4f}", f"{f.mae_of_mean:.4f}", f.n, excerpts]
        for name, f in found.items()
    ]


def main(argv: Sequence[str]) -> int:
    """`python -m tools.songs.known_truth`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("remixes", type=Path, metavar="REMIXES")
    parser.add_argument("--name", required=True, help="what separated, as tools.evidence.predictor calls it")
    parser.add_argument("--learner", choices=(*LEARNERS, LEFT), nargs="+", required=True)
    parser.add_argument("--law", nargs="+", required=True, help=f"share of the variance, {LEAK} or {FIRST}")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--trained-on", type=Path, metavar="REMIXES", help="remixes by another separation that train")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    remixes = known_truth.read(args.remixes)
    trained_on = known_truth.read(args.trained_on) if args.trained_on else None
    for learner, law, seed in product(args.learner, args.law, range(args.seeds)):
        key = [args.name, learner, law, str(seed)]
        if key not in [row[:4] for row in kept_rows.kept(ROWS, COLUMNS)]:
            made = rows_of(remixes, learner, law, seed, trained_on)
            kept_rows.add(ROWS, COLUMNS, ([*key, *row] for row in made))
            print(key, made, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
