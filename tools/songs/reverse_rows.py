"""Random mixes of free multitracks, taken apart: `python -m tools.songs.reverse_rows MULTITRACKS KIND...`.

A row for each figure of each track, appended to `tools/evidence/rows/reverse.csv`: the truth, the estimate and its
interval. KIND is one of `KINDS`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mixprior.learning.reverse.figure import Figure
from mixprior.learning.reverse.path import response
from mixprior.learning.reverse.taking import Found, take_apart
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Band, Chain, CompressorSettings, MixSettings, PanSettings
from mixprior.pipeline.audio import audio_file, writer
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.sound import Sound
from tools.songs import kept_rows

ROWS = Path(__file__).parents[1] / "evidence" / "rows" / "reverse.csv"
FIELDS = (
    *("song", "kind", "seed", "track", "figure", "level_db", "truth", "found", "half_width", "cpu_s", "residual_db"),
    "direct_db",
)
"""`direct_db` is the residual of direct paths alone, where compressors were looked for too."""
ACTS_DB = 0.3
"""A compressor that lowers its track by less does nothing that anybody could find."""
SECONDS = 20.0
RATE_HZ = 48_000
START_S = {"Hydrogen": 100.0, "Sodium": 120.0, "Potassium": 120.0, "Rubidium": 100.0, "Francium": 120.0}
OTHER_KNEES = "compressed, other knees"
"""Knees of 0 to 12 dB; all others have 4 dB."""
KINDS = {
    "linear": 0,
    "send": 100,
    "send.mp3": 800,
    "send.m4a": 600,
    "send.opus": 900,
    "compressed": 700,
    "compressed again": 1700,
    OTHER_KNEES: 2700,
    ".mp3": 300,
    ".m4a": 400,
    ".opus": 500,
}
"""What mixes are made of beside direct paths, and the lossy file that they went through; seed of the first song."""


def excerpt(folder: Path) -> dict[str, Sound]:
    """The tracks of a song that sound in its excerpt."""
    start_s = START_S[folder.name.split(".")[-1]]
    files = sorted(folder.glob("*.m4a"))
    sounds = {}
    for file in files:
        sound = audio_file.read(file).sound
        first = round(start_s * sound.rate_hz)
        piece = Sound(
            np.ascontiguousarray(sound.audio[:, first : first + round(SECONDS * sound.rate_hz)]), sound.rate_hz
        )
        if np.square(piece.audio).mean() > 1e-9:
            sounds[file.stem.split("Stem_")[-1].removesuffix("_mobile")] = piece.at(RATE_HZ, "VHQ")
    return sounds


def drawn(names: list[str], kind: str, seed: int) -> MixSettings:
    """Random settings: gains of -12 to 6 dB, pans, up to four bands; with reverb or compressor as the kind says."""
    rng = np.random.default_rng(seed)
    low_to_high = lambda low, high: float(np.exp(rng.uniform(np.log(low), np.log(high))))  # noqa: E731
    room = FdnReverbSettings(
        room_size=int(rng.integers(3, 28)),
        reverberation_time_s=float(rng.uniform(0.5, 2.5)),
        highs_cutoff_hz=float(rng.uniform(2000, 9000)),
        highs_gain_db_s=float(rng.uniform(-30, -5)),
    )
    tracks = {}
    for name in names:
        bands = [Band("peak", low_to_high(150, 8000), float(rng.uniform(-9, 9)), low_to_high(0.5, 3)) for _ in range(2)]
        bands.append(Band("low shelf", low_to_high(60, 300), float(rng.uniform(-9, 9)), float(rng.uniform(0.5, 1))))
        bands.append(
            Band("high shelf", low_to_high(3000, 12_000), float(rng.uniform(-9, 9)), float(rng.uniform(0.5, 1)))
        )
        kept = tuple(band for band in bands if rng.random() < 0.5)
        made = Chain(float(rng.uniform(-12, 6)), bands=kept, pan=PanSettings(float(rng.uniform(0.1, 0.9))))
        compressor = CompressorSettings(
            float(rng.uniform(-42, -24)), low_to_high(1.5, 8), low_to_high(0.003, 0.05), low_to_high(0.05, 0.4), 4.0
        )
        if kind == OTHER_KNEES:
            compressor = replace(compressor, knee_db=float(rng.uniform(0, 12)))
        send, squeeze = float(rng.uniform(0.05, 0.4)), rng.random() < 1 / 2
        if kind.startswith("send") and rng.random() < 0.5:
            made = replace(made, reverb=replace(room, dry_wet=send))
        if kind.startswith("compressed") and squeeze:
            made = replace(made, compressor=compressor)
        tracks[name] = made
    return MixSettings(tracks)


def bounced(mix: Sound, kind: str) -> Sound:
    """The mix through a lossy file, where its kind is one, at most at full scale."""
    _, dot, name = kind.partition(".")
    if not dot:
        return mix
    loud = Sound(mix.audio / np.float32(max(1.0, 1.05 * mix.peak)), mix.rate_hz)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"mix.{name}"
        writer.write(path, loud.audio, loud.rate_hz, path.suffix)
        coded = audio_file.read(path).sound
    return Sound(coded.audio * np.float32(max(1.0, 1.05 * mix.peak)), coded.rate_hz)


def truths(chained: Chain, sound: Sound, grid: list[float]) -> dict[str, float]:
    """What is to be found of a track: change of level, pan, curve beside that change, as `figures` has them."""
    power = np.square(np.abs(np.fft.rfft(sound.audio))).sum(axis=0)
    hz = np.arange(power.size) * sound.rate_hz / sound.samples
    heard = (hz > 20) & (hz < 20_000)
    curve = np.square(np.abs(response(chained.bands, hz[heard], sound.rate_hz)))
    change_db = 10 * np.log10((power[heard] * curve).sum() / power[heard].sum())
    at = 20 * np.log10(np.abs(response(chained.bands, np.array(grid), sound.rate_hz))) - change_db
    of_eq = {f"eq {each:.4g}": float(value) for each, value in zip(grid, at, strict=True)}
    gain_db = chained.input_gain_db + change_db
    if chained.compressor is not None:
        squeezed = chain.process(replace(chained, pan=None, reverb=None), sound).audio
        gain_db = 10 * np.log10(np.square(squeezed, dtype=float).sum() / np.square(sound.audio, dtype=float).sum())
    position = 0.5 if chained.pan is None else chained.pan.position
    return {"gain_db": float(gain_db), "pan": position, **of_eq}


def effects(chained: Chain, sound: Sound) -> dict[str, float]:
    """What is to be found of the reverb send and of a compressor that acts."""
    found = {} if chained.reverb is None else {"send_db": 20 * float(np.log10(chained.reverb.dry_wet))}
    at = chained.compressor
    if at is not None:
        before = replace(chained, compressor=None, pan=None, reverb=None)
        levels = [
            np.square(chain.process(each, sound).audio, dtype=float).sum()
            for each in (before, replace(before, compressor=at))
        ]
        reduction_db = 10 * float(np.log10(levels[0] / levels[1]))
        if reduction_db >= ACTS_DB:
            names = ("threshold_dbfs", "ratio", "attack_s", "release_s", "knee_db")
            found |= {**{name: getattr(at, name) for name in names}, "reduction_db": reduction_db}
    return found


def rows(
    key: Mapping[str, object], settings: MixSettings, sounds: Mapping[str, Sound], found: Found
) -> Iterator[dict[str, object]]:
    """A row a figure of a track."""
    for name, track in found.tracks.items():
        grid = list(track.eq_db)
        of_eq: dict[str, Figure | None] = {f"eq {hz:.4g}": each for hz, each in track.eq_db.items()}
        figures: dict[str, Figure | None] = {"gain_db": track.gain_db, "pan": track.pan, **of_eq}
        figures["send_db"] = track.send_db
        figures |= {} if track.compressor is None else vars(track.compressor)
        of_effects = effects(settings.tracks[name], sounds[name])
        if track.compressor is not None and not of_effects:
            of_effects = {"reduction_db": 0.0}
        for figure, truth in {**truths(settings.tracks[name], sounds[name], grid), **of_effects}.items():
            each = figures.get(figure)
            if each is None and figure.startswith("eq"):
                continue
            yield {
                **key,
                "track": name,
                "figure": figure,
                "level_db": "" if track.level_db is None else f"{track.level_db:.1f}",
                "truth": f"{truth:.4f}",
                "found": "" if each is None else f"{each.value:.4f}",
                "half_width": "" if each is None else f"{each.half_width:.4f}",
                "residual_db": f"{found.residual.db:.1f}",
            }


def taken(song: str, sounds: Mapping[str, Sound], kind: str, seed: int) -> Iterator[dict[str, object]]:
    """Mix the excerpt of a song and take it apart."""
    settings = drawn(list(sounds), kind, seed)
    mix = bounced(chain.sum_up(settings, sounds).sound, kind)
    begun = time.process_time()
    send, compressed = kind.startswith("send"), kind.startswith("compressed")
    found = take_apart(sounds, mix, reverb=send, compressors=compressed)
    key = {"song": song, "kind": kind, "seed": seed, "cpu_s": f"{time.process_time() - begun:.1f}"}
    if compressed:
        key["direct_db"] = f"{take_apart(sounds, mix).residual.db:.1f}"
    yield from rows(key, settings, sounds, found)


def main(multitracks: str, *kinds: str) -> None:
    """Append rows of all songs that are not there yet."""
    done = {(song, kind) for song, kind, *_ in kept_rows.kept(ROWS, FIELDS)}
    folders = {path.name.split(".")[-1]: path for path in Path(multitracks).iterdir()}
    for number, (song, folder) in enumerate(sorted(folders.items(), key=lambda item: len(list(item[1].iterdir())))):
        wanted = [kind for kind in kinds or KINDS if (song, kind) not in done]
        sounds = excerpt(folder) if wanted else {}
        for kind in wanted:
            _append(list(taken(song, sounds, kind, KINDS[kind] + number)))


def _append(made: list[dict[str, object]]) -> None:
    kept_rows.add(ROWS, FIELDS, ([row.get(field, "") for field in FIELDS] for row in made))


if __name__ == "__main__":
    main(*sys.argv[1:])
