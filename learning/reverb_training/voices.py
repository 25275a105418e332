"""Clips of dry recordings of one singer or speaker each, their dryness, and speech turned into singing.

The sources are listed in voices.csv beside this file: `package` is an apt package unpacked into a folder of its name
(`apt-get download NAME; dpkg-deb -x NAME_*.deb FOLDER/NAME`), or a folder of sound files; `files` is a glob in it.
"""

from __future__ import annotations

import argparse
import csv
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import soxr

from mixprior.learning.reverb_training.singing import share_in_tune, sing
from mixprior.pipeline.audio import audio_file, writer
from mixprior.stats.errors import InputError
from mixprior.stats.statistic import SAMPLE_RATE_HZ as RATE_HZ

SOURCES = Path(__file__).with_name("voices.csv")

_FRAME_S, _HOP_S, _FALL_S = 0.02, 0.01, 0.2
_NOTE_DB, _LEAST_FALL_DB, _FLOOR_DB = 20.0, 6.0, -100.0
_PEAK = 0.9
_CLIP_S, _SHORTEST_CLIP_S = 20.0, 4.0
_LONGEST_PAUSE_S = 1.0
_SPEECH_S, _SUNG_S = 60.0, 240.0
_VOCODER_RATE_HZ = 24_000
_IN_TUNE = 0.8


@dataclass(frozen=True)
class Source:
    """Recordings of a singer: a row of voices.csv; `role` is train, calibrate or judge."""

    singer: str
    package: str
    files: str
    kind: str
    licence: str
    role: str


@dataclass(frozen=True)
class Clip:
    """A row of the table of clips; `decay_db_per_200ms` is of the singer's recordings before they were cut."""

    singer: str
    clip: str
    source: str
    licence: str
    role: str
    kind: str
    seconds: float
    decay_db_per_200ms: float | None
    rate_hz: int


