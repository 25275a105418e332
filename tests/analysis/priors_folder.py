"""Priors folders of known numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.stats.schema import PRIORS_SCHEMA

RATIO = "vocal_to_backing_lu"
SPREAD = ("mean", "sd", "min", "max", "p5", "p10", "p25", "p50", "p75", "p90", "p95")
NOT_MEASURED = (None,) * len(SPREAD)
RATIO_OF_ALL = (-2.15, 2.48, -9.0, 4.0, -5.5, -5.0, -3.7, -1.89, -0.6, 0.9, 1.3)
RATIO_OF_ROCK = (-3.5, 1.5, -7.0, 0.5, -6.0, -5.5, -4.5, -3.25, -2.5, -1.5, -1.0)


def row(group, stem, statistic, unit, n, numbers=NOT_MEASURED, bin=None, bin_hz=None, n_missing=0):
    place = {"group": group, "stem": stem, "statistic": statistic, "unit": unit, "bin": bin, "bin_hz": bin_hz}
    return {**place, "n": n, "n_missing": n_missing, **dict(zip(SPREAD, numbers, strict=True))}


ROWS = [
    row("all", "song", RATIO, "LU", 100, RATIO_OF_ALL, n_missing=2),
    row("all", "vocals", "centroid_hz", "Hz", 100, [1000.0 + place for place in range(11)]),
    *(row("all", "vocals", "sps_phi", "1", 90 + i, [0.1 * i] * 11, i, 10.0 * i) for i in range(3)),
    row("genre=jazz", "song", RATIO, "LU", 0, n_missing=4),
    row("genre=polka", "song", RATIO, "LU", 1, (-1.0, None, *[-1.0] * 9)),
    row("genre=rock", "song", RATIO, "LU", 40, RATIO_OF_ROCK),
]


def write_priors(folder: Path, rows=ROWS, schema: pa.Schema = PRIORS_SCHEMA, version: str | None = "1") -> Path:
    """Write a priors folder as a run does, but with the rows, schema or version asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {} if version is None else {"schema_version": version}
    pq.write_table(pa.Table.from_pylist(list(rows), schema.with_metadata(metadata)), folder / "priors.parquet")
    definition = {"unit": "LU", "definition": "vocal minus backing"}
    manifest = {"schema_version": 1, "songs": 102, "statistics": {RATIO: definition}}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder
