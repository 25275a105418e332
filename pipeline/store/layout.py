"""Where things are stored in the folder of a run, and how a table becomes a file."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq


def features_path(feature_key: str, song_id: str) -> str:
    """Return where a finished song's table lies within a run's folder.

    >>> features_path("0123456789abcdef", "fedcba9876543210")
    'features/0123456789abcdef/fe/fedcba9876543210.parquet'
    """
    return f"features/{feature_key}/{song_id[:2]}/{song_id}.parquet"


def archive_folder(feature_key: str) -> str:
    """Return where songs' tables lie many to a file within a run's folder: parts, of which a later one prevails.

    >>> archive_folder("0123456789abcdef")
    'archive/0123456789abcdef'
    """
    return f"archive/{feature_key}"


def parquet_bytes(table: pa.Table) -> bytes:
    """Return the table as the bytes of a Parquet file; the same table gives the same bytes."""
    sink = pa.BufferOutputStream()
    # Tables are sorted: a reader that asks for one group or song passes over the other row groups.
    pq.write_table(table, sink, compression="zstd", row_group_size=1 << 14)
    return bytes(sink.getvalue())
