"""Loudness of songs and of their separated vocals beside words that people heard: rows of `tools.evidence.activity`.

python -m tools.songs.activity_rows SONG.mp3... ; a song's words are in words/SONG.csv beside it.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.pipeline.audio.decode import DecodeLimits, mixture_blocks
from mixprior.pipeline.separation import separator
from mixprior.pipeline.store.records import Song
from mixprior.stats.loudness_blocks import BLOCKS_PER_S, BlockEnergies, Blocks
from mixprior.stats.measures.loudness import channel_sum, lufs
from mixprior.stats.statistic import MIXTURE, SAMPLE_RATE_HZ, VOCALS
from tools import ROOT

ROWS = ROOT / "tools" / "evidence" / "rows" / "activity.parquet"
QUIETEST_LUFS = -120.0
PARTS = 10
"""Words are sampled every tenth of a block."""


def words_of(path: Path) -> list[tuple[float, float]]:
    """Start and end of each word in seconds."""
    with open(path, newline="", encoding="utf-8") as file:
        return [(float(row["word_start"]), float(row["word_end"])) for row in csv.DictReader(file)]


def sung_tenths(words: list[tuple[float, float]], blocks: int) -> np.ndarray:
    """Tenths of each block of 100 ms in which a word is sung, int8, shape (blocks,)."""
    sung = np.zeros(blocks * PARTS, bool)
    for start_s, end_s in words:
        sung[round(start_s * BLOCKS_PER_S * PARTS) : round(end_s * BLOCKS_PER_S * PARTS)] = True
    return sung.reshape(blocks, PARTS).sum(axis=1).astype(np.int8)


def rows_of(path: Path) -> pa.Table:
    """Separate a song: loudness of vocals and mixture by 100 ms in hundredths of a LU, and how much of it is sung."""
    song, limits = Song(str(path)), DecodeLimits()
    energies = {name: BlockEnergies(2, SAMPLE_RATE_HZ) for name in (VOCALS, MIXTURE)}
    model = separator.load(separator.SeparationSettings())
    for piece in model.separate_blocks(lambda: mixture_blocks(song, limits, None)):
        for name, sums in energies.items():
            sums.add(piece[name])
    levels = {name: _hundredths(sums.result()) for name, sums in energies.items()}
    blocks = levels[MIXTURE].size
    sung = sung_tenths(words_of(path.parent / "words" / f"{path.stem}.csv"), blocks)
    columns = {"song": pa.repeat(path.stem, blocks), **{name: pa.array(level) for name, level in levels.items()}}
    return pa.table({**columns, "sung": pa.array(sung)})


def _hundredths(blocks: Blocks) -> np.ndarray:
    return np.rint(100 * np.maximum(lufs(channel_sum(blocks.weighted)), QUIETEST_LUFS)).astype(np.int16)


def main(paths: list[str]) -> None:
    ROWS.parent.mkdir(exist_ok=True)
    pq.write_table(pa.concat_tables(rows_of(Path(path)) for path in sorted(paths)), ROWS, compression="zstd")


if __name__ == "__main__":
    main(sys.argv[1:])
