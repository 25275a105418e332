"""Training clips of the estimator: vocals with a known reverb over music, and their separation by HTDemucs."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy.signal import fftconvolve, lfilter

from mixprior.learning.reverb_training import responses
from mixprior.pipeline.audio import audio_file
from mixprior.pipeline.separation import separator
from mixprior.pipeline.store import files
from mixprior.stats.reverb.blind.decay_features import SEGMENT_S as CLIP_S
from mixprior.stats.statistic import SAMPLE_RATE_HZ

STRETCH = round(CLIP_S * SAMPLE_RATE_HZ)
"""Samples of one stretch: a clip is one or several, and each is described, and separated, alone."""
DRY_SHARE = 0.07
DOUBLED_SHARE = 0.25
WET_RANGE_DB = (-30.0, -4.0)
BALANCE_RANGE_DB = (-6.0, 5.0)
SPEED_RANGE = (0.84, 1.19)
_LEAD_S = 2.0  # sung before a clip begins, so that the clip begins with its reverberation
_SUNG_SHARE = 0.7
_AUDIBLE_RMS = 10 ** (-40 / 20)


@dataclass(frozen=True)
class Voice:
    """A dry clip.

    Attributes:
        singer: name; singers of the test set are not in the training set.
        kind: "sung", "speech-to-singing", "speech" or "synthetic".
        role: "train", "calibrate" or "judge".
        path: mono file at 44.1 kHz.
    """

    singer: str
    kind: str
    role: str
    path: Path


def voices(folder: Path) -> list[Voice]:
    """The clips that `voices.csv` in the folder lists."""
    with open(folder / "voices.csv", encoding="utf-8", newline="") as file:
        return [
            Voice(r["singer"], r["kind"], r["role"], folder / r["singer"] / r["clip"]) for r in csv.DictReader(file)
        ]


def dry_excerpt(rng: np.random.Generator, clips: Sequence[Voice], stretches: int = 1) -> tuple[np.ndarray, Voice]:
    """An excerpt of a random singer: mono, unit RMS, at a random speed, `_LEAD_S` longer than so many times `CLIP_S`.

    All singers are equally likely; clips of one singer follow each other with a pause between them.
    """
    singers = sorted({c.singer for c in clips})
    singer = singers[rng.integers(len(singers))]
    own = [c for c in clips if c.singer == singer]
    sung_clips = [c for c in own if c.kind != "speech"]
    own = sung_clips if sung_clips and rng.random() < _SUNG_SHARE else own
    samples = round(_LEAD_S * SAMPLE_RATE_HZ) + stretches * STRETCH
    speed = float(np.exp(rng.uniform(*np.log(SPEED_RANGE))))
    for _ in range(20):
        first = own[rng.integers(len(own))]
        pieces: list[np.ndarray] = []
        have = 0
        while have < samples * speed:
            clip = first if not pieces else own[rng.integers(len(own))]
            audio = audio_file.read(clip.path).sound.audio[0]
            start = rng.integers(max(1, audio.size - round(samples * speed))) if not pieces else 0
            breath = np.zeros(round(rng.uniform(0.1, 0.8) * SAMPLE_RATE_HZ), np.float32)
            pieces += [audio[start:], breath]
            have += audio.size - start + breath.size
        sung = np.concatenate(pieces)[: round(samples * speed)]
        sung = sped(sung, speed)[:samples]
        sung = np.pad(sung, (0, samples - sung.size))
        level = float(np.sqrt(np.mean(sung[round(_LEAD_S * SAMPLE_RATE_HZ) :] ** 2)))
        if level > _AUDIBLE_RMS:
            break
    else:
        raise ValueError(f"{singer}: no audible excerpt found in {len(own)} clips")
    tilt = rng.uniform(-0.3, 0.3)
    sung = sung + tilt * np.concatenate([[0], sung[:-1]]).astype(np.float32)
    return sung / level, first


def sped(audio: np.ndarray, speed: float) -> np.ndarray:
    """Play audio, (samples,) or (channels, samples), `speed` times as fast: shorter, and higher in pitch.

    >>> sped(np.zeros((2, 44_100), np.float32), 1.5).shape
    (2, 29400)
    """
    return np.ascontiguousarray(soxr.resample(audio.T, SAMPLE_RATE_HZ * speed, SAMPLE_RATE_HZ).T)


def recorded(rng: np.random.Generator, sung: np.ndarray) -> np.ndarray:
    """Simulate a recording: in most cases with the reverberation of a booth and with noise.

    The booth is part of the dry recording: the estimator must not report it. Without booths in training, it takes slow
    note ends for reverberation.
    """
    if rng.random() < 0.65:
        time_s = rng.uniform(0.08, 0.3)
        samples = round(time_s * SAMPLE_RATE_HZ)
        booth = rng.standard_normal(samples) * 10 ** (-3 * np.arange(samples) / samples)
        booth *= 10 ** (rng.uniform(-26, -12) / 20) / np.sqrt(np.sum(booth**2))
        sung = sung + fftconvolve(sung, booth)[: sung.size].astype(np.float32)
    if rng.random() < 0.65:
        color = rng.uniform(0.0, 0.95)
        noise = lfilter([1.0], [1.0, -color], rng.standard_normal(sung.size))
        noise *= 10 ** (rng.uniform(-70, -42) / 20) / np.sqrt(np.mean(noise**2))
        sung = sung + noise.astype(np.float32)
    return sung


def backing_excerpt(rng: np.random.Generator, paths: Sequence[Path]) -> np.ndarray:
    """`CLIP_S` of a random piece of music: float32, (2, samples), unit RMS."""
    for _ in range(50):
        audio = _music(paths[int(rng.integers(len(paths)))])
        if audio.shape[1] < STRETCH:
            continue
        start = int(rng.integers(audio.shape[1] - STRETCH + 1))
        audio = audio[:, start : start + STRETCH]
        level = float(np.sqrt(np.mean(audio**2)))
        if level > _AUDIBLE_RMS:
            return np.ascontiguousarray(audio / level)
    raise ValueError("no audible excerpt found in the music for backings")


@lru_cache(maxsize=8)
def _music(path: Path) -> np.ndarray:
    return audio_file.read(path).sound.at(SAMPLE_RATE_HZ).audio


def wet_vocal(
    rng: np.random.Generator,
    sung: np.ndarray,
    response: responses.Response,
    levels_db: tuple[float, float, float] | None = None,
) -> tuple[np.ndarray, float]:
    """Add a reverb to dry vocals: `(1 - w) dry + w (dry * response)`, at a level drawn from -30 to -4 dB, or none.

    Levels are drawn evenly in dB, so that quiet reverbs, which most songs have, are not rare; or with `levels_db` from
    a triangle: the least, the most likely and the most.

    Returns:
        The vocals, float32, (2, samples) without the lead, panned a little, and w.
    """
    ratio = 0.0 if rng.random() < DRY_SHARE else 10 ** (_level_db(rng, levels_db) / 20)
    wet = float(ratio / (1 + ratio))
    tail = np.stack([fftconvolve(sung, channel)[: sung.size] for channel in response.audio])
    if rng.random() < 0.25:  # a mono reverb
        mono = tail.mean(0)
        tail = np.stack([mono, mono]) * np.sqrt(np.mean(tail**2) / max(np.mean(mono**2), 1e-12))
    angle = np.pi / 4 + (0.0 if rng.random() < 0.6 else rng.uniform(-0.25, 0.25))
    direct = np.sqrt(2) * np.stack([np.cos(angle) * sung, np.sin(angle) * sung])
    if rng.random() < DOUBLED_SHARE:
        direct += doubles(rng, sung)
    voice = (1 - wet) * direct + wet * tail
    return np.ascontiguousarray(voice[:, round(_LEAD_S * SAMPLE_RATE_HZ) :], np.float32), wet


def doubles(rng: np.random.Generator, sung: np.ndarray) -> np.ndarray:
    """Copies of dry vocals to the left and right, as mixers widen them: float32, (2, samples), -15 to -5 dB each.

    Each comes 8 to 35 ms later and is out of tune by up to 12 cents. They are beyond the middle and no reverberation.
    """
    copies = np.zeros((2, sung.size), np.float32)
    for copy in copies:
        late = round(rng.uniform(0.008, 0.035) * SAMPLE_RATE_HZ)
        detuned = sped(sung[np.newaxis], 2 ** (rng.uniform(-12, 12) / 1200))[0, : sung.size - late]
        copy[late : late + detuned.size] = 10 ** (rng.uniform(-15, -5) / 20) * detuned
    return copies


def _level_db(rng: np.random.Generator, levels_db: tuple[float, float, float] | None) -> float:
    return float(rng.uniform(*WET_RANGE_DB) if levels_db is None else rng.triangular(*levels_db))


def clip(
    seed: int,
    k: int,
    singers: Sequence[Voice],
    measured: Sequence[Path],
    music: Sequence[Path],
    stretches: int = 1,
    levels_db: tuple[float, float, float] | None = None,
) -> tuple[np.ndarray, np.ndarray, dict]:
    """The k-th (vocals, backing, facts); the same seed and material give the same clip.

    Its stretches are of one singer in one reverb, each over another piece of music; `levels_db` as in `wet_vocal`.
    """
    rng = np.random.default_rng([seed, k])
    sung, voice = dry_excerpt(rng, singers, stretches)
    sung = recorded(rng, sung)
    while True:
        response = responses.draw(rng, SAMPLE_RATE_HZ, tuple(measured))
        truth = responses.truth(response, SAMPLE_RATE_HZ)
        if truth.reverberation_time_s is not None:
            break
    vocals, wet = wet_vocal(rng, sung, response, levels_db)
    backing = np.concatenate([backing_excerpt(rng, music) for _ in range(stretches)], axis=1)
    balance_db = float(rng.uniform(*BALANCE_RANGE_DB))
    vocals *= 10 ** (balance_db / 20) * float(np.sqrt(np.mean(backing**2) / np.mean(vocals**2)))
    peak = 0.9 / float(np.abs(vocals + backing).max())
    facts = {
        "singer": voice.singer,
        "voice_kind": voice.kind,
        "response_kind": response.kind,
        "response": response.parameters,
        "wet": wet,
        "balance_db": balance_db,
        "rt60_s": truth.reverberation_time_s,
        "rt60_octaves_s": truth.octave_reverberation_times_s,
        "gain_octaves_db": truth.octave_gains_db.tolist(),
    }
    return vocals * peak, backing * peak, facts


def stretches_of(audio: np.ndarray) -> list[np.ndarray]:
    """Its stretches, each (2, STRETCH)."""
    return [audio[:, at : at + STRETCH] for at in range(0, audio.shape[1] - STRETCH + 1, STRETCH)]


def load_separator() -> separator.Separator:
    """The separator for clips: a stretch is one segment of HTDemucs, so none overlaps another."""
    return separator.load(separator.SeparationSettings(overlap=0.0))


def vocals_of(model: separator.Separator, mixture: np.ndarray) -> np.ndarray:
    """The vocals that a model separates from each stretch of a mixture."""
    return np.concatenate([model.separate(part)["vocals"] for part in stretches_of(mixture)], axis=1)


def stored(audio: np.ndarray) -> np.ndarray:
    """Audio as 16-bit integers, as clips are stored."""
    return np.clip(np.rint(audio * 32767), -32768, 32767).astype(np.int16)


def add_material_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that name the material of clips."""
    parser.add_argument("--voices", type=Path, help="folder with voices.csv")
    parser.add_argument("--stretches", type=int, default=1, metavar="N", help=f"{CLIP_S:g} s each, in a clip")
    parser.add_argument("--role", default="", help="only singers of this role: train, calibrate or judge")
    parser.add_argument("--singers", nargs="+", default=[], metavar="NAME", help="only these singers")
    parser.add_argument("--not-singers", nargs="+", default=[], metavar="NAME", help="all but these singers")
    parser.add_argument("--music", type=Path, help="folder with instrumental music")
    parser.add_argument("--responses", type=Path, help="folder of measured responses; default: generated ones only")


