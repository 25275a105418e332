"""Measures what mining takes on this machine: clips of two lengths, and whole runs over a few short songs."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.pipeline.plan.constants import SEPARATED, WITH_STEMS, Constants, Overhead, PerSong, machine
from mixprior.pipeline.song import pace
from mixprior.pipeline.song.child_process import interpreter
from mixprior.pipeline.song.cores import usable_cores
from mixprior.pipeline.song.pool import Answer
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import songs as tables
from mixprior.pipeline.store.aggregation import Aggregation
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Outcome, Song
from mixprior.pipeline.store.rows import Rows
from mixprior.pipeline.store.song_list import SongList
from mixprior.stats.errors import InputError
from mixprior.stats.priors.tally import Grouping, tally

ENGINES: Mapping[str, tuple[str, ...]] = {"local": (), "dask": ("--runner", "dask")}
"""Options that have a run on this machine use an engine."""

_LENGTHS_S = {WITH_STEMS: (4.0, 4.0, 4.0, 14.0, 14.0, 14.0), SEPARATED: (13.6, 25.3)}
"""HTDemucs separates 7.8 s at once and steps by 5.85 s: between these two lengths there are two whole steps."""

_RUN_SONGS, _SONG_S = 12, {"short": 4.0, "long": 64.0}
_BUSY_S = 9.0
_LISTED, _ADDED = 10_000, (240, 1200)


def measure(settings: MiningSettings, separates: bool) -> Constants:
    """Measure the constants of this machine: a minute or two.

    Args:
        settings: how songs are mined.
        separates: whether songs are separated, too: the model is on this machine.

    Raises:
        InputError: if the model cannot be had, or a run fails.
        SongError: if a clip cannot be mined.
    """
    load, cores = os.getloadavg()[0], usable_cores()
    stems = _per_song(settings, WITH_STEMS)
    songs = {WITH_STEMS: stems}
    if separates:
        on_cpu = settings.separation.device == "cpu"
        songs[SEPARATED] = _per_song(settings, SEPARATED) if on_cpu else _by_gpu(settings, stems)
    factors = {1: 1.0, cores: _busy(settings, cores, stems) if cores > 1 else 1.0}
    with tempfile.TemporaryDirectory() as folder:
        for name, each_s in _SONG_S.items():
            (Path(folder) / name).mkdir()
            for k in range(_RUN_SONGS):
                pace.write_clip(Path(folder) / name / f"{k:02d}", each_s + 0.01 * k, has_stems=True)
        engines = {
            name: tuple(_overhead(Path(folder), name, each, factor, stems) for each, factor in factors.items())
            for name, options in ENGINES.items()
            if name == "local" or find_spec("distributed") is not None
        }
        table_s, table_bytes = _listing(f"{folder}/table")
        aggregate_s, graph_s = _aggregation(f"{folder}/local-1-short", Path(folder) / "priors", cores)
    today = date.today().isoformat()
    return Constants(
        machine(), cores, today, round(load, 1), songs, engines, table_s, table_bytes, aggregate_s, graph_s
    )


def _per_song(settings: MiningSettings, kind: str, name: str = "cpu_s") -> PerSong:
    """What a song of a kind takes of a core, or of the clock by `mined_s`: a line through clips of two lengths."""
    answers = [answer for [answer] in pace.clips(settings, kind == WITH_STEMS, _LENGTHS_S[kind])]
    song_s, audio_s = _line(answers, name)
    rows = pq.read_metadata(io.BytesIO(answers[-1].content)).num_rows
    by = f"clips, {settings.separation.precision}" if kind == SEPARATED else "clips"
    return PerSong(song_s, audio_s, 0.0, rows, len(answers[-1].content), by)


def _by_gpu(settings: MiningSettings, stems: PerSong) -> PerSong:
    """What a song takes that a GPU separates: of a core as much as one with stems; what else a core does is wait."""
    found = _per_song(settings, SEPARATED, "mined_s")
    gpu_s = max(1e-6, found.audio_s - stems.audio_s)
    return replace(found, song_s=stems.song_s, audio_s=stems.audio_s, gpu_s=gpu_s)


def _line(answers: Sequence[Answer], name: str) -> tuple[float, float]:
    """Seconds of a clip, however short, and for each second of it: a line through medians of two lengths."""
    audio_s, taken_s = (np.array([answer.facts[each] for answer in answers]) for each in ("duration_s", name))
    is_long = audio_s > audio_s.mean()
    (short_s, short_taken_s), (long_s, long_taken_s) = (
        (float(np.median(audio_s[own])), float(np.median(taken_s[own]))) for own in (~is_long, is_long)
    )
    slope = max(1e-6, (long_taken_s - short_taken_s) / (long_s - short_s))
    return max(0.0, short_taken_s - slope * short_s), slope


def _busy(settings: MiningSettings, cores: int, alone: PerSong) -> float:
    """Times that a core takes as long for a song where all cores mine, as two that share their arithmetic units do."""
    answers = list(chain.from_iterable(pace.clips(settings, True, _LENGTHS_S[WITH_STEMS], cores)))
    song_s, audio_s = _line(answers, "cpu_s")
    return max(1.0, (song_s + audio_s * _BUSY_S) / (alone.song_s + alone.audio_s * _BUSY_S))


def _overhead(folder: Path, engine: str, workers: int, factor: float, per_song: PerSong) -> Overhead:
    """What a run takes besides its songs: a line through one over short songs and one over as many long ones.

    Raises:
        InputError: if a run fails.
    """
    songs_s, wall_s, cpu_s = {}, {}, {}
    for name, each_s in _SONG_S.items():
        songs_s[name] = factor * _RUN_SONGS * (per_song.song_s + per_song.audio_s * each_s)
        out = folder / f"{engine}-{workers}-{name}"
        wall_s[name], cpu_s[name] = _run(folder / name, out, "-j", str(workers), *ENGINES[engine])
    more_s = (songs_s["long"] - songs_s["short"]) / workers
    took_s = wall_s["long"] - wall_s["short"]
    share = min(1.0, more_s / took_s) if took_s > 0 else 1.0
    # The first run on a machine also reads libraries from its disk: what that takes is in no line.
    besides_s = min(cpu_s[name] - songs_s[name] for name in _SONG_S)
    return Overhead(
        workers, max(0.0, wall_s["long"] - songs_s["long"] / workers / share), max(0.0, besides_s), factor, share
    )


def _run(songs: Path, out: Path, *options: str) -> tuple[float, float]:
    """Seconds of the clock and of cores that a run takes.

    Raises:
        InputError: if it fails.
    """
    command = [*interpreter("mixprior.__main__", "command"), "mine", str(songs), "-o", str(out), "--quiet", *options]
    before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    wall_s, after = time.monotonic() - began_s, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise InputError(f"a run on short songs fails here: {done.stderr.strip()}")
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _listing(folder: str) -> tuple[float, float]:
    """Seconds of the one process that lists a song and writes its outcome into the table; bytes of it there."""
    began_s = time.monotonic()
    found = SongList.of(Song(f"songs/{k:08d} Some Artist - Some Song.mp3") for k in range(_LISTED))
    run = RunFolder.at(folder).mining(found.content, "measure")
    outcomes = (Outcome(song, f"{_spread(k):016x}", "mined", "0" * 16, 200.0) for k, song in enumerate(found))
    tables.write(run, outcomes)
    size_bytes = os.stat(tables.of_call(run)).st_size
    return (time.monotonic() - began_s) / _LISTED, size_bytes / _LISTED


def _spread(number: int) -> int:
    return number * 0x9E3779B97F4A7C15 % 2**64


def _aggregation(run: str, priors: Path, workers: int) -> tuple[float, float]:
    """Seconds of a core that adding up the rows of a song takes, and of the clock that a graph of processes takes."""
    from mixprior.pipeline.graphs import runner
    from mixprior.pipeline.graphs.aggregate import AggregateRun

    rows = Rows.open(run).table()
    few, many = (songs // _RUN_SONGS for songs in _ADDED)
    aggregate_s = (_adding_s(rows, many) - _adding_s(rows, few)) / (_RUN_SONGS * (many - few))
    began_s = time.monotonic()
    runner.run(AggregateRun(Aggregation(tables.kept(run), str(priors), Grouping(), {})), (), workers)
    return max(1e-6, aggregate_s), time.monotonic() - began_s


def _adding_s(rows: pa.Table, times: int) -> float:
    """Seconds of a core that adding up so many times as many songs takes."""
    songs = pa.concat_tables([rows] * times)
    song_id = pa.array([f"{k // (len(rows) // _RUN_SONGS):016x}" for k in range(len(songs))])
    songs = songs.set_column(0, songs.schema.field("song_id"), song_id)
    began_s = time.process_time()
    for _ in tally(songs, dict.fromkeys(song_id.to_pylist(), "{}"), Grouping(), separated=False):
        pass
    return time.process_time() - began_s
