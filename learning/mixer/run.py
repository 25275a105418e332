"""`mixprior train console`: the songs of a run or a folder in; a mixer, its card and its learning curve out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from mixprior.learning.console.controls import Controls
from mixprior.learning.mixer import song_examples
from mixprior.learning.mixer.excerpts import stems_of
from mixprior.learning.mixer.network import ConsoleMixer
from mixprior.learning.mixer.task import ConsoleTask, Example
from mixprior.learning.scenes.songs import TrainingSong, leave_out, need_artists, songs_of
from mixprior.learning.scenes.split import CHOOSE, TRAIN, split
from mixprior.learning.training import curves
from mixprior.learning.training.card import card
from mixprior.learning.training.config import TrainingConfig
from mixprior.learning.training.loop import State, train
from mixprior.learning.training.output import model_path
from mixprior.learning.training.progress import shown
from mixprior.mixing.evaluation.kept_priors import shipped
from mixprior.mixing.learned import console
from mixprior.pipeline.store.files import write_bytes
from mixprior.pipeline.store.records import SongError

SHARES = {TRAIN: 0.75, CHOOSE: 0.25}
DRAWS = 8
"""Examples of a song."""
CONFIG = TrainingConfig(batch=16, rate=3e-3, weight_decay=1e-2, clip=1.0, check_every=20, patience=8)


def run(args: argparse.Namespace) -> int:
    """Train by the arguments, say how far gains are off, and return 0.

    Raises:
        InputError: if there are no songs to train on, or something cannot be written.
    """
    model = model_path(args.output)
    work = model.with_suffix(".training")
    config = replace(CONFIG, seed=args.seed, device=args.device, precision=args.precision, steps=args.steps)
    songs = songs_of(args.run, args.roles, args.role)
    if args.split_by != "song":
        need_artists(songs)
    examples = _examples(songs, args.stems or work / "stems", args.seed)
    with_examples = [each for each in songs if examples.get(each.song_id)]
    sides = split(with_examples, args.split_by, args.seed, SHARES)
    task = ConsoleTask(_of(examples, sides[TRAIN]), _of(examples, sides[CHOOSE]), spread())
    state = train(task, config, work / "model")
    found = made(state, card(songs, sides, config, looks=[asdict(look) for look in state.looks], steps=state.step,
                             draws=DRAWS, of="mixprior train console"))  # fmt: skip
    found.write(model)
    page = curves.page("Console mixer", {"controls, in standard deviations": state.looks})
    write_bytes(str(model.with_suffix(".html")), page.encode())
    print(f"wrote {model}, {model.with_suffix('.json')} and {model.with_suffix('.html')}")
    best = min(state.looks, key=lambda look: look.choosing_loss)
    print(f"{len(sides[TRAIN])} songs trained it, {len(sides[CHOOSE])} chose step {best.step} of {state.step}")
    print(f"gains of the songs that chose: {_errors(state, task.choosing)}")
    return 0


def spread() -> dict[str, torch.Tensor]:
    """Of `song_examples.SPREAD`, as a task takes it."""
    return {name: torch.tensor(sd) for name, sd in song_examples.SPREAD.items()}


def made(state: State, facts: Mapping[str, object]) -> console.ConsoleNetwork:
    """The network of a training, without torch."""
    assert isinstance(state.model, ConsoleMixer)
    return console.made(song_examples.SPREAD, state.model.arrays(), facts)


def _examples(songs: Sequence[TrainingSong], stems: Path, seed: int) -> dict[str, list[Example]]:
    targets = shipped()
    found, show = {}, shown("reading")
    for done, song in enumerate(songs, 1):
        try:
            found[song.song_id] = song_examples.examples_of(song.song_id, stems_of(song, stems), DRAWS, targets, seed)
        except SongError as error:
            leave_out(song.song, error)
        show(done, len(songs))
    return found


def _of(examples: Mapping[str, Sequence[Example]], songs: Sequence[str]) -> list[Example]:
    return [each for song_id in songs for each in examples[song_id]]


def _errors(state: State, examples: Sequence[Example]) -> str:
    by_rule = song_examples.rms_db(examples, [each.centre for each in examples])
    unmixed = song_examples.rms_db(examples, [_at_rest(each) for each in examples])
    ours = song_examples.rms_db(examples, moved(state.model, examples))
    asked = song_examples.rms_db(examples, moved(state.model, examples, asked=True))
    return (
        f"{ours:.2f} dB off, {asked:.2f} dB where the song's own levels are asked for, by the rule {by_rule:.2f} dB, "
        f"as they are {unmixed:.2f} dB (root mean square)"
    )


def moved(model: torch.nn.Module, examples: Sequence[Example], asked: bool = False) -> list[Controls]:
    """What a network sets for examples; with `asked` it is told what each track of the song has."""
    device = next(model.parameters()).device
    of = {name: sd.to(device) for name, sd in spread().items()}
    with torch.no_grad():
        return [
            model(
                each.mel_db[None].to(device),
                each.centre.mapped(lambda value: value.to(device)),
                of,
                balance=None if each.balance is None else each.balance[None].to(device),
                **(_asked(each, device) if asked else {}),
            ).mapped(lambda value: value.cpu())
            for each in examples
        ]


def _asked(example: Example, device: torch.device) -> dict[str, torch.Tensor]:
    if example.statistics is None:
        return {}
    known = torch.isfinite(example.statistics)
    statistics = torch.nan_to_num(example.statistics)
    return {"statistics": statistics[None].to(device), "known": known[None].to(device)}


def _at_rest(example: Example) -> Controls:
    """The tracks at the levels that they have."""
    gains_db = torch.from_numpy(np.zeros(example.centre.output_gain_db.shape, np.float32))
    return replace(example.centre, output_gain_db=gains_db - example.centre.input_gain_db)
