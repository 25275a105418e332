"""One song from file to table, in this process: the direct computation that the Beam graph must equal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from mixprior.pipeline.audio import decode
from mixprior.pipeline.separation import separate
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store.records import InputError, Song, SongError
from mixprior.stats import registry
from mixprior.stats.registry import FEATURES_SCHEMA
from mixprior.stats.schema import with_metadata
from mixprior.stats.statistic import Value
from mixprior.stats.stem import MIXTURE, StemSet


def load(song: Song, settings: MiningSettings) -> StemSet:
    """Decode a song and separate it, unless its stems are in the catalog (and the settings take them).

    Raises:
        SongError: if it cannot be read, decoded or separated; the error tells the stage.
    """
    if song.has_stems:
        known = StemSet(*decode.decode_stems(song, settings.limits))
        if not settings.separate_all:
            return known
        mixture = known[MIXTURE].audio
    else:
        mixture = decode.decode_mixture(song, settings.limits)
    return StemSet(separate.load(settings.separation).separate(mixture), mixture)


def features(song: Song, song_id: str, settings: MiningSettings) -> pa.Table:
    """Measure a song and return its table, as `mixprior.stats.schema.FEATURES_SCHEMA` has it.

    Raises:
        SongError: if it cannot be mined; the error tells the stage.
        InputError: if the separation model cannot be had.
    """
    try:
        rows = registry.measure(load(song, settings))
    except (SongError, InputError):
        raise
    except Exception as error:
        # A song nobody foresaw is a failed song, not the end of the run.
        raise SongError("measure", f"unexpected {type(error).__name__}: {error}") from error
    return to_table(song_id, rows, settings.feature_key(song.has_stems))


def to_table(song_id: str, rows: Mapping[str, Mapping[str, Value]], feature_key: str) -> pa.Table:
    """Turn what was measured into a table; what is not finite becomes null.

    Args:
        song_id: hash of the song's content.
        rows: for each row of the song, a value for each column.
        feature_key: written into the file's metadata, so that a row knows how it was made.
    """
    records = [
        {"song_id": song_id, "stem": stem, **{name: _cell(value) for name, value in values.items()}}
        for stem, values in rows.items()
    ]
    return pa.Table.from_pylist(records, with_metadata(FEATURES_SCHEMA, feature_key=feature_key))


def _cell(value: Value) -> float | list[float | None] | None:
    if value is None:
        return None
    if isinstance(value, np.ndarray):
        return [float(v) if np.isfinite(v) else None for v in value]
    return float(value) if np.isfinite(value) else None
