"""Makes songs whose true stems are known, for `mixprior calibrate`: `python -m tools.songs.calibration_truth FOLDER`.

Excerpts of real multitracks, solo voices over real instrumentals, a MUSDB18 excerpt and generated songs, each at
several balances of vocals to backing. The manifest `truth.csv` has a row for each; `source` is what they share.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import soundfile

from mixprior.mixing.evaluation.material import Stems, balanced, excerpt, stems_of, total
from mixprior.pipeline.audio.decode import decode, decode_stems
from mixprior.pipeline.store.records import Song
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from tools import SHARED

MUSIC = SHARED / "music"
SECONDS = 20

EXCERPTS = {
    "3.Sodium": (
        (200, 200, (-5, -2, 1)),
        (240, 240, (-8, -2, 4)),
        (206, 100, (-5, -2, 1)),
        (244, 142, (-8, 1)),
    ),
    "4.Potassium": (
        (150, 150, (-5, -2, 1)),
        (172, 172, (-8, -2, 4)),
        (205, 205, (-5, 1)),
        (212, 118, (-5, -2, 1)),
    ),
}
"""For each multitrack: where the vocals start, where the backing does, in seconds, and the balances in LU."""

BACKINGS = (
    ("songs/Kevin_MacLeod_-_Vibe_Ace.hq.ogg", 15),
    ("songs/admiralbob77_-_Choice_-_Drum-bass.hq.ogg", 3),
    ("multitracks/3.Sodium", 60),
    ("multitracks/4.Potassium", 80),
)
"""Instrumentals for the solo voices, and where in them to start."""

VOICE_BALANCES_LU = (-5, -1, 2)
MUSDB_BALANCES_LU = (-6, -3, 0, 3)


def songs() -> Iterator[tuple[str, str, float, Stems]]:
    """Yield (title, source, balance in LU, stems) of every song."""
    instrumentals: Stems = {}
    for title, excerpts in EXCERPTS.items():
        tracks = stems_of(MUSIC / "multitracks" / title)
        instrumentals[f"multitracks/{title}"] = total(audio for role, audio in tracks.items() if role != "vocals")
        for vocals_s, backing_s, balances_lu in excerpts:
            vocals = excerpt(tracks["vocals"], vocals_s, SECONDS)
            length_s = vocals.shape[1] / RATE_HZ
            backing = {role: excerpt(x, backing_s, length_s) for role, x in tracks.items() if role != "vocals"}
            for balance_lu in balances_lu:
                yield f"{title} {vocals_s} over {backing_s}", title, balance_lu, balanced(vocals, backing, balance_lu)
    for voice in sorted((MUSIC / "voices").glob("*.wav")):
        vocals = excerpt(decode(str(voice)), 0, SECONDS)
        for k, (name, start_s) in enumerate(BACKINGS):
            whole = instrumentals[name] if name in instrumentals else decode(str(MUSIC / name))
            backing = {"no_vocals": excerpt(whole, start_s, vocals.shape[1] / RATE_HZ)}
            # Two of the three balances over each backing, so that every balance meets several.
            for balance_lu in sorted((VOICE_BALANCES_LU[k % 3], VOICE_BALANCES_LU[(k + 1) % 3])):
                yield f"{voice.stem} over {k}", voice.stem, balance_lu, balanced(vocals, backing, balance_lu)
    (musdb,) = (MUSIC / "stems").glob("*.stem.mp4")
    stems, _ = decode_stems(Song(str(musdb)))
    vocals = stems.pop("vocals")
    for balance_lu in MUSDB_BALANCES_LU:
        yield "Music Delta", "Music Delta", balance_lu, balanced(vocals, stems, balance_lu)
    for k, score in enumerate(SCORES):
        changed = replace(
            score,
            tempo_bpm=score.tempo_bpm + 7,
            key_hz=1.1 * score.key_hz,
            seed=score.seed + 100,
            vocal_to_backing_lu=(-8, -5, -2, 1, 4)[k],
            duration_s=SECONDS,
        )
        yield f"generated {score.title}", "generated", changed.vocal_to_backing_lu, perform(changed)


def main(folder: str) -> None:
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    with open(root / "truth.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "source", "balance_lu"])
        for title, source, balance_lu, stems in songs():
            name = f"{title} {balance_lu:+g} LU"
            (root / name).mkdir(exist_ok=True)
            if "pad and bass" in stems:
                # Neither bass nor other is known: vocals and drums are, and the mixture.
                mixture = total(stems.values())
                stems = {"vocals": stems["vocals"], "drums": stems["drums"], "mixture": mixture}
            for stem, audio in stems.items():
                soundfile.write(root / name / f"{stem}.wav", audio.T, RATE_HZ, "FLOAT")
            writer.writerow([name, source, balance_lu])


if __name__ == "__main__":
    main(*sys.argv[1:])
