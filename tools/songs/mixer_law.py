"""Whether a console mixer finds a law of the sound on songs of a collection that it was not trained on.

`python -m tools.songs.mixer_law TRAIN JUDGED --stems DIR [--seeds N]`: two manifests, whose songs have other artists
and another collection; DIR holds separated stems, as `mixprior train --stems` keeps them. Stems of 5.8 s are brought to
equal loudness; each is wanted so much louder as its spectrum falls less than those of the others, and a noise of 1 dB
is added. Spectra that train are also tilted, and the law with them. Rows go to tools/evidence/rows/mixer_law.csv, the
table is made by `python -m tools.evidence mixer_law`; a number of songs and a seed that are there are not run again.
"""

from __future__ import annotations

import argparse
import copy
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import torch

from mixprior.learning.console.controls import Controls
from mixprior.learning.mixer.excerpts import COUNT, LENGTH_S, stems_of
from mixprior.learning.mixer.task import ConsoleTask, Example
from mixprior.learning.scenes.songs import Stems, TrainingSong, need_artists, songs_of
from mixprior.learning.scenes.split import CHOOSE, TRAIN, split
from mixprior.learning.training.config import TrainingConfig
from mixprior.learning.training.loop import State, train
from mixprior.mixing.evaluation.excerpts import there
from mixprior.mixing.evaluation.scenes import audible
from mixprior.mixing.learned.heard import hear, slope_of
from mixprior.mixing.learned.mel import BANDS
from mixprior.stats.errors import InputError
from mixprior.stats.measures.spectrum import third_octave_db
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from tools.songs.kept_rows import add, kept

NOISE_DB = 1.0
LAW = 1.0
"""dB for each dB per octave."""
DRAWS, TILT_SD = 16, 1.5
"""Examples of an excerpt that trains, and the spread of the tilts, in dB per octave."""
SPREAD_DB = 8.0
"""Twice that of the law: no control goes further than two of these."""
SPREAD = {"output_gain_db": torch.tensor(SPREAD_DB)}
WIDTH = 16
MEMBERS = 3
"""Networks of other first weights, whose answers' mean is judged, too."""
MEAN, UNTRAINED, LAW_ITSELF = "their mean", "untrained", "the law itself"
ROWS = Path(__file__).parents[1] / "evidence" / "rows" / "mixer_law.csv"
COLUMNS = ("songs", "artists", "examples", "seed", "system", "song", "artist", "tracks", "off_db")
"""Songs, artists and examples train and choose; a row is of a judged song, root mean square over its tracks."""
TRAIN_SEED, JUDGE_SEED = 1000, 2000
"""Of tilts and noise; a seed is added."""
CONFIG = TrainingConfig(steps=300, batch=16, rate=0.01, weight_decay=0.01, check_every=20, patience=6)


def excerpts_of(song: TrainingSong, folder: Path, count: int) -> Iterator[Stems]:
    """Excerpts of 5.8 s, at most `count`."""
    stems = stems_of(song, folder, count)
    length = round(LENGTH_S * SAMPLE_RATE_HZ)
    samples = min(each.shape[1] for each in stems.values())
    for start in range(0, min(samples, count * length) - length + 1, length):
        yield there({name: np.ascontiguousarray(each[:, start : start + length]) for name, each in stems.items()})


def examples_of(stems: Stems, draws: int, rng: np.random.Generator, noise_db: float = NOISE_DB) -> list[Example]:
    """One excerpt as it is, and tilted in other draws, each with gains of the law; none of a single stem."""
    parts = audible(stems)
    slopes = [slope_of(third_octave_db(sound.spectra.power)) for sound in parts.values()]
    known = [each for each in slopes if each is not None]
    if len(parts) < 2 or len(known) < len(parts):
        return []
    mel_db = np.stack([each.mel_db for sound in parts.values() if (each := hear(sound)) is not None])
    tilts = rng.normal(0, TILT_SD, (draws, len(known))) * (np.arange(draws) > 0)[:, None]
    return [_example(mel_db, np.array(known), each, noise_db * rng.standard_normal(len(known))) for each in tilts]


def _example(mel_db: np.ndarray, slopes: np.ndarray, tilts: np.ndarray, noise_db: np.ndarray) -> Example:
    """Spectra with other tilts, in dB per octave, and the gains of the law with noise."""
    tilted = mel_db + (tilts[:, None] * _octaves())[..., None]
    gains_db = LAW * (slopes + tilts - np.mean(slopes + tilts)) + noise_db
    centre = Controls.at_rest(1, len(slopes))
    wanted = replace(centre, output_gain_db=torch.from_numpy(gains_db.astype(np.float32))[None])
    return Example(torch.from_numpy(tilted.astype(np.float32)), centre, wanted)


def _octaves() -> np.ndarray:
    """Of the mel bands about 1 kHz."""
    return np.log2(librosa.mel_frequencies(BANDS + 2, fmin=0.0, fmax=SAMPLE_RATE_HZ / 2)[1:-1] / 1000.0)


