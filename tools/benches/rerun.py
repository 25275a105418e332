"""`mine` on songs that are mined already: nothing is to be done, and how soon the command knows it."""

from __future__ import annotations

import subprocess
import sys
import wave
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tools.benches.command import Command
from tools.benches.comparison import Comparison, before
from tools.benches.sounds import write_stems

FEW, MANY = 60, 10_000
RATE_HZ = 8000
ONE_S = 5.0

AGAIN = ("python", "-m", "mixprior", "mine", "{given}", "-o", "run", "--quiet")


def mined(songs: int) -> Path:
    """So many songs of a second that would be separated, with rows as if they had been, and priors."""
    _write_songs(Path("music"), songs)
    _write_rows(Path("music"), Path("run"), songs)
    subprocess.run([sys.executable, *AGAIN[1:4], "music", *AGAIN[5:]], check=True, capture_output=True)
    return Path("music").absolute()


def _write_songs(folder: Path, songs: int) -> None:
    folder.mkdir()
    noise = np.random.default_rng(1).integers(-9000, 9000, RATE_HZ + songs, np.int16)
    for song in range(songs):
        with wave.open(str(folder / f"{song:05d}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(noise[song : song + RATE_HZ].tobytes())


def _write_rows(music: Path, run: Path, songs: int) -> None:
    """Give every song the rows of one that is mined now, by names that the commit before has, too."""
    from mixprior.pipeline.audio import decode
    from mixprior.pipeline.catalogs.catalog import open_catalog
    from mixprior.pipeline.graphs import options
    from mixprior.pipeline.separation import model_store
    from mixprior.pipeline.store.checkpoint import Checkpoint
    from mixprior.pipeline.store.layout import RunFolder, parquet_bytes
    from mixprior.stats.registry import FEATURES_SCHEMA
    from mixprior.stats.schema import with_metadata

    write_stems(Path("one"), ONE_S)
    subprocess.run([sys.executable, *AGAIN[1:4], "one", "-o", "one-run"], check=True, capture_output=True)
    [path] = Path("one-run").glob("features/*/*/*.parquet")
    rows = pq.read_table(path, schema=FEATURES_SCHEMA)
    feature_key = options.settings(None, 20.0, model_store.resolve, True).feature_key(False)
    rows = rows.replace_schema_metadata(with_metadata(FEATURES_SCHEMA, feature_key=feature_key).metadata)
    checkpoint, place = Checkpoint(RunFolder.at(run), feature_key), FEATURES_SCHEMA.get_field_index("song_id")
    for song in open_catalog(str(music)):
        song_id = decode.fingerprint(song)
        ids = pa.array([song_id] * len(rows), FEATURES_SCHEMA.field(place).type)
        checkpoint.finish(song_id, parquet_bytes(rows.set_column(place, FEATURES_SCHEMA.field(place), ids)))


NOTHING = Comparison(
    "nothing",
    f"`mine` again on {FEW} songs that were separated and mined",
    Command(AGAIN),
    before(Command(AGAIN)),
    partial(mined, FEW),
    threads=0,
    by="wall",
    bar_s=2.0,
)

ROWS = (
    NOTHING,
    replace(
        NOTHING,
        row="nothing-many",
        what=f"`mine` again on {MANY} songs that were separated and mined",
        given=partial(mined, MANY),
        runs=3,
        bar_s=10.0,
        long=True,
    ),
)
