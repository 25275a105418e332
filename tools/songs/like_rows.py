"""Mix multitracks like other songs, beside matchering (GPL; installed by whoever runs this), and keep what came of it.

python -m tools.songs.like_rows MULTITRACKS FOLDER SONG...

FOLDER keeps excerpts. Every SONG is a reference; its rows go to tools/evidence/rows/like.csv, the table is made by
`python -m tools.evidence like`.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile

from mixprior.analysis.song_rows import SongRows
from mixprior.measured_song import measure_song
from mixprior.mixing.effects.chain import process
from mixprior.mixing.effects.settings import Chain, Curve
from mixprior.mixing.mix import arrays
from mixprior.mixing.rules import roles
from mixprior.stats.measures.loudness import difference
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ, third_octave_db
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import MIXTURE, SAMPLE_RATE_HZ, VOCALS
from tools.benches import ffmpeg
from tools.evidence.like import COLUMNS, ROWS

EXCERPT_S, STEP_S = 20, 10
HEARD_DB = 40.0
"""A band that is further below the loudest holds no sound: an equaliser changes nothing in it, a limiter does."""
REFERENCE_S = 60
RATIO = "vocal_to_backing_lu"
Parts = Mapping[str, Sound]


def excerpt(folder: Path, kept: Path) -> dict[str, np.ndarray]:
    """The classes of a multitrack where there is most singing."""
    file = kept / f"{folder.name}.npz"
    if not file.is_file():
        paths = {path.stem: path for path in sorted(folder.glob("*.m4a"))}
        ignored = roles.shared_words(list(paths))
        classes = {name: roles.role_of(name, ignored=ignored).role for name in paths}
        sung = np.sum([_levels(path) for name, path in paths.items() if classes[name] == VOCALS], axis=0)
        sums = np.convolve(sung, np.ones(EXCERPT_S // STEP_S), "valid")
        start_s = STEP_S * int(np.argmax(sums))
        parts: dict[str, Any] = {}
        for name, path in paths.items():
            audio = _cut(path, start_s)
            parts[classes[name]] = parts.get(classes[name], 0.0) + audio
        np.savez(file, **parts)
    with np.load(file) as found:
        return {name: found[name] for name in found.files}


def _levels(path: Path) -> np.ndarray:
    """Energy of every `STEP_S` of a track, of as many as a song of five minutes has."""
    with TemporaryDirectory() as folder:
        ffmpeg.run("-i", path, "-ac", "1", "-ar", "8000", "-c:a", "pcm_f32le", f"{folder}/low.wav")
        audio, rate_hz = soundfile.read(f"{folder}/low.wav", dtype="float32")
    step, steps = STEP_S * rate_hz, 300 // STEP_S
    padded = np.pad(audio[: steps * step], (0, max(0, steps * step - audio.size)))
    return np.square(padded.reshape(steps, step)).sum(axis=1)


def _cut(path: Path, start_s: int) -> np.ndarray:
    with TemporaryDirectory() as folder:
        where = ("-ss", str(start_s), "-t", str(EXCERPT_S), "-i", path)
        ffmpeg.run(*where, "-ac", "2", "-ar", str(SAMPLE_RATE_HZ), "-c:a", "pcm_f32le", f"{folder}/cut.wav")
        audio, _ = soundfile.read(f"{folder}/cut.wav", dtype="float32", always_2d=True)
    samples = EXCERPT_S * SAMPLE_RATE_HZ
    return np.pad(audio.T[:, :samples], ((0, 0), (0, max(0, samples - len(audio)))))


def reference(song: Path, kept: Path) -> tuple[Path, SongRows]:
    """The middle minute of a song, and its statistics."""
    file, measured = kept / f"{song.stem}.wav", kept / f"{song.stem}.json"
    if not measured.is_file():
        info = soundfile.info(song)
        start = round(info.samplerate * max(0.0, info.duration - REFERENCE_S) / 2)
        audio, rate_hz = soundfile.read(song, REFERENCE_S * info.samplerate, start, dtype="float32", always_2d=True)
        soundfile.write(file, audio, rate_hz, "PCM_24")
        measured.write_text(json.dumps(asdict(measure_song(file))), "utf-8")
    return file, SongRows(**json.loads(measured.read_text("utf-8")))


def matchering(summed: Sound, wanted: Path, kept: Path) -> Sound:
    """The sum matched to a reference, through matchering's limiter."""
    import matchering as mg  # here: no package of ours needs it

    source, made = kept / "sum.wav", kept / "matched.wav"
    soundfile.write(source, summed.audio.T, summed.rate_hz, "FLOAT")
    mg.process(target=str(source), reference=str(wanted), results=[mg.pcm24(str(made))])
    audio, rate_hz = soundfile.read(made, dtype="float32", always_2d=True)
    return Sound(np.ascontiguousarray(audio.T), rate_hz)