def by_song(
    songs: Sequence[TrainingSong], folder: Path, excerpts: int, draws: int, seed: int, noise_db: float = NOISE_DB
) -> dict[str, list[Example]]:
    """Examples by song, the same of a song whatever the others are; without noise those of the law itself."""
    found = {}
    for song in songs:
        rng = np.random.default_rng([seed, zlib.crc32(song.song_id.encode())])
        made = (examples_of(each, draws, rng, noise_db) for each in excerpts_of(song, folder, excerpts))
        found[song.song_id] = [example for each in made for example in each]
    return found


def sides_of(songs: Sequence[TrainingSong], seed: int) -> dict[str, list[str]]:
    """Songs that train, and songs of other artists that choose when to stop.

    Raises:
        InputError: if an artist is not known, or there are too few.
    """
    need_artists(songs)
    return split(songs, "artist", seed, {TRAIN: 0.8, CHOOSE: 0.2})


def errors_db(model: torch.nn.Module, examples: Sequence[Example]) -> list[np.ndarray]:
    """How far gains of each example are off, (tracks,)."""
    with torch.no_grad():
        found = [model(each.mel_db[None], each.centre, SPREAD).output_gain_db for each in examples]
    return [(one - each.wanted.output_gain_db)[0].numpy() for one, each in zip(found, examples, strict=True)]


def systems(
    states: Sequence[State], examples: Sequence[Example], by_law: Sequence[Example]
) -> dict[str, list[np.ndarray]]:
    """How far gains of each example are off: of each network, their mean, one without training, and the law itself."""
    each_off = [errors_db(each.model, examples) for each in states]
    found = {f"network {k}": off for k, off in enumerate(each_off)}
    found[MEAN] = [np.mean(of, axis=0) for of in zip(*each_off, strict=True)]
    found[UNTRAINED] = errors_db(_untrained(states[0].model), examples)
    both = zip(examples, by_law, strict=True)
    found[LAW_ITSELF] = [(one.wanted.output_gain_db - own.wanted.output_gain_db)[0].numpy() for one, own in both]
    return found


def of_seed(
    songs: Sequence[TrainingSong], judged: Sequence[TrainingSong], folder: Path, excerpts: int, seed: int
) -> Iterator[tuple[object, ...]]:
    """Train on songs, and give a row for each judged song and system, as `COLUMNS` has them."""
    of = by_song(songs, folder, excerpts, DRAWS, TRAIN_SEED + seed)
    sides = sides_of(songs, seed)
    trained, chose = ([e for song_id in sides[side] for e in of[song_id]] for side in (TRAIN, CHOOSE))
    task = ConsoleTask(trained, chose, SPREAD, WIDTH)
    states = [train(task, replace(CONFIG, seed=MEMBERS * seed + k)) for k in range(MEMBERS)]
    chose_db = [SPREAD_DB * min(look.choosing_loss for look in each.looks) ** 0.5 for each in states]
    print(f"seed {seed}: {len(trained)} examples trained, {len(chose)} chose: {np.round(chose_db, 3)} dB", flush=True)
    facts = (len(songs), len({a for each in songs for a in each.artists}), len(trained) + len(chose), seed)
    for song in judged:
        examples, by_law = (
            by_song([song], folder, excerpts, 1, JUDGE_SEED + seed, noise_db)[song.song_id]
            for noise_db in (NOISE_DB, 0)
        )
        for name, off in systems(states, examples, by_law).items() if examples else ():
            all_db = np.concatenate(off)
            rms_db = float(np.sqrt(np.mean(np.square(all_db))))
            artist = "; ".join(sorted(song.artists))
            yield (*facts, name, Path(song.song.path).stem, artist, all_db.size, f"{rms_db:.4f}")


def some(songs: Sequence[TrainingSong], count: int, seed: int) -> list[TrainingSong]:
    """So many songs, drawn by a seed."""
    order = np.random.default_rng(seed).permutation(len(songs))
    return [songs[k] for k in order[:count]]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("judged", type=Path)
    parser.add_argument("--stems", type=Path, required=True)
    parser.add_argument("--role", default="prior")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--songs", type=int, help="train on so many of them, drawn by the seed (all)")
    parser.add_argument("--excerpts", type=int, default=COUNT, help=f"of a song ({COUNT})")
    args = parser.parse_args()
    songs, judged = (songs_of(each, role=args.role, kept_in=args.stems) for each in (args.train, args.judged))
    both = frozenset().union(*(each.artists for each in songs)) & frozenset().union(*(each.artists for each in judged))
    if both or {each.collection for each in songs} & {each.collection for each in judged}:
        raise InputError("songs that judge have other artists and another collection than those that are trained on")
    count = args.songs or len(songs)
    done = {(row[0], row[3]) for row in kept(ROWS, COLUMNS)}
    for seed in args.seeds:
        if (str(count), str(seed)) not in done:
            # All of a seed or nothing of it: a seed that is there is not run again.
            rows = list(of_seed(some(songs, count, seed), judged, args.stems, args.excerpts, seed))
            add(ROWS, COLUMNS, rows)


def _untrained(model: torch.nn.Module) -> torch.nn.Module:
    found = copy.deepcopy(model)
    for name, each in found.named_parameters():
        if name.startswith("last."):
            each.data.zero_()
    return found


if __name__ == "__main__":
    main()
