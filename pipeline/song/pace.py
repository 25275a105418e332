"""How fast songs are mined on this machine, and what a song leaves: from the last run, or by mining a clip."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from mixprior.pipeline.audio import writer
from mixprior.pipeline.song.miner import JOB
from mixprior.pipeline.song.pool import Answer, Pool
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import archive, files, user_cache
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.progress import Log
from mixprior.pipeline.store.records import Song
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform

_LEAST_S = 60.0
"""Seconds of audio from which on a run tells how fast it was."""

_KIND = "pace"
_LOOKED_AT = 16
_WARM_UP_S, _CLIP_S = 3.5, 11.5
"""The clip is as long as two of the steps in which HTDemucs separates: a shorter rest would cost a whole one."""


@dataclass(frozen=True)
class Pace:
    """How fast songs are mined, and what they leave.

    Attributes:
        audio_s: seconds of audio that were mined.
        elapsed_s: seconds it took.
        cpu_s: seconds of cores that the songs took.
        workers: cores that mined.
        song_rows: rows of a song.
        song_bytes: size of the file of a song's rows.
    """

    audio_s: float
    elapsed_s: float
    cpu_s: float
    workers: int
    song_rows: int
    song_bytes: int

    def hours(self, audio_s: float, workers: int) -> float:
        """Return the hours that so many cores take for so much audio.

        >>> found = Pace(audio_s=100.0, elapsed_s=50.0, cpu_s=90.0, workers=2, song_rows=7, song_bytes=30_000)
        >>> found.hours(7200.0, workers=1)
        2.0
        """
        return audio_s * self.elapsed_s / self.audio_s * self.workers / workers / 3600


def cores_at_work(workers: int, songs: int, settings: MiningSettings, has_stems: Iterable[bool]) -> int:
    """Return on how many of its cores a run mines: one that is separated uses all that no other song does.

    Args:
        workers: cores of the run.
        songs: how many are mined.
        settings: how songs are mined.
        has_stems: of each kind of song that occurs, whether they come with their stems.
    """
    return workers if settings.separate_all or not all(has_stems) else min(workers, songs)


def remembered(settings: MiningSettings, has_stems: Iterable[bool]) -> Pace | None:
    """Return the pace of the last run of such songs on this machine; None if none is known.

    Args:
        settings: how songs are mined.
        has_stems: of each kind of song that occurs, whether they come with their stems.
    """
    found = user_cache.read(_KIND, _name(settings, has_stems))
    try:
        pace = Pace(**found)
        return pace if min(asdict(pace).values()) > 0 else None
    except TypeError:
        return None


def of_run(
    folder: RunFolder, log: Log, settings: MiningSettings, has_stems: Iterable[bool], workers: int
) -> Pace | None:
    """Return the pace of a run whose songs are mined; None if it mined too little to tell.

    Args:
        folder: of the run.
        log: of its progress.
        settings: how songs are mined.
        has_stems: of each kind of song that occurs, whether they come with their stems.
        workers: cores of the run.
    """
    if log.audio_s < _LEAST_S or log.work.started_s is None:
        return None
    mined = [note.song_id for note in log.notes.values() if note.audio_s]
    for key in map(settings.feature_key, has_stems):
        found = _rows_of_a_song(folder, key, mined[-_LOOKED_AT:])
        if found is not None:
            elapsed_s = log.work.finished_s - log.work.started_s
            cores = cores_at_work(workers, len(mined), settings, has_stems)
            return Pace(log.audio_s, elapsed_s, log.cpu_s, cores, *found)
    return None


def _rows_of_a_song(folder: RunFolder, key: str, song_ids: Sequence[str]) -> tuple[int, int] | None:
    """Rows of a song, and bytes of them: of one of these songs, or of the mean one of the last part."""
    for path in (folder.features(key, song_id) for song_id in song_ids):
        with suppress(OSError, ValueError):
            content = files.read_bytes(path)
            return pq.read_metadata(io.BytesIO(content)).num_rows, len(content)
    for path in archive.parts(folder, key)[-1:]:
        with suppress(OSError, ValueError), files.opened(path) as file:
            songs = len(archive.songs_in(path, key)[0])
            if songs:
                return pq.read_metadata(file).num_rows // songs, files.size_bytes(path) // songs
    return None


def remember(pace: Pace, settings: MiningSettings, has_stems: Iterable[bool]) -> None:
    """Keep the pace of a run for the next; arguments are those of `remembered`."""
    user_cache.write(_KIND, _name(settings, has_stems), asdict(pace))


def measured(settings: MiningSettings, has_stems: bool) -> Pace:
    """Mine a generated clip in a child process, once it has loaded all that it needs.

    Args:
        settings: how songs are mined.
        has_stems: whether the clip comes with its stems, or is separated.

    Raises:
        SongError: if it cannot be mined.
        InputError: if the separation model cannot be had.
    """
    [[answer]] = clips(settings, has_stems, [_CLIP_S])
    rows = pq.read_metadata(io.BytesIO(answer.content)).num_rows
    audio_s, mined_s, cpu_s = (answer.facts[name] for name in ("duration_s", "mined_s", "cpu_s"))
    return Pace(audio_s, mined_s, cpu_s, 1, rows, len(answer.content))


def clips(
    settings: MiningSettings, has_stems: bool, durations_s: Iterable[float], at_once: int = 1
) -> list[list[Answer]]:
    """Mine generated clips in child processes that have loaded all that they need.

    Args:
        settings: how songs are mined.
        has_stems: whether they come with their stems, or are separated.
        durations_s: their lengths.
        at_once: clips of each length that are mined at the same time.

    Returns:
        For each length, what each child says of its clip.

    Raises:
        SongError: if one cannot be mined.
        InputError: if the separation model cannot be had.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder, Pool(at_once) as pool:
        for k, duration_s in enumerate((_WARM_UP_S, *durations_s)):
            clip = write_clip(Path(folder) / str(k), duration_s, has_stems)
            jobs = [pool.submit(JOB, clip, "0" * 16, settings, limits=settings.time_limits) for _ in range(at_once)]
            found.append([job.result() for job in jobs])
    return found[1:]


def write_clip(folder: Path, duration_s: float, has_stems: bool) -> Song:
    """Write a generated song of such a length into a new folder, with stems or as one file."""
    folder.mkdir()
    stems = perform(replace(SCORES[0], duration_s=duration_s))
    if not has_stems:
        mixture: np.ndarray = np.sum(list(stems.values()), axis=0)
        writer.write(folder / "mix.wav", mixture, RATE_HZ, writer.UNCLIPPED)
        return Song(str(folder / "mix.wav"))
    for name, audio in stems.items():
        writer.write(folder / f"{name}.wav", audio, RATE_HZ, writer.UNCLIPPED)
    return Song(str(folder), tuple((name, str(folder / f"{name}.wav")) for name in sorted(stems)))


def _name(settings: MiningSettings, has_stems: Iterable[bool]) -> str:
    """What the pace depends on: how songs are mined, and on what."""
    keys = [settings.feature_key(each) for each in sorted(set(has_stems))]
    return hashlib.sha256(" ".join([settings.separation.device, *keys]).encode()).hexdigest()[:16]
