"""Offsets of vocals that are known, found by `mixing.rules.alignment`: rows of `tools.evidence.offset`.

python -m tools.songs.offset_rows : of the multitracks, which have the role `calibrate`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.signal

from mixprior.mixing.rules.alignment import RATE_HZ, alignment
from mixprior.pipeline.audio import audio_file
from mixprior.stats.sound import Sound
from tools import ROOT, SHARED

ROWS = ROOT / "tools" / "evidence" / "rows" / "offsets.csv"
COLUMNS = ("part", "case", "true_s", "found_s", "lead")
PARTS, PART_S, FROM_S = 3, 30, 60
MOST_TRACKS = 6
"""Of the backing; more are not needed to know it."""
BLEED_DB = (-40, -50, -60, -70)
"""Of the vocals' level."""
NOISE_DB = -75
AUDIBLE = 1e-4


def main() -> int:
    """Write the rows."""
    parts = dict(_parts(SHARED / "music" / "multitracks"))
    rng = np.random.default_rng(0)
    with ROWS.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for number, (name, (vocals, backing)) in enumerate(parts.items()):
            _, other = list(parts.values())[number - PARTS]
            noisy = vocals + _noise(vocals, -70, rng)
            for case, voice, band in (
                ("own backing", vocals, backing),
                ("own backing", noisy, backing),
                ("of another song", vocals, other),
            ):
                rows.writerow([name, case, "", *_found(voice, band)])
            for bleed_db in BLEED_DB:
                samples = round(rng.uniform(-2, 2) * RATE_HZ)
                heard = vocals + _bleed(vocals, backing, bleed_db, rng) + _noise(vocals, NOISE_DB, rng)
                late = heard[samples:] if samples > 0 else np.pad(heard, (-samples, 0))
                rows.writerow([name, f"bleed {bleed_db} dB", f"{samples / RATE_HZ:.5f}", *_found(late, backing)])
    return 0


def _parts(folder: Path) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    for song in sorted(folder.iterdir()):
        files = sorted(song.iterdir())
        vocals = _read(next(path for path in files if "VOX" in path.name and "BGVOX" not in path.name))
        tracks = (_read(path) for path in files if "VOX" not in path.name)
        audible = [track for track in tracks if _level(track) > AUDIBLE][:MOST_TRACKS]
        for number in range(PARTS):
            part = slice(number * PART_S * RATE_HZ, (number + 1) * PART_S * RATE_HZ)
            backing = np.sum([track[part] for track in audible], axis=0)
            if _level(vocals[part]) > AUDIBLE < _level(backing):
                yield f"{song.name}/{number}", (vocals[part], backing)


def _read(path: Path) -> np.ndarray:
    found, samples = [], 0
    with audio_file.opened(path) as stream:
        for block in stream.blocks():
            found.append(block)
            samples += block.shape[1]
            if samples > (FROM_S + PARTS * PART_S) * stream.rate_hz:
                break
        audio = np.concatenate(found, axis=1)[:, FROM_S * stream.rate_hz :].mean(axis=0, keepdims=True)
        return Sound(np.ascontiguousarray(audio), stream.rate_hz).at(RATE_HZ).audio[0]


def _bleed(vocals: np.ndarray, backing: np.ndarray, level_db: float, rng: np.random.Generator) -> np.ndarray:
    """The backing as a microphone hears headphones: without lows and highs, and with a short room."""
    room = 0.05 * rng.standard_normal(2000) * 10 ** (-3 * np.arange(2000) / RATE_HZ / 0.2)
    room[0] = 1
    heard = scipy.signal.butter(2, [300, 4500], "band", fs=RATE_HZ, output="sos")
    leaked = np.convolve(scipy.signal.sosfilt(heard, backing), room)[: backing.size]
    return 10 ** (level_db / 20) * _level(vocals) / _level(leaked) * leaked


def _noise(vocals: np.ndarray, level_db: float, rng: np.random.Generator) -> np.ndarray:
    return 10 ** (level_db / 20) * _level(vocals) * rng.standard_normal(vocals.size)


def _level(audio: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))


def _found(vocals: np.ndarray, backing: np.ndarray) -> tuple[str, str]:
    sounds = [Sound(np.ascontiguousarray(each[np.newaxis], np.float32), RATE_HZ) for each in (vocals, backing)]
    found = alignment(*sounds)
    return ("", "") if found is None else (f"{found.offset_s:.5f}", f"{found.lead:.3f}")


if __name__ == "__main__":
    sys.exit(main())
