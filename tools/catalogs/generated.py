"""Catalogs of any size: rows whose statistics are spread and correlated as in real songs, without audio.

`moments.npz` holds mean, factors, extremes and gaps of real songs (`fit_moments`). A generated song is the mean plus a
random mixture of the factors, plus a tenth of independent noise, kept within sensible bounds.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.pipeline.store.layout import RunFolder, parquet_bytes
from mixprior.stats.measures.presence import PRESENT
from mixprior.stats.registry import COLUMNS, FEATURES_SCHEMA
from mixprior.stats.schema import FEATURE_VERSION, SONGS_SCHEMA, with_metadata
from mixprior.stats.statistic import MIXTURE, SONG, Column

KEY = "0123456789abcdef"
SETTINGS = {
    "feature_version": FEATURE_VERSION,
    "stems": "separated",
    "model": "generated",
    "weights_sha256": "0" * 64,
    "precision": "fp32",
    "overlap": 0.25,
    "segment_s": 7.8,
}
GENRES = (
    "pop",
    "rock",
    "electronic",
    "hip-hop",
    "folk",
    "jazz",
    "metal",
    "r&b",
    "country",
    "latin",
    "classical",
    "reggae",
)
PART_SONGS = 4096
_BLOCK_SONGS = 256
_SHARES = 1 / np.arange(1, len(GENRES) + 1)


@cache
def _moments() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "moments.npz", allow_pickle=False) as file:
        return dict(file)


def song_ids(first: int, songs: int) -> list[str]:
    """Ids that sort by number."""
    return [f"{k:016x}" for k in range(first, first + songs)]


def rows(first: int, songs: int, curves: bool = False) -> pa.Table:
    """Rows of songs `first` to `first + songs`, as `FEATURES_SCHEMA`; a song's row depends on nothing but its number.

    Args:
        first: number of the first song.
        songs: how many.
        curves: whether to fill the curves of 2,049 bins, too.
    """
    tables = [_block(start, curves) for start in range(first - first % _BLOCK_SONGS, first + songs, _BLOCK_SONGS)]
    stems = len(tables[0]) // _BLOCK_SONGS
    return pa.concat_tables(tables).slice(first % _BLOCK_SONGS * stems, songs * stems).combine_chunks()


def _block(first: int, curves: bool) -> pa.Table:
    songs = _BLOCK_SONGS
    m = _moments()
    rng = np.random.default_rng([20261121, first])
    factors, mean = m["factors"], m["mean"]
    spread = np.sqrt((factors**2).sum(axis=0))
    values = mean + rng.standard_normal((songs, len(factors)), np.float32) @ factors
    values += 0.1 * spread * rng.standard_normal(values.shape, np.float32)
    reach = m["high"] - m["low"]
    values = np.clip(values, m["low"] - 0.25 * reach, m["high"] + 0.25 * reach)
    stems = list(dict.fromkeys(m["stems"].tolist()))
    starts = np.cumsum([0, *m["bins"]])
    columns: dict[str, list] = {column.name: [None] * len(stems) for column in COLUMNS}
    gone = {stem: rng.random(songs) < 0.05 for stem in stems}
    for k, stem in enumerate(stems):
        if stem not in (SONG, MIXTURE):
            columns[PRESENT][k] = np.where(gone[stem], 0.0, 1.0)[:, None]
    for stem, name, start, bins in zip(m["stems"].tolist(), m["statistics"].tolist(), starts, m["bins"], strict=False):
        cell = values[:, start : start + bins].astype(np.float64)
        if bins == 1 and m["low"][start] >= 0.0:
            cell = np.maximum(cell, 0.0)
        if bins == 1 and m["low"][start] >= 0.0 and m["high"][start] <= 1.0:
            cell = np.minimum(cell, 1.0)
        absent = rng.random(songs) < m["missing"][start]
        if stem not in (SONG, MIXTURE):
            absent |= gone[stem]
        columns[name][stems.index(stem)] = np.where(absent[:, None], np.nan, cell)
    order = np.arange(songs)
    data = {"song_id": np.repeat(song_ids(first, songs), len(stems)), "stem": np.tile(stems, songs)}
    for column in COLUMNS:
        bins = len(column.axis_hz or (0,))
        filled = [cell is not None for cell in columns[column.name]]
        if bins > 1 and not any(filled):
            data[column.name] = _curves(rng, column, stems, songs) if curves else pa.nulls(songs * len(stems))
            continue
        block = np.full((songs, len(stems), bins), np.nan)
        for k, cell in enumerate(columns[column.name]):
            if cell is not None:
                block[order, k] = cell
        flat = block.reshape(-1, bins)
        data[column.name] = (
            pa.array(flat[:, 0], from_pandas=True) if bins == 1 else _lists(flat, np.isnan(flat).all(axis=1))
        )
    return pa.table([pa.array(data[f.name]).cast(f.type) for f in FEATURES_SCHEMA], FEATURES_SCHEMA)


def _curves(rng: np.random.Generator, column: Column, stems: list[str], songs: int) -> pa.Array:
    bins = len(column.axis_hz or (0,))
    slope = np.linspace(0, -50, bins) if column.unit == "dB" else np.full(bins, 0.85)
    width = 6.0 if column.unit == "dB" else 0.05
    flat = slope + width * rng.standard_normal((songs * len(stems), 1)) + 0.2 * width * rng.random((1, bins))
    return _lists(flat, np.tile([stem == "song" for stem in stems], songs))


def _lists(flat: np.ndarray, null: np.ndarray) -> pa.Array:
    kept = flat[~null].astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(np.where(null, 0, flat.shape[1]))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(kept.ravel(), from_pandas=True), mask=pa.array(null))


def songs_table(first: int, songs: int) -> pa.Table:
    """The table of these songs, with genre, year and artist as in a catalog."""
    numbers = np.arange(first, first + songs, dtype=np.uint64)
    draw = [_noise(numbers, stream) for stream in range(3)]
    genre = np.searchsorted(np.cumsum(_SHARES) / _SHARES.sum(), draw[0])
    year = 1960 + (64.99 * np.sqrt(draw[1])).astype(int)
    metadata = [
        json.dumps({"genre": GENRES[g], "year": int(y), "artist": f"artist {k % 9973}"})
        for k, (g, y) in enumerate(zip(genre, year, strict=True), first)
    ]
    ids = song_ids(first, songs)
    none = pa.nulls(songs, pa.string())
    return pa.table(
        [
            pa.array(ids),
            pa.array([f"songs/{song_id}.flac" for song_id in ids]),
            pa.array(["mined"] * songs),
            pa.array([KEY] * songs),
            pa.array(np.round(90.0 + 310.0 * draw[2], 3)),
            none,
            none,
            none,
            pa.array(metadata),
            pa.nulls(songs, SONGS_SCHEMA.field("flags").type),
        ],
        SONGS_SCHEMA,
    )


def _noise(numbers: np.ndarray, stream: int) -> np.ndarray:
    """A number from 0 to 1 for each song, from its number alone (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        x = (numbers + np.uint64(1 + stream)) * np.uint64(0x9E3779B97F4A7C15) * np.uint64(2 * stream + 1)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (x ^ (x >> np.uint64(31))).astype(np.float64) / 2.0**64


def write_run(folder: Path, songs: int, first: int = 0, curves: bool = False) -> Path:
    """Write a run as `mixprior mine` leaves it once its rows are archived."""
    archive = Path(RunFolder.at(folder).archive(KEY))
    archive.mkdir(parents=True, exist_ok=True)
    settings = Path(RunFolder.at(folder).settings(KEY))
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(SETTINGS))
    schema = with_metadata(FEATURES_SCHEMA, feature_key=KEY)
    tables = []
    for number, start in enumerate(range(first, first + songs, PART_SONGS), 1):
        count = min(PART_SONGS, first + songs - start)
        table = rows(start, count, curves).replace_schema_metadata(schema.metadata)
        part = archive / f"{number:06d}-{start:016x}.parquet"
        part.write_bytes(parquet_bytes(table, 2048))
        tables.append(songs_table(start, count))
    pq.write_table(
        pa.concat_tables(tables).replace_schema_metadata(with_metadata(SONGS_SCHEMA).metadata),
        RunFolder.at(folder).songs,
    )
    return folder
