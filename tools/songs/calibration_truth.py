"""Makes songs whose true stems are known, for `mixprior calibrate`: `python -m tools.songs.calibration_truth FOLDER`.

Excerpts of real multitracks, solo voices over their backings, a MUSDB18 excerpt and excerpts of LMMS's projects. The
manifest `truth.csv` has a row for each; `source` is what they share: a song, or a singer. No song that priors are of is
among them.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from mixprior.mixing.evaluation.material import Stems, balanced, excerpt, stems_of, total
from mixprior.pipeline.audio.decode import decode, decode_stems
from mixprior.pipeline.store.records import Song
from mixprior.pipeline.synthesis import RATE_HZ
from tools import SHARED
from tools.songs import projects

MUSIC = SHARED / "music"
SECONDS = 20

EXCERPTS_S = {
    "1.Hydrogen": (40, 240),
    "3.Sodium": (200, 240),
    "4.Potassium": (150, 205),
    "5.Rubidium": (20, 150),
    "7.Francium": (60, 210),
}
"""Where in a multitrack there are vocals and a backing."""

BALANCES_LU = (-6, -2)
"""Vocals to backing: of the multitracks, which come without a mix, and of the MUSDB18 excerpt."""

BACKINGS = (("1.Hydrogen", 240), ("3.Sodium", 60), ("4.Potassium", 80), ("5.Rubidium", 150), ("7.Francium", 60))
"""Backings for the solo voices, and where in them to start: two for each voice, by turns."""

VOICE_BALANCES_LU = (-5, -1)


class Truth(NamedTuple):
    """A song with its stems: its title, what it shares with others, and its balance in LU (none without vocals)."""

    title: str
    source: str
    balance_lu: float | None
    stems: Stems


def songs(renders: Path) -> Iterator[Truth]:
    """Yield every song.

    Args:
        renders: folder for what LMMS renders.
    """
    backings: dict[str, Stems] = {}
    for title, starts_s in EXCERPTS_S.items():
        tracks = stems_of(MUSIC / "multitracks" / title)
        for start_s in starts_s:
            stems = {role: excerpt(audio, start_s, SECONDS) for role, audio in tracks.items()}
            vocals = stems.pop("vocals")
            for balance_lu in BALANCES_LU:
                yield Truth(f"{title} {start_s}", title, balance_lu, balanced(vocals, stems, balance_lu))
        start_s = dict(BACKINGS)[title]
        backings[title] = {role: excerpt(x, start_s, SECONDS) for role, x in tracks.items() if role != "vocals"}
    for k, voice in enumerate(sorted((MUSIC / "voices").glob("*.*"))):
        vocals = excerpt(decode(str(voice)), 0, SECONDS)
        singer = "alex-voc" if voice.stem.startswith("alex-voc") else voice.stem
        for n, balance_lu in enumerate(VOICE_BALANCES_LU):
            title = BACKINGS[(k + 2 * n) % len(BACKINGS)][0]
            backing = {role: audio[:, : vocals.shape[1]] for role, audio in backings[title].items()}
            yield Truth(f"{voice.stem} over {title}", singer, balance_lu, balanced(vocals, backing, balance_lu))
    (musdb,) = (MUSIC / "stems").glob("*.stem.mp4")
    stems, _ = decode_stems(Song(str(musdb)))
    vocals = stems.pop("vocals")
    for balance_lu in BALANCES_LU:
        yield Truth("Music Delta", "Music Delta", balance_lu, balanced(vocals, stems, balance_lu))
    for title, stems in projects.songs(renders, SECONDS):
        # A song needs vocals to have its stems: these are silent, and nothing is measured of them.
        yield Truth(title, title, None, {"vocals": np.zeros_like(stems["drums"]), **stems})


def main(folder: str) -> None:
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    with open(root / "truth.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "source", "balance_lu"])
        for title, source, balance_lu, stems in songs(root / "renders"):
            name = title if balance_lu is None else f"{title} {balance_lu:+g} LU"
            (root / name).mkdir(exist_ok=True)
            if "pad and bass" in stems:
                # Neither bass nor other is known: vocals and drums are, and the mixture.
                stems = {**{stem: stems[stem] for stem in ("vocals", "drums")}, "mixture": total(stems.values())}
            for stem, audio in stems.items():
                soundfile.write(root / name / f"{stem}.wav", audio.T, RATE_HZ, "FLOAT")
            writer.writerow([name, source, balance_lu])


if __name__ == "__main__":
    main(*sys.argv[1:])
