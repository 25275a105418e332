"""One song from its stems to its rows, beside the researcher's script and beside our code before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.benches.comparison import Comparison, Peer, before
from tools.benches.sounds import write_stems

MINUTES = 2
STEMS = ("bass", "drums", "other", "vocals")
HELD = {
    "integrated_lufs": "LU",
    "loudness_range_lu": "LU",
    "max_short_term_lufs": "LU",
    "true_peak_dbtp": "dB",
}
"""Columns that the script gets by the same definitions."""


def folder() -> Path:
    write_stems(Path("song"), 60.0 * MINUTES)
    return Path("song").absolute()


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    """All that is measured of a song with stems, its reverb included."""
    from mixprior.pipeline.audio.decode import DecodeLimits
    from mixprior.pipeline.separation.separator import SeparationSettings
    from mixprior.pipeline.song import measure
    from mixprior.pipeline.song.settings import MiningSettings
    from mixprior.pipeline.store.records import Song

    song = Song(str(folder), tuple((name, f"{folder}/{name}.wav") for name in STEMS))
    table = measure.features(song, "song", MiningSettings(SeparationSettings(), DecodeLimits()))
    return {row["stem"]: row for row in table.to_pylist()}


def rows_by_script(folder: Path) -> dict[str, dict[str, Any]]:
    from tools.benches import researcher

    return researcher.figures(folder)


def furthest(ours: dict[str, dict[str, Any]], theirs: dict[str, dict[str, Any]]) -> float:
    """Largest difference in the columns that both have by the same definitions, over the four stems."""
    return max(abs(ours[stem][column] - theirs[stem][column]) for stem in STEMS for column in HELD)


def furthest_of_all(ours: dict[str, dict[str, Any]], theirs: dict[str, dict[str, Any]]) -> float:
    """Largest difference of any number that both have, in resolutions of its column.

    Reverberation is left out: it is of another model since.
    """
    from mixprior.stats.registry import COLUMNS
    from mixprior.stats.statistic import Family

    return max(
        abs(value - other) / column.resolution
        for stem, row in ours.items()
        for column in COLUMNS
        if column.name in theirs[stem] and column.family is not Family.REVERB
        for value, other in zip(_values(row[column.name]), _values(theirs[stem][column.name]), strict=True)
        if value is not None and other is not None
    )


def _values(cell: Any) -> list[float | None]:
    return cell if isinstance(cell, list) else [cell]


LENGTH = f"{MINUTES} minutes of four stems on disk"
ROWS = (
    Comparison(
        "measure",
        f"all rows of a song, {LENGTH}, reverb included (the script has none)",
        rows,
        Peer("the researcher's script", rows_by_script),
        folder,
        furthest,
        "LU or dB",
        bar=18.0,
        audio_s=60.0 * MINUTES,
    ),
    Comparison(
        "measure-before",
        f"all rows of a song, {LENGTH}, reverb included",
        rows,
        before(rows),
        folder,
        furthest_of_all,
        "resolutions",
        bar=1.9,
        audio_s=60.0 * MINUTES,
    ),
)
