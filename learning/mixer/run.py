"""`mixprior train console`: the songs of a run or a folder in; a mixer, its card and its learning curve out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from tabulate import tabulate

from mixprior.learning.console.controls import Controls
from mixprior.learning.console.mixing import mix
from mixprior.learning.mixer import song_examples
from mixprior.learning.mixer.excerpts import LENGTH_S, stems_of
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
from mixprior.stats.statistic import SAMPLE_RATE_HZ

DRAWS = 8
"""Examples of a song."""
SAID = {"output_gain_db": ("gains, dB", 2), "pan": ("places, 0 to 1", 3), "band_gain_db": ("shelves, dB", 2)}
"""Controls as they are printed, and their digits."""
CONFIG = TrainingConfig(batch=16, rate=3e-3, weight_decay=1e-2, clip=1.0, check_every=20, patience=8)


def run(args: argparse.Namespace) -> int:
    """Train by the arguments, say how far gains are off, and return 0.

    Raises:
        InputError: if there are no songs to train on, or something cannot be written.
    """
    model = model_path(args.output)
    work = model.with_suffix(".training")
    config = replace(
        CONFIG, seed=args.seed, device=args.device, precision=args.precision, steps=args.steps, mix_weight=args.mix_loss
    )
    songs = songs_of(args.run, args.roles, args.role)
    if args.split_by != "song":
        need_artists(songs)
    stems = args.stems or work / "stems"
    examples = examples_by_song(songs, stems, config)
    with_examples = [each for each in songs if examples.get(each.song_id)]
    sides = split(with_examples, args.split_by, args.seed)
    task = ConsoleTask(
        _of(examples, sides[TRAIN]), _of(examples, sides[CHOOSE]), spread(), mix_weight=config.mix_weight
    )
    state = train(task, config, work / "model")
    found = made(state, card(songs, sides, config, looks=[asdict(look) for look in state.looks], steps=state.step,
                             draws=DRAWS, of="mixprior train console"))  # fmt: skip
    found.write(model)
    loss = "controls, in standard deviations"
    name = f"{loss}, and {config.mix_weight:g} x spectra and features of the mix" if config.mix_weight else loss
    (pictured,) = (each for each in with_examples if each.song_id == sides[CHOOSE][0])
    page = curves.page("Console mixer", {name: state.looks}, mixes(state.model, pictured, stems, args.seed))
    write_bytes(str(model.with_suffix(".html")), page.encode())
    print(f"wrote {model}, {model.with_suffix('.json')} and {model.with_suffix('.html')}")
    best = min(state.looks, key=lambda look: look.choosing_loss)
    print(f"{len(sides[TRAIN])} songs trained it, {len(sides[CHOOSE])} chose step {best.step} of {state.step}")
    print(f"how far mixes of the songs that chose are off:\n{_errors(state, task.choosing)}")
    return 0


def spread() -> dict[str, torch.Tensor]:
    """Of `song_examples.SPREAD`, as a task takes it."""
    return {name: torch.tensor(sd) for name, sd in song_examples.SPREAD.items()}


def made(state: State, facts: Mapping[str, object]) -> console.ConsoleNetwork:
    """The network of a training, without torch."""
    assert isinstance(state.model, ConsoleMixer)
    return console.made(song_examples.SPREAD, state.model.arrays(), facts)


def mixes(model: torch.nn.Module, song: TrainingSong, stems: Path, seed: int) -> dict[str, np.ndarray]:
    """The sum of a song's damaged parts, the network's mix and the wanted one, of one excerpt: (2, samples) by name."""
    samples = round(LENGTH_S * SAMPLE_RATE_HZ)
    (example, *_) = song_examples.examples_of(song.song_id, stems_of(song, stems), 1, shipped(), seed, samples)
    assert example.tracks is not None
    of = {"plain sum": _at_rest(example), "the network's mix": moved(model, [example])[0], "wanted": example.wanted}
    with torch.no_grad():
        return {name: mix(example.tracks[None], each, SAMPLE_RATE_HZ)[0].numpy() for name, each in of.items()}


def examples_by_song(songs: Sequence[TrainingSong], stems: Path, config: TrainingConfig) -> dict[str, list[Example]]:
    """Examples of songs by id, with sound where the configuration has a loss on the mix; a song that fails is left out.

    Args:
        songs: to train on.
        stems: folder that their stems are kept in.
        config: its seed is that of the damage.
    """
    targets, sound_samples = shipped(), song_examples.SOUND_SAMPLES if config.mix_weight else 0
    found, show = {}, shown("reading")
    for done, song in enumerate(songs, 1):
        try:
            found[song.song_id] = song_examples.examples_of(
                song.song_id, stems_of(song, stems), DRAWS, targets, config.seed, sound_samples
            )
        except SongError as error:
            leave_out(song.song, error)
        show(done, len(songs))
    return found


def _of(examples: Mapping[str, Sequence[Example]], songs: Sequence[str]) -> list[Example]:
    return [each for song_id in songs for each in examples[song_id]]


def _errors(state: State, examples: Sequence[Example]) -> str:
    mixes_by = {
        "the network": moved(state.model, examples),
        "given the song's own levels and slopes": moved(state.model, examples, asked=True),
        "the rule": [each.centre for each in examples],
        "as they are": [_at_rest(each) for each in examples],
    }
    found = {name: song_examples.errors(examples, controls) for name, controls in mixes_by.items()}
    lines = [
        [name, *(f"{off[control]:.{digits}f}" for control, (_, digits) in SAID.items())] for name, off in found.items()
    ]
    heads = ["off (root mean square)", *(head for head, _ in SAID.values())]
    return tabulate(lines, heads, tablefmt="plain", disable_numparse=True)


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
    return replace(example.centre, output_gain_db=-example.centre.input_gain_db)
