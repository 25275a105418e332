"""Whether a console mixer finds a law of the sound on songs of a collection that it was not trained on.

`python -m tools.songs.mixer_law TRAIN JUDGED --stems DIR [--seeds N]`: two manifests, whose songs have other artists
and another collection; DIR holds separated stems, as `mixprior train --stems` keeps them. Stems of 5.8 s are brought to
equal loudness; each is wanted so much louder as its spectrum falls less than those of the others, and a noise of 1 dB
is added. Spectra that train are also tilted, and the law with them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import torch

from mixprior.learning.console.controls import Controls
from mixprior.learning.mixer.excerpts import LENGTH_S, stems_of
from mixprior.learning.mixer.task import ConsoleTask, Example
from mixprior.learning.scenes.songs import Stems, TrainingSong, need_artists, songs_of
from mixprior.learning.scenes.split import CHOOSE, TRAIN, split
from mixprior.learning.training.config import TrainingConfig
from mixprior.learning.training.loop import train
from mixprior.mixing.evaluation.excerpts import there
from mixprior.mixing.evaluation.scenes import audible
from mixprior.mixing.learned.heard import hear, slope_of
from mixprior.mixing.learned.mel import BANDS
from mixprior.stats.errors import InputError
from mixprior.stats.measures.spectrum import third_octave_db
from mixprior.stats.statistic import SAMPLE_RATE_HZ

NOISE_DB = 1.0
LAW = 1.0
"""dB for each dB per octave."""
DRAWS, TILT_SD = 8, 1.5
"""Examples of an excerpt that trains, and the spread of the tilts, in dB per octave."""
MOST_EXCERPTS = 16
"""Of a song."""
SPREAD = {"output_gain_db": torch.tensor(8.0)}
"""Twice that of the law: no control goes further than two of these."""
MEMBERS = 3
"""Networks of other first weights, whose answers' mean is judged, too."""
CONFIG = TrainingConfig(steps=300, batch=16, rate=0.01, weight_decay=0.01, check_every=20, patience=6)


def excerpts_of(song: TrainingSong, folder: Path) -> Iterator[Stems]:
    """Excerpts of 5.8 s: of the whole song where it is separated, else of what `mixprior train console` separated."""
    stems = song.stems() if song.is_separated else stems_of(song, folder)
    length = round(LENGTH_S * SAMPLE_RATE_HZ)
    samples = min(each.shape[1] for each in stems.values())
    first = np.unique(np.linspace(0, samples - length, min(MOST_EXCERPTS, samples // length)).astype(int))
    for start in first:
        yield there({name: np.ascontiguousarray(each[:, start : start + length]) for name, each in stems.items()})


def examples_of(stems: Stems, draws: int, rng: np.random.Generator) -> list[Example]:
    """One excerpt as it is, and tilted in other draws, each with gains of the law; none of a single stem."""
    parts = audible(stems)
    slopes = [slope_of(third_octave_db(sound.spectra.power)) for sound in parts.values()]
    known = [each for each in slopes if each is not None]
    if len(parts) < 2 or len(known) < len(parts):
        return []
    mel_db = np.stack([each.mel_db for sound in parts.values() if (each := hear(sound)) is not None])
    tilts = rng.normal(0, TILT_SD, (draws, len(known))) * (np.arange(draws) > 0)[:, None]
    return [_example(mel_db, np.array(known), each, rng) for each in tilts]


def _example(mel_db: np.ndarray, slopes: np.ndarray, tilts: np.ndarray, rng: np.random.Generator) -> Example:
    """Spectra with other tilts, in dB per octave, and the gains of the law."""
    tilted = mel_db + (tilts[:, None] * _octaves())[..., None]
    gains_db = LAW * (slopes + tilts - np.mean(slopes + tilts)) + NOISE_DB * rng.standard_normal(len(slopes))
    centre = Controls.at_rest(1, len(slopes))
    wanted = replace(centre, output_gain_db=torch.from_numpy(gains_db.astype(np.float32))[None])
    return Example(torch.from_numpy(tilted.astype(np.float32)), centre, wanted)


def _octaves() -> np.ndarray:
    """Of the mel bands about 1 kHz."""
    return np.log2(librosa.mel_frequencies(BANDS + 2, fmin=0.0, fmax=SAMPLE_RATE_HZ / 2)[1:-1] / 1000.0)


def by_song(songs: Sequence[TrainingSong], folder: Path, draws: int, seed: int) -> dict[str, list[Example]]:
    """Examples by song."""
    rng = np.random.default_rng(seed)
    return {
        song.song_id: [found for each in excerpts_of(song, folder) for found in examples_of(each, draws, rng)]
        for song in songs
    }


def sides_of(songs: Sequence[TrainingSong], seed: int) -> dict[str, list[str]]:
    """Songs that train, and songs of other artists that choose when to stop.

    Raises:
        InputError: if an artist is not known, or there are too few.
    """
    need_artists(songs)
    return split(songs, "artist", seed, {TRAIN: 0.8, CHOOSE: 0.2})


def errors_db(model: torch.nn.Module, examples: Sequence[Example]) -> np.ndarray:
    """How far gains are off."""
    with torch.no_grad():
        found = [model(each.mel_db[None], each.centre, SPREAD).output_gain_db for each in examples]
    off = [one - each.wanted.output_gain_db for one, each in zip(found, examples, strict=True)]
    return torch.cat(off, dim=1)[0].numpy()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("judged", type=Path)
    parser.add_argument("--stems", type=Path, required=True)
    parser.add_argument("--role", default="prior")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    songs, judged = (songs_of(each, role=args.role, kept_in=args.stems) for each in (args.train, args.judged))
    both = frozenset().union(*(each.artists for each in songs)) & frozenset().union(*(each.artists for each in judged))
    if both or {each.collection for each in songs} & {each.collection for each in judged}:
        raise InputError("songs that judge have other artists and another collection than those that are trained on")
    for seed in range(args.seeds):
        of = by_song(songs, args.stems, DRAWS, seed)
        sides = sides_of(songs, seed)
        trained, chose = ([e for song_id in sides[side] for e in of[song_id]] for side in (TRAIN, CHOOSE))
        task = ConsoleTask(trained, chose, SPREAD, width=16)
        states = [train(task, replace(CONFIG, seed=MEMBERS * seed + k)) for k in range(MEMBERS)]
        examples = [e for each in by_song(judged, args.stems, 1, 100 + seed).values() for e in each]
        off_db = np.stack([errors_db(each.model, examples) for each in states])
        one_db, all_db = (float(np.sqrt(np.mean(np.square(each)))) for each in (off_db, off_db.mean(axis=0)))
        before_db = float(np.sqrt(np.mean(np.square(errors_db(_untrained(states[0].model), examples)))))
        print(
            f"seed {seed}: off by {one_db / NOISE_DB:.2f} x the noise, the mean of {MEMBERS} networks by "
            f"{all_db / NOISE_DB:.2f} x; untrained {before_db / NOISE_DB:.2f} x; {len(trained)} excerpts trained, "
            f"{len(chose)} chose, {len(examples)} of {len(judged)} songs judged",
            flush=True,
        )


def _untrained(model: torch.nn.Module) -> torch.nn.Module:
    for name, each in model.named_parameters():
        if name.startswith("last."):
            each.data.zero_()
    return model


if __name__ == "__main__":
    main()