def note_ends_db(audio: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return by how much the level falls in the 200 ms after each note or word, in dB.

    Levels are of frames of 20 ms every 10 ms; an end is a fall of 6 dB or more, the steepest within 150 ms, from a
    level at most 20 dB under the loudest.

    Args:
        audio: shape (samples,).
        sample_rate_hz: its rate.
    """
    hop, width = round(_HOP_S * sample_rate_hz), round(_FRAME_S * sample_rate_hz)
    if audio.size < width + _FALL_S * sample_rate_hz:
        return np.zeros(0)
    energy = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64))])
    starts = np.arange(0, audio.size - width + 1, hop)
    power = np.maximum(energy[starts + width] - energy[starts], 0.0)
    level_db = 10 * np.log10(np.maximum(power / max(power.max(), 1e-20), 10 ** (_FLOOR_DB / 10)))
    apart = round(_FALL_S / _HOP_S)
    fall_db = np.where(level_db[:-apart] > -_NOTE_DB, level_db[:-apart] - level_db[apart:], -np.inf)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(fall_db, 15, constant_values=-np.inf), 31).max(axis=1)
    ends = (fall_db == near) & (fall_db > _LEAST_FALL_DB)
    return fall_db[ends]


def decay_db_per_200ms(audio: np.ndarray, sample_rate_hz: int) -> float | None:
    """Return how fast the level falls after the steeper note ends (their 90th percentile), in dB per 200 ms.

    Reverberation falls by 12 dB / RT60 at most, so 40 (an RT60 of 0.3 s) and more means a dry recording; noise limits
    it, too.

    Args:
        audio: shape (samples,).
        sample_rate_hz: its rate.

    Returns:
        None if it has no note end.
    """
    return _steep([note_ends_db(audio, sample_rate_hz)])


def _steep(ends_db: Sequence[np.ndarray]) -> float | None:
    pooled = np.concatenate([*ends_db, np.zeros(0)])
    return float(np.percentile(pooled, 90)) if pooled.size else None


def sources(table: Path) -> list[Source]:
    """Read a table of sources, by the header of its columns."""
    with table.open(encoding="utf-8", newline="") as file:
        return [Source(**{field.name: row[field.name] for field in fields(Source)}) for row in csv.DictReader(file)]


def collect(source: Source, root: Path, output: Path, *, singing_s: float = 80.0) -> list[Clip]:
    """Write a singer's clips to `output`/SINGER, mono at 44.1 kHz, 24 bit, with a peak of 0.9.

    Sung recordings are cut into clips of 20 s, their pauses shortened to 1 s. Single lines and spoken words are joined
    in clips of about 20 s with silent gaps of 0.1 to 0.8 s, speech once as it is and once sung. A singer gets about
    60 s of speech, `singing_s` of singing made of it, or up to 240 s of real singing.

    Returns:
        The clips; none if the package is not below `root`, or holds nothing of this singer.
    """
    rng = np.random.default_rng(zlib.crc32(source.singer.encode()))
    paths = sorted((root / source.package).glob(source.files))
    rng.shuffle(paths)
    words, ends_db, rate_hz = [], [], 0
    spoken_s = 0.0
    for path in paths:
        try:
            file = audio_file.read(path)
        except InputError as error:
            print(f"{source.singer}: left out: {error}", file=sys.stderr)
            continue
        sound, rate_hz = file.sound.audio.mean(axis=0), file.sound.rate_hz
        ends_db.append(note_ends_db(sound, rate_hz))
        word = soxr.resample(sound if source.kind == "sung" else _trimmed(sound, rate_hz), rate_hz, RATE_HZ)
        if np.abs(word).max(initial=0) > 1e-3 and word.size > 0.15 * RATE_HZ:
            words.append(word)
            spoken_s += word.size / RATE_HZ
        if spoken_s > (2 * _SUNG_S if source.kind == "sung" else 1.2 * _SPEECH_S):
            break
    if source.kind == "sung":
        lines = [word for word in words if word.size < _SHORTEST_CLIP_S * RATE_HZ]
        clips = _sung_clips(words) + _joined(lines, _SUNG_S, rng)
    else:
        clips = _joined(words, _SPEECH_S, rng)
    made = {source.kind: (rate_hz, clips)}
    if source.kind == "speech" and singing_s > 0:
        vocoder_hz = min(rate_hz, _VOCODER_RATE_HZ)
        phrases = (_sung(word, vocoder_hz, rng) for word in _phrases(words, rng))
        singing = _joined((phrase for phrase in phrases if phrase is not None), singing_s, rng)
        made["speech-to-singing"] = (vocoder_hz, singing)
    rows = []
    for kind, (bandwidth_hz, clips) in made.items():
        for number, clip in enumerate(clips):
            path = output / source.singer / f"{kind}_{number:02d}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            writer.write(path, _PEAK / np.abs(clip).max() * clip[np.newaxis], RATE_HZ, ".wav")
            seconds, decay = round(clip.size / RATE_HZ, 2), _steep(ends_db)
            decay = None if decay is None else round(decay, 1)
            head = (source.singer, path.name, source.package, source.licence, source.role, kind)
            rows.append(Clip(*head, seconds, decay, bandwidth_hz))
    return rows


def _trimmed(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    # Without what is before and after 45 dB below the loudest 20 ms, or in the noise, faded where it was cut.
    width = round(_FRAME_S * rate_hz)
    frames = sound[: sound.size // width * width].reshape(-1, width)
    power = np.mean(np.square(frames), axis=1) if len(frames) else np.zeros(1)
    loud = np.flatnonzero(power > max(10**-4.5 * power.max(), min(4 * np.percentile(power, 3), 0.01 * power.max())))
    if not loud.size:
        return sound[:0]
    word = sound[max(loud[0] - 1, 0) * width : (loud[-1] + 2) * width].copy()
    fade = min(width, word.size // 2)
    word[:fade] *= np.linspace(0, 1, fade)
    word[-fade:] *= np.linspace(1, 0, fade)
    return word


def _phrases(words: Sequence[np.ndarray], rng: np.random.Generator) -> Iterator[np.ndarray]:
    # Single letters and syllables run together into phrases of 1.5 to 4 s: singers breathe after a line.
    phrase: list[np.ndarray] = []
    wanted = rng.uniform(1.5, 4.0)
    for word in words:
        phrase.append(_PEAK / np.abs(word).max() * word)
        if sum(part.size for part in phrase) > wanted / 2 * RATE_HZ:
            yield np.concatenate(phrase)
            phrase, wanted = [], rng.uniform(1.5, 4.0)


def _sung(speech: np.ndarray, vocoder_hz: int, rng: np.random.Generator) -> np.ndarray | None:
    # None where the vocoder finds no pitch, or misses the target pitch.
    try:
        singing, pitch_hz = sing(soxr.resample(speech, RATE_HZ, vocoder_hz), vocoder_hz, rng)
    except ValueError:
        return None
    in_tune = np.isfinite(singing).all() and share_in_tune(singing, pitch_hz, vocoder_hz) > _IN_TUNE
    return soxr.resample(singing, vocoder_hz, RATE_HZ) if in_tune else None


def _joined(
    words: Sequence[np.ndarray] | Iterator[np.ndarray], most_s: float, rng: np.random.Generator
) -> list[np.ndarray]:
    clips: list[np.ndarray] = []
    parts: list[np.ndarray] = []
    for word in words:
        gap = np.zeros(round(rng.uniform(0.1, 0.8) * RATE_HZ), dtype=np.float32)
        parts += [_PEAK / np.abs(word).max() * word, gap]
        if sum(part.size for part in parts) > _CLIP_S * RATE_HZ:
            clips.append(np.concatenate(parts))
            parts = []
            if len(clips) * _CLIP_S >= most_s:
                return clips
    if sum(part.size for part in parts) > _SHORTEST_CLIP_S * RATE_HZ:
        clips.append(np.concatenate(parts))
    return clips


def _sung_clips(recordings: Sequence[np.ndarray]) -> list[np.ndarray]:
    clips: list[np.ndarray] = []
    length = round(_CLIP_S * RATE_HZ)
    for recording in recordings:
        sound = _with_short_pauses(recording)
        pieces = [sound[at : at + length] for at in range(0, sound.size, length)]
        clips += [piece for piece in pieces if piece.size > _SHORTEST_CLIP_S * RATE_HZ and np.abs(piece).max() > 1e-3]
    return clips[: round(_SUNG_S / _CLIP_S)]


def _with_short_pauses(sound: np.ndarray) -> np.ndarray:
    block = round(0.1 * RATE_HZ)
    frames = np.pad(sound, (0, -sound.size % block)).reshape(-1, block)
    quiet = np.abs(frames).max(axis=1) < 10 ** (-60 / 20) * np.abs(sound).max()
    run = 0
    keep = np.ones(len(frames), dtype=bool)
    for at, is_quiet in enumerate(quiet):
        run = run + 1 if is_quiet else 0
        keep[at] = run <= _LONGEST_PAUSE_S / 0.1
    return frames[keep].ravel()


def main(arguments: Sequence[str] | None = None) -> int:
    """Turn folders of unpacked packages into clips and a table of them, voices.csv; singers in it are kept."""
    parser = argparse.ArgumentParser(
        prog="python -m mixprior.learning.reverb_training.voices", description=main.__doc__
    )
    parser.add_argument("--from", dest="roots", nargs="+", required=True, metavar="FOLDER", help="folders of packages")
    parser.add_argument(
        "--sources", default=str(SOURCES), metavar="CSV", help="table of singers (default: the shipped)"
    )
    parser.add_argument("--singing-s", type=float, default=80.0, metavar="S", help="of singing made of speech; 0: none")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="folder of the clips")
    args = parser.parse_args(arguments)
    output = Path(args.output)
    output.mkdir(parents=True, exist_ok=True)
    path = output / "voices.csv"
    done = set()
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            done = {row["singer"] for row in csv.DictReader(file)}
    with path.open("a", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Clip)])
        if not done:
            table.writeheader()
        for source in sources(Path(args.sources)):
            if source.singer in done:
                continue
            clips = [
                clip for root in args.roots for clip in collect(source, Path(root), output, singing_s=args.singing_s)
            ]
            table.writerows(asdict(clip) for clip in clips)
            file.flush()
            print(f"{source.singer}: {sum(clip.seconds for clip in clips):.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
