"""Files of rows, of one song or of many: one counts only if it opens, has the schema and carries the feature key."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.pipeline.store import seal
from mixprior.stats.registry import FEATURES_SCHEMA
from mixprior.stats.statistic import SONG


def opened(source: Any, feature_key: str) -> pq.ParquetFile | None:
    """Open a file of rows; None if it does not count.

    Args:
        source: an open file, or anything else that Arrow reads from.
        feature_key: what the rows must have been made with.
    """
    try:
        parquet = seal.opened(source)
    except seal.PARSING as error:
        if seal.is_trouble(error):
            raise
        return None
    schema = parquet.schema_arrow
    carried = (schema.metadata or {}).get(b"feature_key")
    return parquet if carried == feature_key.encode() and schema.equals(FEATURES_SCHEMA) else None


def read(source: Any, feature_key: str, columns: Sequence[str] | None = None) -> pa.Table | None:
    """Return the rows of a file; None if it does not count. Arguments are those of `opened` and `parsed`."""
    parquet = opened(source, feature_key)
    try:
        return None if parquet is None else parquet.read(columns, use_threads=False)
    except seal.PARSING as error:
        if seal.is_trouble(error):
            raise
        return None


def parsed(content: bytes, feature_key: str, columns: Sequence[str] | None = None) -> pa.Table | None:
    """Return the rows of a file that was read whole; None if it does not count.

    Args:
        content: of the file.
        feature_key: what the rows must have been made with.
        columns: which to return; None for all.
    """
    try:
        seal.check(io.BytesIO(content))
        return read(pa.BufferReader(content), feature_key, columns)
    except seal.PARSING:  # the content is in memory: it is no trouble of the disk
        return None


def duration_s(table: pa.Table) -> float:
    """Return the length of the one song whose rows, or their columns `stem` and `duration_s`, are given."""
    # Not by `pyarrow.compute`: where it is given what Python holds, it loads pandas, which takes a third of a second.
    return float(table["duration_s"][table["stem"].to_pylist().index(SONG)].as_py())
