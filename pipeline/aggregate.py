"""The second graph: rows of songs become priors, by sums that merge in any order to the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import PCollection
from apache_beam.transforms.combiners import ToList

from pipeline import files
from pipeline.checkpoint import Checkpoint
from stats.registry import COLUMNS, columns_of
from stats.schema import PRIORS_SCHEMA, QUANTILES, with_metadata
from stats.statistic import Column
from stats.summary import Summary

_COLUMNS = {column.name: column for column in COLUMNS}
_BATCH = 64
"""Songs read at a time: enough for array arithmetic to pay, little enough for memory."""

Summaries = dict[tuple[str, str], Summary]
"""One summary for each (stem, statistic)."""


@dataclass(frozen=True)
class Rows:
    """Some songs of one group, ready to be summarised.

    Attributes:
        group: "all", or a column of the manifest and a value of it ("genre=rock").
        table: their rows, as `stats.schema.FEATURES_SCHEMA` has them.
    """

    group: str
    table: pa.Table


@dataclass
class Aggregate(beam.PTransform):
    """Takes paths of songs tables and gives (group, {(stem, statistic): `Summary`}) for each group.

    Attributes:
        root: the run's folder, in which the features lie.
        group_by: columns of the manifest to group by, besides "all".
    """

    root: str
    group_by: tuple[str, ...] = ()

    def expand(self, songs_tables: PCollection) -> PCollection:
        """Build the graph."""
        return (
            songs_tables
            | "List finished songs" >> beam.FlatMap(finished_songs)
            | "Spread finished songs" >> beam.Reshuffle()
            | "Batch songs" >> beam.BatchElements(min_batch_size=_BATCH, max_batch_size=_BATCH)
            | "Read their rows" >> beam.FlatMap(read_rows, self.root, self.group_by)
            | "Key by group" >> beam.Map(lambda rows: (rows.group, rows.table))
            | "Summarise groups" >> beam.CombinePerKey(SummariseRows())
        )


def finished_songs(songs_path: str) -> Iterator[tuple[str, str, str]]:
    """Give (song id, feature key, metadata as JSON) of every mined song in a songs table."""
    table = files.read_table(songs_path).select(["song_id", "feature_key", "metadata", "status"])
    for row in table.to_pylist():
        if row["status"] in ("mined", "kept"):
            yield row["song_id"], row["feature_key"], row["metadata"]


def read_rows(songs: list[tuple[str, str, str]], root: str, group_by: Iterable[str]) -> Iterator[Rows]:
    """Read the rows of some songs and give them once for every group that one of the songs is in."""
    members: dict[str, list[pa.Table]] = {}
    for song_id, feature_key, metadata in songs:
        table = files.read_table(Checkpoint(root, feature_key).features_path(song_id)).replace_schema_metadata()
        for group in groups_of(json.loads(metadata), group_by):
            members.setdefault(group, []).append(table)
    for group, tables in members.items():
        yield Rows(group, pa.concat_tables(tables))


def groups_of(metadata: Mapping[str, object], group_by: Iterable[str]) -> list[str]:
    """Return the groups a song is in: always "all", and one for each column that has a value.

    >>> groups_of({"genre": "rock", "year": None}, ["genre", "year"])
    ['all', 'genre=rock']
    """
    return ["all", *(f"{name}={metadata[name]}" for name in group_by if metadata.get(name) not in (None, ""))]


class SummariseRows(beam.CombineFn):
    """Takes tables of songs and gives one `Summary` for each stem and statistic that a song has."""

    def create_accumulator(self) -> Summaries:
        """Nothing summarised."""
        return {}

    def add_input(self, summaries: Summaries, table: pa.Table) -> Summaries:
        """Add some songs."""
        return merge(summaries, summarise(table))

    def merge_accumulators(self, accumulators: Iterable[Summaries]) -> Summaries:
        """Merge what several workers summarised."""
        merged: Summaries = {}
        for each in accumulators:
            merged = merge(merged, each)
        return merged

    def extract_output(self, summaries: Summaries) -> Summaries:
        """Give the summaries as they are."""
        return summaries


def merge(left: Summaries, right: Summaries) -> Summaries:
    """Merge two sets of summaries."""
    merged = {**left, **right}
    for key in left.keys() & right.keys():
        merged[key] = left[key].merge(right[key])
    return merged


def summarise(table: pa.Table) -> Summaries:
    """Summarise a table of songs directly, without Beam; columns that a stem never fills are left out."""
    stems = np.array(table["stem"].to_pylist())
    summaries: Summaries = {}
    for stem in sorted(set(stems)):
        rows = table.filter(pa.array(stems == stem))
        for column in columns_of(stem):
            summaries[stem, column.name] = Summary.of(_values(rows[column.name], column), column.resolution)
    return summaries


def to_table(groups: Iterable[tuple[str, Summaries]]) -> pa.Table:
    """Turn (group, summaries) into the table of priors, sorted, with null where nothing was measured."""
    tables = [PRIORS_SCHEMA.empty_table()]
    for group, summaries in sorted(groups, key=lambda pair: pair[0]):
        for (stem, statistic), summary in sorted(summaries.items()):
            tables.append(_table(group, stem, _COLUMNS[statistic], summary))
    return pa.concat_tables(tables).replace_schema_metadata(with_metadata(PRIORS_SCHEMA).metadata)


def _table(group: str, stem: str, column: Column, summary: Summary) -> pa.Table:
    bins = summary.n.size
    empty = summary.n == 0
    numbers = {
        "mean": summary.mean(),
        "sd": summary.sd(),
        "min": np.where(empty, np.nan, summary.low),
        "max": np.where(empty, np.nan, summary.high),
        **{name: summary.quantile(q) for name, q in QUANTILES.items()},
    }
    return pa.table(
        {
            "group": [group] * bins,
            "stem": [stem] * bins,
            "statistic": [column.name] * bins,
            "unit": [column.unit] * bins,
            "bin": list(range(bins)) if column.is_vector else [None],
            "bin_hz": list(column.axis_hz) if column.axis_hz is not None else [None],
            "n": summary.n,
            "n_missing": summary.missing,
            **{name: pa.array(values, from_pandas=True) for name, values in numbers.items()},
        },
        PRIORS_SCHEMA,
    )


@dataclass
class WritePriors(beam.PTransform):
    """Takes (group, summaries) and writes the table of priors to `path`; gives that path."""

    path: str

    def expand(self, groups: PCollection) -> PCollection:
        """Build the graph."""
        return (
            groups
            | "Gather groups" >> ToList()
            | "Write the priors" >> beam.Map(lambda found: files.write_table(self.path, to_table(found)))
        )


def _values(cells: pa.ChunkedArray, column: Column) -> np.ndarray:
    if column.axis_hz is None:
        return cells.to_numpy(zero_copy_only=False).astype(np.float64)[:, None]
    bins = len(column.axis_hz)
    out = np.full((len(cells), bins), np.nan)
    for k, cell in enumerate(cells):
        if cell.is_valid:
            out[k] = cell.values.to_numpy(zero_copy_only=False)
    return out
