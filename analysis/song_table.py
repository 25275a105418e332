"""One table of a run's songs: a row a song, with what was measured on each stem, and its tags."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mixprior.analysis.priors import open_priors
from mixprior.analysis.reliability import Reliabilities
from mixprior.analysis.songs import open_songs
from mixprior.pipeline.store.layout import RunFolder
from mixprior.stats.registry import FEATURES_SCHEMA, columns_filled
from mixprior.stats.schema import FINISHED
from mixprior.stats.visible import as_utf8

OWN = ("path", "song_id", "status", "error", "message", "flags")
"""The columns that every table has first."""
CATALOG = "catalog."
"""Begins the name of a column of the catalog that is called as another column here."""


@dataclass(frozen=True)
class SongTable:
    """A row a song, sorted by path.

    Attributes:
        values: `OWN`; the columns of the catalog and the tags of files; then STEM.STATISTIC for every number, null
            where it was not measured.
        facts: unit, definition and reliability (`mixprior.analysis.reliability`) of each measured column, by its
            name; None for true stems, and where it is not known.
    """

    values: pa.Table
    facts: Mapping[str, Mapping[str, Any]]


def song_table(run: str | Path) -> SongTable:
    """Return all that was measured on the songs of a run, but for curves.

    Songs that failed or that are another's duplicate have a row without numbers, so that none counts twice; so has the
    second row of a song that was measured with stems and without.

    Args:
        run: output folder of `mixprior mine`.

    Raises:
        NotARun: if it is none.

    >>> song_table("outputs/mine").values.column_names[:3]  # doctest: +SKIP
    ['path', 'song_id', 'status']
    """
    songs = open_songs(run).table
    songs = songs.sort_by([("path", "ascending"), ("status", "ascending")])
    own = {name: songs[name] for name in OWN if name in songs.column_names}
    own["flags"] = pa.array([", ".join(flags or ()) or None for flags in songs["flags"].to_pylist()], pa.string())
    catalog = dict(_catalog(songs["metadata"].to_pylist()))
    measured = dict(_measured(run, songs))
    named = {f"{CATALOG}{name}" if name in own or name in measured else name: cells for name, cells in catalog.items()}
    values = pa.table({**own, **named, **measured})
    reliabilities = Reliabilities.of(open_priors(run).manifest) if measured else Reliabilities({})
    return SongTable(values, {name: _facts(name, reliabilities) for name in measured})


def _catalog(metadata: list[str]) -> Iterator[tuple[str, pa.Array]]:
    """Give the columns of the catalog, each of one type: of text where songs differ in it."""
    rows = [json.loads(text) for text in metadata]
    for name in dict.fromkeys(name for row in rows for name in row):
        cells = [row.get(name) for row in rows]
        kinds = {type(cell) for cell in cells if cell is not None}
        if kinds <= {int, float} and float in kinds:
            yield name, pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
        elif len(kinds) == 1 and kinds <= {bool, int} and all(abs(cell or 0) < 1 << 63 for cell in cells):
            yield name, pa.array(cells)
        else:
            yield name, pa.array([None if cell is None else as_utf8(str(cell)) for cell in cells], pa.string())


def _measured(run: str | Path, songs: pa.Table) -> Iterator[tuple[str, pa.Array]]:
    """Give the scalars of every stem, STEM.STATISTIC, in the order of the songs."""
    from mixprior.pipeline.store.rows import Rows  # here, because it takes numba along

    rows = Rows(RunFolder.at(run), songs)
    if not len(rows.finished):
        return
    scalars = [field.name for field in FEATURES_SCHEMA if not pa.types.is_list(field.type)]
    found = [table for key in rows.feature_keys for table in rows.tables(key, scalars)]
    features = pa.concat_tables(found or [FEATURES_SCHEMA.empty_table().select(scalars)])
    counted = set(zip(*(rows.finished[name].to_pylist() for name in ("song_id", "feature_key")), strict=True))
    is_counted = [
        row["status"] in FINISHED and (row["song_id"], row["feature_key"]) in counted
        for row in songs.select(["song_id", "feature_key", "status"]).to_pylist()
    ]
    ids = songs["song_id"].to_pylist()
    for stem in dict.fromkeys(features["stem"].to_pylist()):
        of_stem = features.filter(pc.equal(features["stem"], stem))
        place = {song_id: k for k, song_id in enumerate(of_stem["song_id"].to_pylist())}
        wanted = [place.get(song_id) if counts else None for song_id, counts in zip(ids, is_counted, strict=True)]
        for column in columns_filled(stem):
            if not column.is_vector:
                yield f"{stem}.{column.name}", of_stem[column.name].take(pa.array(wanted, pa.int64())).combine_chunks()


def _facts(name: str, reliabilities: Reliabilities) -> dict[str, Any]:
    stem, _, statistic = name.partition(".")
    column = next(each for each in columns_filled(stem) if each.name == statistic)
    found = reliabilities.find(stem, statistic)
    reliability = None if found is None else found.reliability
    return {"unit": column.unit, "definition": column.definition, "reliability": reliability}
