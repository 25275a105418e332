"""The job of a pool that mines one song: its rows, as the bytes of their file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import soundfile

from mixprior.pipeline.audio import decode
from mixprior.pipeline.separation import separator
from mixprior.pipeline.song import measure
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import features, sources
from mixprior.pipeline.store.copies import Copies
from mixprior.pipeline.store.layout import parquet_bytes
from mixprior.pipeline.store.records import Song
from mixprior.stats.statistic import SAMPLE_RATE_HZ, VOCALS

_NOISE_S = 8.0
"""Length of the song that a process begins with: what is measured of any song is measured of it, reverberation too."""


def mine(
    song: Song, song_id: str, settings: MiningSettings, entering: measure.Entering
) -> tuple[dict[str, Any], bytes]:
    """Mine one song.

    Returns:
        `duration_s`, its length, `mined_s`, the seconds it took, `cpu_s`, those of the cores, and `flags`, what may be
        wrong with it; the file of its rows.

    Raises:
        SongError: if it cannot be mined.
        InputError: if the separation model cannot be had.
    """
    started_s, cpu_s = time.monotonic(), time.process_time()
    flags: set[str] = set()
    with _fetched_once(song, settings):
        table = measure.features(song, song_id, settings, entering, flags)
    facts = {
        "duration_s": features.duration_s(table),
        "mined_s": time.monotonic() - started_s,
        "cpu_s": time.process_time() - cpu_s,
        "flags": sorted(flags),
    }
    return facts, parquet_bytes(table)


def prepare(has_stems: bool, settings: MiningSettings, _entering: measure.Entering) -> tuple[dict[str, Any], bytes]:
    """Load libraries, compiled kernels and the model, where one is needed, before the first song."""
    measure.ensure_compiled()  # else each of the processes that begin would compile all of it
    if not has_stems or settings.separate_all:
        separator.load(settings.separation)
    any_length = replace(settings, separate_all=False, limits=decode.DecodeLimits())
    with tempfile.TemporaryDirectory() as folder:
        stems = [(name, f"{folder}/{name}.wav") for name in (VOCALS, "other")]
        for seed, (_, path) in enumerate(stems):
            soundfile.write(path, _noise(seed), SAMPLE_RATE_HZ, "FLOAT")
        mine(Song(folder, tuple(stems)), f"{0:016x}", any_length, lambda *_stage: None)
    return {}, b""


def _noise(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((round(_NOISE_S * SAMPLE_RATE_HZ), 2), np.float32)
    return np.float32(0.1) * noise


@contextmanager
def _fetched_once(song: Song, settings: MiningSettings) -> Iterator[None]:
    """Have remote files of a song fetched once, however often they are opened: not at all if they were left here."""
    if not any(map(sources.is_remote, decode.files_of(song))):
        yield
        return
    with tempfile.TemporaryDirectory() as folder, sources.holding(Copies(settings.copies or folder)):
        yield
