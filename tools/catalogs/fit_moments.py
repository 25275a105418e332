"""Fits the generator of catalogs to a real run, and writes moments.npz: `python -m tools.catalogs.fit_moments RUN`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from mixprior.pipeline.store.rows import Rows
from mixprior.stats.priors.measurements import Measurements

HERE = Path(__file__).parent / "moments.npz"


def main(run: str) -> None:
    rows = Rows.open(run)
    tables = [table for key in rows.feature_keys for table in rows.tables(key)]
    measured = Measurements.of(pa.concat_tables(tables))
    values, known = measured.counted, ~np.isnan(measured.counted)
    mean = np.nanmean(values, axis=0)
    off = np.where(known, values - mean, 0.0) / np.sqrt(max(len(values) - 1, 1))
    cells = [cell for cell in measured.cells if not cell.is_curve]
    np.savez_compressed(
        HERE,
        stems=np.array([cell.stem for cell in cells]),
        statistics=np.array([cell.column.name for cell in cells]),
        bins=np.array([cell.bins for cell in cells]),
        mean=mean.astype(np.float32),
        factors=off.astype(np.float32),  # (songs, bins): what varies together in the real songs
        low=np.nanmin(values, axis=0).astype(np.float32),
        high=np.nanmax(values, axis=0).astype(np.float32),
        missing=(1 - known.mean(axis=0)).astype(np.float32),
    )
    print(f"{len(values)} songs, {values.shape[1]} numbers a song: {HERE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1])
