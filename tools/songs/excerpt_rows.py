"""Levels in parts of songs against those of the whole songs: `python -m tools.songs.excerpt_rows MUSIC`.

Writes tools/evidence/rows/excerpts.csv: how far the loudness of each stem over the mixture, and the ratio of vocals to
backing, are off in windows of 20 and 40 s, and in four windows of 20 s together. The songs: those with singing of role
`choose`, the first seven of role `prior`, both separated whole, and the multitracks of role `calibrate`. What is more
than 30 LU below the rest is absent, and left out.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from mixprior.mixing.evaluation import windows
from mixprior.mixing.evaluation.material import Stems, stems_of, total
from mixprior.mixing.plan.class_levels import ABSENT_LU
from mixprior.pipeline.audio.decode import decode
from mixprior.pipeline.catalogs import roles
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.pipeline.separation.separator import SeparationSettings, load
from mixprior.stats.measures.loudness import integrated_lufs
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from tools import ROLES

ROWS = Path(__file__).parents[1] / "evidence" / "rows" / "excerpts.csv"
COLUMNS = ("song", "artist", "of", "window", "off_lu")
OF_ROLE = {"choose": 7, "prior": 7}
"""Songs at most of each role."""
RATIO, TOGETHER = "ratio", "4 of 20"
WINDOWS_S = (20, 40)
_BLOCKS_PER_S = 10
_MOST = 10

Blocks = Mapping[str, np.ndarray]


def songs(music: Path) -> Iterator[tuple[Recording, Stems]]:
    """Songs and their stems, whole."""
    listed = roles.read(ROLES)
    for role, most in OF_ROLE.items():
        sung = (each for each in listed if (each.role, each.sung) == (role, "yes"))
        there = [each for each in sung if each.collection in ("songs", "more_songs")]
        for song in there[:most]:
            audio = decode(str(music / song.collection / song.path))
            stems = dict(load(SeparationSettings()).separate(audio))
            yield song, stems | {"other": stems["other"] + audio - total(stems.values())}
    for song in (each for each in listed if each.collection == "multitracks"):
        stems = stems_of(music / "multitracks" / song.path)
        yield song, {"bass" if role == "pad and bass" else role: audio for role, audio in stems.items()}


def rows_of(stems: Stems) -> Iterator[tuple[str, str, float]]:
    """Stem or ratio, window, and how far it is off the whole song, in LU."""
    sums = {"mixture": total(stems.values())}
    if len(stems) > 1 and "vocals" in stems:
        sums["backing"] = total(audio for name, audio in stems.items() if name != "vocals")
    blocks = {name: Sound(audio, SAMPLE_RATE_HZ).blocks.weighted for name, audio in (stems | sums).items()}
    count = blocks["mixture"].shape[1]
    whole = _levels_lu(blocks, [slice(0, count)])
    for name, pieces in _windows(count):
        for of, level_lu in _levels_lu(blocks, pieces).items():
            if of in whole:
                yield of, name, level_lu - whole[of]


def _windows(blocks: int) -> Iterator[tuple[str, list[slice]]]:
    for seconds in WINDOWS_S:
        length = seconds * _BLOCKS_PER_S
        for start in np.linspace(0, blocks - length, min(_MOST, blocks // length)).astype(int):
            yield f"{seconds}", [slice(start, start + length)]
    samples = blocks * SAMPLE_RATE_HZ // _BLOCKS_PER_S
    if windows.is_longer(samples):
        starts = [start * _BLOCKS_PER_S // SAMPLE_RATE_HZ for start in windows.starts(samples)]
        yield TOGETHER, [slice(start, start + round(windows.LENGTH_S) * _BLOCKS_PER_S) for start in starts]


def _levels_lu(blocks: Blocks, pieces: list[slice]) -> dict[str, float]:
    """Levels over the mixture, and the ratio, of what is there."""
    lufs = {
        name: integrated_lufs(np.concatenate([each[:, piece] for piece in pieces], axis=1))
        for name, each in blocks.items()
    }
    below = {(name, "mixture"): name for name in blocks if name not in ("mixture", "backing")}
    found = {}
    for (one, other), name in {**below, ("vocals", "backing"): RATIO}.items():
        first, second = lufs.get(one), lufs.get(other)
        if first is not None and second is not None and abs(first - second) < -ABSENT_LU:
            found[name] = first - second
    return found


def main(music: str) -> None:
    with ROWS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for song, stems in songs(Path(music)):
            for of, window, off_lu in rows_of(stems):
                writer.writerow([song.title, song.artist, of, window, f"{off_lu:.2f}"])


if __name__ == "__main__":
    main(sys.argv[1])
