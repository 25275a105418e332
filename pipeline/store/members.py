"""The songs that priors are of, by content; what tells whether priors and a table of songs belong together."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from mixprior.stats.schema import MEMBERS_SCHEMA

LOST = "Lost"
"""The error of a song that was finished, and whose rows are damaged or gone: the next run mines it again."""


def members_of(songs: pa.Table) -> pa.Table:
    """Return the songs of a songs table by content, `mixprior.stats.schema.MEMBERS_SCHEMA`."""
    copy = pc.equal(songs["status"], "duplicate")
    copies = Counter(_keys(songs.filter(copy)))
    songs = songs.filter(pc.invert(copy))
    counts = pa.array([copies[key] for key in _keys(songs)], pa.int64())
    columns = [songs[name] for name in ("song_id", "feature_key", "duration_s", "error")]
    return joined_members([pa.table([*columns, counts], MEMBERS_SCHEMA)])


def _keys(songs: pa.Table) -> Iterator[tuple[str, str]]:
    return zip(songs["song_id"].to_pylist(), songs["feature_key"].to_pylist(), strict=True)


def joined_members(members: Sequence[pa.Table]) -> pa.Table:
    """Join the songs of several catalogs: one counts, its other places are copies; counted goes before failed."""
    table = pa.concat_tables(members)
    table = table.append_column("failed", pc.is_valid(table["error"]))
    table = table.sort_by([("song_id", "ascending"), ("failed", "ascending"), ("feature_key", "ascending")])
    ids = table["song_id"].combine_chunks()
    if not len(ids):
        return MEMBERS_SCHEMA.empty_table()
    first = first_of_each(ids)
    song = pc.cumulative_sum(pc.cast(first, pa.int64()))
    copies = pa.table({"song": song, "copies": table["copies"]}).group_by("song", use_threads=False)
    total = copies.aggregate([("copies", "sum"), ("copies", "count")])
    kept = table.filter(first)
    more = pc.subtract(pc.add(total["copies_sum"], total["copies_count"]), 1)
    return (
        kept.set_column(kept.column_names.index("copies"), "copies", more)
        .select(MEMBERS_SCHEMA.names)
        .cast(MEMBERS_SCHEMA)
    )


def lost_from(members: pa.Table, song_ids: pa.Array) -> pa.Table:
    """Return the members with the given songs, whose rows are lost, counted as failed."""
    if not len(song_ids):
        return members
    is_lost = pc.and_(pc.is_in(members["song_id"], song_ids), pc.is_null(members["error"]))
    for name, value in (("error", LOST), ("duration_s", None)):
        column = pc.if_else(is_lost, pa.scalar(value, members.schema.field(name).type), members[name])
        members = members.set_column(members.column_names.index(name), members.schema.field(name), column)
    return members


def members_hash(members: pa.Table) -> str:
    """Return what stands for a catalog whose songs ended so: it is the same of a table of songs and of its priors.

    Args:
        members: `mixprior.stats.schema.MEMBERS_SCHEMA`, sorted by song id.
    """
    return members_hash_of([members])


def members_hash_of(tables: Iterable[pa.Table]) -> str:
    """Return the `members_hash` of members that come in several tables, sorted by song id from one to the next."""
    digest = hashlib.sha256()
    for table in tables:
        error = pc.if_else(pc.equal(table["error"], LOST), None, table["error"])
        columns = (table["song_id"], table["feature_key"], pc.fill_null(error, ""))
        lines = pc.binary_join_element_wise(*(column.combine_chunks() for column in columns), " ")
        for start in range(0, len(lines), 1 << 16):
            digest.update("".join(f"{line}\n" for line in lines.slice(start, 1 << 16).to_pylist()).encode())
    return digest.hexdigest()


def first_of_each(values: pa.Array | pa.ChunkedArray) -> pa.BooleanArray:
    """Whether each of the sorted values is the first of its kind.

    >>> first_of_each(pa.array(["a", "a", "b"])).to_pylist()
    [True, False, True]
    """
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    before = pa.concat_arrays([pa.nulls(min(1, len(values)), values.type), values[:-1]])
    return pc.fill_null(pc.not_equal(values, before), True)
