"""`mixprior train predictor`: a run's songs in, a model, its card, its learning curve and a table of errors out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from mixprior.learning.predictor import errors, song_examples
from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.learners import OURS, REGRESSION, Trained, learners, train_ours
from mixprior.learning.predictor.networks import PriorNetwork
from mixprior.learning.scenes.songs import TrainingSong, need_artists, songs_of
from mixprior.learning.scenes.split import CHOOSE, TRAIN, split
from mixprior.learning.training import curves
from mixprior.learning.training.card import card
from mixprior.learning.training.config import TrainingConfig
from mixprior.learning.training.output import model_path
from mixprior.learning.training.progress import shown
from mixprior.mixing.learned import network
from mixprior.mixing.learned.planner import OPTION_OF
from mixprior.pipeline.store.files import write_bytes
from mixprior.stats.errors import InputError

LEAST_SHARE = 0.5
"""A target is learned that more than this share of the songs have."""


def run(args: argparse.Namespace) -> int:
    """Train by the arguments, print the table if it was asked for, and return 0.

    Raises:
        InputError: if the run has no songs to train on, or something cannot be written.
    """
    model = model_path(args.output)
    work = model.with_suffix(".training")
    config = replace(OURS, seed=args.seed, device=args.device, precision=args.precision, steps=args.steps)
    songs = songs_of(args.run, args.roles, args.role, args.stems or work / "stems")
    if args.errors or args.split_by != "song":
        need_artists(songs)
    facts, kept_in = song_examples.measured(args.run), work / "spectra"
    examples = song_examples.of_songs(songs, facts, kept_in, shown("reading"), args.excerpts, args.split_by)
    sides = split([each for each in songs if each.song_id in set(examples.songs)], args.split_by, args.seed)
    kept = _that_mix(examples, sides)
    trained = train_ours(kept.of(sides[TRAIN]), kept.of(sides[CHOOSE]), config, work / "model")
    _write(model, trained, kept, songs, sides, config)
    print(f"wrote {model}, {model.with_suffix('.json')} and {model.with_suffix('.html')}")
    print(_words(trained, sides))
    if args.errors:
        seeds = range(args.seed, args.seed + args.error_seeds)
        there = learners(args.device, args.precision)
        found = errors.cross_validated(examples, songs, seeds, there, shown("training"), work / "errors")
        text = errors.table(found)
        write_bytes(str(model.with_suffix(".md")), f"{text}\n".encode())
        write_bytes(str(model.with_suffix(".errors.csv")), found.csv().encode())
        print(text)
    return 0


def _that_mix(examples: Examples, sides: Mapping[str, Sequence[str]]) -> Examples:
    """The targets of a mix that most songs have, and some song of each side. Raises InputError if none is left."""
    kept = (examples.share_known > LEAST_SHARE) & np.isin(examples.names, list(OPTION_OF))
    for songs in sides.values():
        kept &= examples.of(songs).known
    if not kept.any():
        raise InputError("the songs have too few statistics to train on: mine the run again, or give more songs")
    return examples.of_targets(kept)


def _write(
    path: Path,
    trained: Trained,
    examples: Examples,
    songs: list[TrainingSong],
    sides: dict[str, list[str]],
    config: TrainingConfig,
) -> None:
    state, model = trained.state, trained.state.model
    assert isinstance(model, PriorNetwork)
    facts = {"looks": [asdict(look) for look in state.looks], "steps": state.step, "of": "mixprior train predictor"}
    title = "Predictor of a mix"
    if trained.kept == REGRESSION:
        sides = {TRAIN: [*sides[TRAIN], *sides[CHOOSE]]}
        title += ": the regression is kept, and not this network"
    made = network.made(examples.names, model.arrays(), card(songs, sides, config, kept=trained.kept, **facts))
    made.write(path)
    page = curves.page(title, {"vocals and backing": state.looks})
    write_bytes(str(path.with_suffix(".html")), page.encode())


def _words(trained: Trained, sides: Mapping[str, Sequence[str]]) -> str:
    """Which network was kept, and the songs that made it."""
    training, choosing, state = len(sides[TRAIN]), len(sides[CHOOSE]), trained.state
    if trained.kept == REGRESSION:
        return (
            f"kept the regression, of all {training + choosing} songs: on the {choosing} that choose, no gain of the "
            f"network over it was shown in {state.step} steps"
        )
    best = min(state.looks, key=lambda look: look.choosing_loss)
    return f"kept the network: {training} songs trained it, {choosing} chose step {best.step} of {state.step}"