def equalised(parts: Parts, before: Sound, after: Sound) -> dict[str, Sound]:
    """The classes with the equaliser that made one mix of another, read in thirds of an octave."""
    gains_db = third_octave_db(after.spectra.power) - third_octave_db(before.spectra.power)
    curve = Curve(tuple(BAND_CENTRES_HZ.tolist()), tuple(np.nan_to_num(gains_db).tolist()))
    return {name: process(Chain(match=curve), sound) for name, sound in parts.items()}


def spectrum_db(mix: Sound, wanted: Sound, source: Sound) -> float:
    """Mean difference of third octaves about their mean, in the bands that the multitrack has sound in."""
    has_db, own_db, wanted_db = (third_octave_db(sound.spectra.power) for sound in (source, mix, wanted))
    used = (has_db > np.nanmax(has_db) - HEARD_DB) & np.isfinite(own_db) & np.isfinite(wanted_db)
    apart_db = (own_db - wanted_db)[used]
    return float(np.mean(np.abs(apart_db - apart_db.mean())))


def figures(mix: Sound, parts: Parts, wanted: Sound, rows: SongRows, source: Sound) -> dict[str, float | None]:
    """How far a mix is from the reference, whose class levels are those of its separated stems."""
    whole = Sound.sum(parts.values()).integrated_lufs
    levels = []
    for name, sound in parts.items():
        level = difference(sound.integrated_lufs, whole)
        there = None if rows.is_absent(name) else rows.value(name, "loudness_vs_mixture_lu")
        if level is not None and there is not None:
            levels.append(abs(level - there))
    rest = Sound.sum(sound for name, sound in parts.items() if name != VOCALS)
    ratio = difference(difference(parts[VOCALS].integrated_lufs, rest.integrated_lufs), rows.value("song", RATIO))
    loudness = difference(mix.integrated_lufs, rows.value(MIXTURE, "integrated_lufs"))
    return {
        "spectrum_db": spectrum_db(mix, wanted, source),
        "loudness_lu": None if loudness is None else abs(loudness),
        "class_lu": float(np.mean(levels)) if levels else None,
        "ratio_lu": None if ratio is None else abs(ratio),
        "true_peak_dbtp": mix.true_peak_dbtp,
    }


def systems(
    classes: Mapping[str, np.ndarray], wanted: Path, rows: SongRows, kept: Path
) -> Iterator[tuple[str, Sound, Parts]]:
    """The mixes to compare, with their classes as they are summed."""
    parts = {name: Sound(audio, SAMPLE_RATE_HZ) for name, audio in classes.items()}
    summed = Sound.sum(parts.values())
    yield "sum", summed, parts
    matched = matchering(summed, wanted, kept)
    yield "matchering", matched, equalised(parts, summed, matched)
    ours: dict[str, dict[str, Any]] = {
        "mix --like": {"like": [rows]},
        "mix --like --trust 1": {"like": [rows], "trust": 1.0},
    }
    for name, chosen in ours.items():
        made = arrays.mix_tracks(classes, SAMPLE_RATE_HZ, roles={part: part for part in classes}, **chosen)
        yield name, Sound(made.audio, made.rate_hz), made.summed.parts


def main(multitracks: Path, kept: Path, references: list[Path]) -> None:
    """Measure all songs with all references; rows are kept as they come."""
    kept.mkdir(parents=True, exist_ok=True)
    folders = sorted(path for path in multitracks.iterdir() if path.is_dir())
    found: list[dict[str, object]] = []
    for turn in range(len(references)):
        for place, folder in enumerate(folders):
            song = references[(place + turn) % len(references)]
            wanted, rows = reference(song, kept)
            audio, rate_hz = soundfile.read(wanted, dtype="float32", always_2d=True)
            sound = Sound(np.ascontiguousarray(audio.T), rate_hz).at(SAMPLE_RATE_HZ)
            classes = excerpt(folder, kept)
            summed = Sound.sum(Sound(each, SAMPLE_RATE_HZ) for each in classes.values())
            for name, mix, parts in systems(classes, wanted, rows, kept):
                row: dict[str, object] = {"song": folder.name, "reference": song.name, "system": name}
                found.append({**row, **figures(mix, parts, sound, rows, summed)})
                print(found[-1], flush=True)
            _write(found)


def _write(found: list[dict[str, object]]) -> None:
    with ROWS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _rounded(value) for key, value in row.items()} for row in found)


def _rounded(value: object) -> object:
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), list(map(Path, sys.argv[3:])))
