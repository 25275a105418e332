"""Derived statistics say no more than what they come from."""

import numpy as np
import pyarrow as pa

from mixprior.stats.long_term_spectra import POOLED_EDGES_HZ
from mixprior.stats.priors.derived import MAGNITUDE_SPECTRUM, derive

BINS = POOLED_EDGES_HZ.size


def row(song_id: str, stem: str, limit_hz: float | None, level_db: list[float | None] | None) -> dict:
    return {"song_id": song_id, "stem": stem, "band_limit_hz": limit_hz, "magnitude_spectrum_db": level_db}


def test_a_bin_without_sound_is_0_and_one_above_the_band_limit_of_the_source_is_null():
    silent, limit_hz = 5, 16_000.0
    level_db = [0.0] * BINS
    level_db[silent] = None
    cut = [None if edge > limit_hz else level for edge, level in zip(POOLED_EDGES_HZ, level_db, strict=True)]
    schema = pa.schema(
        [
            ("song_id", pa.string()),
            ("stem", pa.string()),
            ("band_limit_hz", pa.float64()),
            ("magnitude_spectrum_db", pa.list_(pa.float32())),
        ]
    )
    rows = pa.Table.from_pylist(
        [
            row("a", "vocals", None, cut),
            row("a", "song", limit_hz, None),
            row("b", "vocals", None, level_db),
            row("b", "song", None, None),
        ],
        schema,
    )
    limited, _, whole, _ = derive(rows)[MAGNITUDE_SPECTRUM.name].to_pylist()
    known = np.array([np.nan if value is None else value for value in limited])
    assert np.isnan(known).tolist() == (limit_hz < POOLED_EDGES_HZ).tolist()
    assert known[silent] == whole[silent] == 0.0
    assert whole[:silent] + whole[silent + 1 :] == [1.0] * (BINS - 1)
