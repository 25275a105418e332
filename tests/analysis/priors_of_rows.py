"""Priors made from rows of songs by plain numpy, for tests of what reads priors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.stats import registry
from mixprior.stats.schema import PRIORS_SCHEMA
from mixprior.stats.stem import StemSet


def rows_of(song_id: str, song: StemSet) -> pa.Table:
    """Measure a song, as a run does."""
    return registry.to_table(song_id, registry.measure(song), "feature-key").replace_schema_metadata()


def write_priors_of(folder: Path, tables: list[pa.Table], group: str = "all") -> Path:
    """Write the priors of songs, with n, mean and sd of every statistic and `magnitude_spectrum`."""
    records = [record for table in tables for record in table.to_pylist()]
    found = []
    for stem in sorted({record["stem"] for record in records}):
        songs = [record for record in records if record["stem"] == stem]
        for column in registry.columns_filled(stem):
            values = _values([song[column.name] for song in songs], column.axis_hz)
            found += _rows(group, stem, column.name, column.unit, column.axis_hz, values)
            if column.name == "magnitude_spectrum_db":
                found += _rows(group, stem, "magnitude_spectrum", "1", column.axis_hz, 10.0 ** (values / 20.0))
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(found, PRIORS_SCHEMA.with_metadata({"schema_version": "1"}))
    pq.write_table(table, folder / "priors.parquet")
    statistics = {c.name: {"unit": c.unit, "definition": c.definition} for c in registry.COLUMNS}
    manifest = {"schema_version": 1, "songs": len(tables), "hours": 0.1, "statistics": statistics}
    manifest |= {"features": {"key": {"stems": "given", "songs": len(tables)}}, "versions": {"mixprior": "0.1.0"}}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def _values(cells: list, axis_hz) -> np.ndarray:
    empty = [None] * len(axis_hz or [0])
    lists = [empty if cell is None else cell if axis_hz else [cell] for cell in cells]
    return np.array(lists, np.float64)


def _rows(group, stem, statistic, unit, axis_hz, values: np.ndarray):
    for k in range(values.shape[1]):
        known = values[np.isfinite(values[:, k]), k]
        n = len(known)
        yield {
            "group": group,
            "stem": stem,
            "statistic": statistic,
            "unit": unit,
            "bin": k if axis_hz else None,
            "bin_hz": axis_hz[k] if axis_hz else None,
            "n": n,
            "n_missing": len(values) - n,
            "mean": known.mean() if n else None,
            "sd": known.std(ddof=1) if n > 1 else None,
            **{name: np.quantile(known, q) if n else None for name, q in (("p5", 0.05), ("p50", 0.5), ("p95", 0.95))},
        }