def material(args: argparse.Namespace) -> tuple[list[Voice], list[Path], list[Path]]:
    """(voices, files of responses, music) as the arguments name them."""
    if args.voices is None or args.music is None:
        raise SystemExit("give --voices and --music: clips are drawn from them")
    singers = [
        v
        for v in voices(args.voices)
        if v.singer not in args.not_singers
        and v.singer in (args.singers or [v.singer])
        and v.role in (args.role or v.role)
    ]
    music = sorted(p for p in args.music.rglob("*") if p.suffix in (".ogg", ".wav", ".flac", ".mp3"))
    measured = [] if args.responses is None else sorted(args.responses.glob("*.wav"))
    measured = [path for path in measured if soundfile.info(path).channels <= 2]
    return singers, measured, music


def main(argv: Sequence[str]) -> int:
    """`python -m mixprior.learning.reverb_training.wet_vocals`.

    Makes clips, separates them, and writes each to `NNNNNN.npz`; existing files are kept.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    add_material_arguments(parser)
    parser.add_argument("--clips", type=int, required=True, metavar="N", help="clips to make, from number --first on")
    parser.add_argument("--first", type=int, default=0, metavar="K")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="every N-th only, for several processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", dest="folder", type=Path, required=True, help="folder of the clips")
    args = parser.parse_args(argv)
    singers, measured, music = material(args)
    model = load_separator()
    args.folder.mkdir(parents=True, exist_ok=True)
    for k in range(args.first, args.first + args.clips, args.step):
        path = args.folder / f"{k:06}.npz"
        if path.exists():
            continue
        vocals, backing, facts = clip(args.seed, k, singers, measured, music, args.stretches)
        mixture = vocals + backing
        estimate = vocals_of(model, mixture)
        with files.replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                vocals=stored(vocals),
                estimate=stored(estimate),
                rest=stored(mixture - estimate),
                facts=np.array(json.dumps(facts)),
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
