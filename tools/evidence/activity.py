"""How well activity of separated vocals agrees with the words that people heard."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mixprior.stats.measures.activity import active_frames
from mixprior.stats.measures.loudness import MOMENTARY_BLOCKS, OFFSET_LU, integrated_lufs, momentary_lufs
from tools import ROOT

ROWS = ROOT / "tools" / "evidence" / "rows" / "activity.parquet"
CHOSE = ("Fantasma_-_Los_Rombos", "Mes_Larmes_-_kobzx2z")
"""Songs by which thresholds may be chosen; the others judge."""
BAR = 0.03
LONGEST_BREATH_BLOCKS = 5
"""Between words of less distance, 0.5 s, a singer breathes: people call that singing."""
GAP_BLOCKS = 20
"""From 2 s on nobody sings."""
_PARTS = 10


@dataclass(frozen=True)
class Reading:
    """What activity says of a song, beside the words.

    Attributes:
        song: its name.
        precision: share of the active frames in which words are sung.
        recall: share of the frames with words that are active.
        active_ratio: share of all frames that are active.
        sung_ratio: share of all frames with words.
        half_sung_ratio: share of all frames that words cover by half and more.
        gap_frames: frames within gaps of two seconds and more.
        gap_active: share of these that are active.
    """

    song: str
    precision: float
    recall: float
    active_ratio: float
    sung_ratio: float
    half_sung_ratio: float
    gap_frames: int
    gap_active: float


def read(rows: pa.Table) -> Reading:
    """Compare the rows of one song (`tools.songs.activity_rows`)."""
    vocals, mixture = (energies(rows[name]) for name in ("vocals", "mixture"))
    active = active_frames(momentary_lufs(vocals), integrated_lufs(vocals), momentary_lufs(mixture))
    words = rows["sung"].to_numpy() >= _PARTS / 2
    covered = _in_frames(without_pauses(words, LONGEST_BREATH_BLOCKS))
    sung = covered > 0
    gaps = _in_frames(without_pauses(words, GAP_BLOCKS)) == 0
    return Reading(
        rows["song"][0].as_py(),
        float(sung[active].mean()),
        float(active[sung].mean()),
        float(active.mean()),
        float(sung.mean()),
        float((covered >= MOMENTARY_BLOCKS / 2).mean()),
        int(gaps.sum()),
        float(active[gaps].mean()),
    )


def energies(loudness: pa.ChunkedArray) -> np.ndarray:
    """K-weighted energies of blocks, given their loudness in hundredths of a LU."""
    return np.asarray(10 ** ((loudness.to_numpy() / 100 - OFFSET_LU) / 10))


def songs() -> dict[str, pa.Table]:
    """The rows of each song, by its name."""
    rows = pq.read_table(ROWS)
    return {song: rows.filter(pc.equal(rows["song"], song)) for song in rows["song"].unique().to_pylist()}


def table() -> str:
    """The table, in Markdown."""
    readings = [read(rows) for rows in songs().values()]
    lines = [
        "| song | role | precision | recall | active | sung | error | half covered | claimed in gaps of 2 s |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
        *(_line(reading) for reading in sorted(readings, key=lambda r: (r.song not in CHOSE, r.song))),
    ]
    judged = [reading for reading in readings if reading.song not in CHOSE]
    met = sum(abs(reading.active_ratio - reading.sung_ratio) <= BAR for reading in judged)
    frames = sum(reading.gap_frames for reading in judged)
    claimed = sum(reading.gap_frames * reading.gap_active for reading in judged) / max(frames, 1)
    words = (
        f"Of the {len(judged)} songs that judge, {met} stay within the bar of {BAR:g}. In their gaps of two seconds "
        f"and more ({frames / 10:.0f} s) singing is claimed in {claimed:.1%} of the frames. A frame of 400 ms is sung "
        "if a word is in it, as its loudness is that of any voice in it; words less than "
        f'{LONGEST_BREATH_BLOCKS / 10:g} s apart are one phrase. "Half covered" is the error against frames that '
        "words cover by half and more: which of the two is meant was not settled before the numbers were seen. "
        "Six songs by six artists, vocals as separated."
    )
    return "\n".join([*lines, "", words])


def _line(reading: Reading) -> str:
    error, half = (reading.active_ratio - sung for sung in (reading.sung_ratio, reading.half_sung_ratio))
    role = "choose" if reading.song in CHOSE else "judge"
    gaps = f"{reading.gap_active:.1%} of {reading.gap_frames / 10:.0f} s"
    numbers = f"{reading.precision:.3f} | {reading.recall:.3f} | {reading.active_ratio:.3f} | {reading.sung_ratio:.3f}"
    return f"| {reading.song} | {role} | {numbers} | {error:+.3f} | {half:+.3f} | {gaps} |"


def without_pauses(sung: np.ndarray, shorter_blocks: int) -> np.ndarray:
    """Words, bool, shape (blocks,), and the pauses between them that are shorter than so many blocks.

    >>> without_pauses(np.array([0, 1, 0, 1, 0, 0, 1], bool), 2).astype(int).tolist()
    [0, 1, 1, 1, 0, 0, 1]
    """
    filled = sung.copy()
    at = np.flatnonzero(sung)
    for before, after in pairwise(at):
        if after - before - 1 < shorter_blocks:
            filled[before:after] = True
    return filled


def _in_frames(blocks: np.ndarray) -> np.ndarray:
    """How many blocks of each frame of 400 ms have it, shape (blocks - 3,)."""
    return np.lib.stride_tricks.sliding_window_view(blocks.astype(np.int64), MOMENTARY_BLOCKS).sum(axis=-1)
