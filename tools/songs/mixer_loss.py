"""Console mixers trained with and without the loss on the mix: `python -m tools.songs.mixer_loss SONGS -o FOLDER`.

Each seed splits the songs and draws weights and batches, once for both; the damage is drawn once for all. Models go to
FOLDER, and how far mixes of the songs that chose when to stop are off to tools/evidence/rows/mixer_loss.csv; the table
is made by `python -m tools.evidence mixer_loss`. A seed and a weight that are there are not run again.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path

import torch

from mixprior.learning.console.controls import Controls
from mixprior.learning.console.mixing import mix
from mixprior.learning.mixer import run, song_examples
from mixprior.learning.mixer.features import feature_distance
from mixprior.learning.mixer.loss import sum_and_difference
from mixprior.learning.mixer.task import ConsoleTask, Example
from mixprior.learning.scenes.songs import need_artists, songs_of
from mixprior.learning.scenes.split import CHOOSE, TRAIN, split
from mixprior.learning.training.card import card
from mixprior.learning.training.loop import train
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from tools.songs.kept_rows import add, kept

WEIGHTS = (0.0, 1.0)
STEPS, BATCH = 120, 8
ROWS = Path(__file__).parents[1] / "evidence" / "rows" / "mixer_loss.csv"
ERRORS = ("output_gain_db", "pan", "band_gain_db")
COLUMNS = ("seed", "weight", "trained", "chose", "step", *ERRORS, "spectra", "features")
"""Songs that trained and chose, the step whose weights are kept, root mean square errors, and the losses on the mix."""
RULE = "rule"
"""In place of a weight: what the posterior rule sets."""


def on_the_mix(examples: list[Example], controls: list[Controls]) -> tuple[float, float]:
    """Both losses on the mix, of examples with tracks: the mean over them."""
    off = torch.zeros(2)
    with torch.no_grad():
        for each, found in zip(examples, controls, strict=True):
            assert each.tracks is not None
            ours, theirs = (mix(each.tracks[None], of, SAMPLE_RATE_HZ) for of in (found, each.wanted))
            off += torch.stack([sum_and_difference(ours, theirs), feature_distance(ours, theirs, SAMPLE_RATE_HZ)])
    spectra, features = (off / len(examples)).tolist()
    return spectra, features


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--stems", type=Path, required=True)
    parser.add_argument("--role", default="prior")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    songs = songs_of(args.songs, role=args.role)
    need_artists(songs)
    of = run.examples_by_song(songs, args.stems, replace(run.CONFIG, mix_weight=max(WEIGHTS)))
    with_examples = [each for each in songs if of.get(each.song_id)]
    done = {(row[0], row[1]) for row in kept(ROWS, COLUMNS)}
    for seed in args.seeds:
        sides = split(with_examples, "artist", seed)
        trained, chose = ([each for song_id in sides[side] for each in of[song_id]] for side in (TRAIN, CHOOSE))
        counts = (seed, len(sides[TRAIN]), len(sides[CHOOSE]))
        if (str(seed), RULE) not in done:
            add(ROWS, COLUMNS, [_row(counts, RULE, "", chose, [each.centre for each in chose])])
        for weight in WEIGHTS:
            if (str(seed), f"{weight:g}") in done:
                continue
            config = replace(run.CONFIG, seed=seed, steps=STEPS, batch=BATCH, mix_weight=weight)
            state = train(ConsoleTask(trained, chose, run.spread(), mix_weight=weight), config)
            facts = card(songs, sides, config, looks=[asdict(look) for look in state.looks], steps=state.step,
                         draws=run.DRAWS, of="python -m tools.songs.mixer_loss")  # fmt: skip
            run.made(state, facts).write(args.output / f"console-{seed}-{weight:g}.npz")
            step = min(state.looks, key=lambda look: look.choosing_loss).step
            add(ROWS, COLUMNS, [_row(counts, f"{weight:g}", step, chose, run.moved(state.model, chose))])


def _row(
    counts: tuple[int, int, int], weight: str, step: int | str, chose: list[Example], controls: list[Controls]
) -> list[object]:
    off = song_examples.errors(chose, controls)
    row = [counts[0], weight, *counts[1:], step, *(f"{off[each]:.4f}" for each in ERRORS)]
    print(row, flush=True)
    return [*row, *(f"{each:.4f}" for each in on_the_mix(chose, controls))]


if __name__ == "__main__":
    main()
