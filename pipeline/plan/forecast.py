"""What mining so many songs with so many workers takes, by constants and a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixprior.pipeline.plan.constants import Constants
from mixprior.pipeline.plan.simulation import Troubles, simulate
from mixprior.pipeline.store.aggregation import adders
from mixprior.pipeline.store.packing import packed_songs, songs_a_part

BUNDLES_A_WORKER: Mapping[str, int] = {"local": 0, "dask": 8}
"""Bundles that an engine deals songs to, for each worker; 0 if each worker takes song after song."""

_MOST_PIECES = 50_000
_SPREAD = 0.3
"""Standard deviation of the logarithm of songs' lengths, where these are not known."""


@dataclass(frozen=True)
class Work:
    """Songs to be mined.

    Attributes:
        songs: by kind, `constants.SEPARATED` or `WITH_STEMS`: lengths in seconds, float64, shape (songs,), or of some
            of them that stand for all.
        count: by kind, how many.
        size_bytes: of their files; None where it is not known.
    """

    songs: Mapping[str, np.ndarray]
    count: Mapping[str, int]
    size_bytes: float | None

    @property
    def audio_s(self) -> float:
        """Length of all."""
        return sum(float(lengths_s.mean()) * self.count[kind] for kind, lengths_s in self.songs.items())


@dataclass(frozen=True)
class Fleet:
    """What mines.

    Attributes:
        engine: "local" or "dask"; the latter stands for every engine that deals bundles of songs.
        workers: processes that mine; with GPUs, one for each.
        cores: of a worker, which decode and measure while its GPU separates; 1 without.
        price_per_hour: of a worker; None where it is not known.
        bundles: that songs are dealt to, for each worker; None for those of the engine.
    """

    engine: str
    workers: int
    cores: int = 1
    price_per_hour: float | None = None
    bundles: int | None = None


@dataclass(frozen=True)
class Forecast:
    """What mining takes.

    Attributes:
        songs: to mine.
        audio_hours: their length.
        engine: what deals them to workers.
        workers: processes that mine.
        wall_days: from the command's start to its end: least, median and greatest of the simulated runs.
        cpu_hours: of a core, all together.
        gpu_hours: of a GPU, all together.
        paid_hours: of workers, from the start to the end.
        lost_hours: of workers, in what was lost and without a worker.
        preemptions: workers that were taken away.
        read_bytes: of songs: once to name them by their content, and on engines once more to mine them. None where
            their sizes are not known, as those of remote files.
        written_bytes: rows as songs are finished, then in parts of thousands, and the table of songs.
        kept_bytes: that are left at the end, at most.
        read_mb_per_s: what the store of the songs must give for it; None where that is not known.
        price: of the paid hours; None where no price of an hour is known.
        troubles: what goes wrong, in the simulation.
        seed: of the simulation.
        constants: what it follows from.
    """

    songs: int
    audio_hours: float
    engine: str
    workers: int
    wall_days: tuple[float, float, float]
    cpu_hours: float
    gpu_hours: float
    paid_hours: float
    lost_hours: float
    preemptions: int
    read_bytes: int | None
    written_bytes: int
    kept_bytes: int
    read_mb_per_s: float | None
    price: float | None
    troubles: Troubles
    seed: int
    constants: Constants

    @property
    def wall_s(self) -> float:
        """Seconds from the command's start to its end, a median."""
        return 86400 * self.wall_days[1]

    def text(self) -> str:
        """Return it for people."""
        gpu = f", {_number(self.gpu_hours)} GPU hours" if self.gpu_hours else ""
        least, median, most = (duration(each) for each in self.wall_days)
        rate = "" if self.read_mb_per_s is None else f" ({self.read_mb_per_s:.3g} MB/s)"
        lines = [
            f"{self.songs} songs, {_number(self.audio_hours)} h of audio, {self.workers} workers ({self.engine}): "
            f"{median} ({least} to {most} in simulated runs)",
            f"{_number(self.cpu_hours)} CPU hours{gpu}; {_number(self.paid_hours)} worker hours, of which "
            f"{_number(self.lost_hours)} are lost in starts, {self.preemptions} preemptions and songs mined twice",
            f"read {size(self.read_bytes)}{rate}, write {size(self.written_bytes)}, keep {size(self.kept_bytes)}",
        ]
        if self.price is not None:
            lines.append(f"price: {self.price:,.2f}, in the unit of --price-per-hour")
        lines += [f"simulated, seed {self.seed}: {self.troubles.text()}", self.constants.text()]
        return "\n".join(lines)


def forecast(work: Work, fleet: Fleet, constants: Constants, troubles: Troubles, seed: int = 0) -> Forecast:
    """Return what mining takes.

    Args:
        work: the songs.
        fleet: what mines.
        constants: measured on a machine like those of the fleet.
        troubles: what goes wrong.
        seed: of the simulation.
    """
    songs, is_here = sum(work.count.values()), fleet.engine == "local"
    extra = constants.overhead(fleet.engine, fleet.workers)
    cpu_s, gpu_s, service_s, each = _services(
        work, fleet, constants, extra.factor, np.random.default_rng([seed, songs])
    )
    bundles = fleet.workers * (fleet.bundles or BUNDLES_A_WORKER[fleet.engine])
    mined = simulate(service_s / extra.share, fleet.workers, troubles, bundles=bundles, songs_each=each, seed=seed)
    table_s = constants.table_s * songs
    adding_s = constants.aggregate_s * songs
    processes = adders(songs, fleet.workers)
    # On an engine a graph adds up a few rows, too: it is in what any run takes.
    graph_s = constants.graph_s if processes > 1 and is_here else 0.0
    serial_s = extra.wall_s + table_s + adding_s / processes + graph_s
    wall_s = [serial_s + each for each in mined.wall_s]
    part_songs, packers = songs_a_part(songs, is_here), 1 if is_here else fleet.workers
    rows_bytes = packed_bytes = 0
    for kind, count in work.count.items():
        rows_bytes += constants.songs[kind].size_bytes * count
        packed_bytes += constants.songs[kind].size_bytes * packed_songs(count, part_songs, packers, is_here)
    table_bytes = constants.table_bytes * songs
    read_bytes = None if work.size_bytes is None else work.size_bytes * (1 if is_here else 2)
    return Forecast(
        songs=songs,
        audio_hours=round(work.audio_s / 3600, 4),
        engine=fleet.engine,
        workers=fleet.workers,
        wall_days=(wall_s[0] / 86400, wall_s[1] / 86400, wall_s[2] / 86400),
        cpu_hours=(cpu_s + extra.cpu_s + table_s + adding_s) / 3600,
        gpu_hours=gpu_s / 3600,
        paid_hours=fleet.workers * wall_s[1] / 3600,
        lost_hours=mined.lost_s / 3600,
        preemptions=mined.preemptions,
        read_bytes=None if read_bytes is None else round(read_bytes),
        written_bytes=round(rows_bytes + packed_bytes + table_bytes),
        kept_bytes=round(rows_bytes + table_bytes),
        read_mb_per_s=None if read_bytes is None else read_bytes / 1e6 / wall_s[1],
        price=None if fleet.price_per_hour is None else fleet.workers * wall_s[1] / 3600 * fleet.price_per_hour,
        troubles=troubles,
        seed=seed,
        constants=constants,
    )


def _services(
    work: Work, fleet: Fleet, constants: Constants, factor: float, rng: np.random.Generator
) -> tuple[float, float, np.ndarray, float]:
    """Seconds of cores, of GPUs, and of a worker for each song or several; how many songs these are."""
    songs, cpu_s, gpu_s, found = sum(work.count.values()), 0.0, 0.0, []
    each = max(1.0, songs / _MOST_PIECES)
    for kind, lengths_s in work.songs.items():
        per_song, count = constants.songs[kind], work.count[kind]
        pieces_s = _pieces(lengths_s, count, max(1, round(count / each)), rng)
        pieces_cpu_s = factor * (per_song.song_s * count / len(pieces_s) + per_song.audio_s * pieces_s)
        pieces_gpu_s = per_song.gpu_s * pieces_s
        cpu_s, gpu_s = cpu_s + float(pieces_cpu_s.sum()), gpu_s + float(pieces_gpu_s.sum())
        # Its cores decode and measure other songs while the GPU separates one.
        found.append(np.maximum(pieces_cpu_s / (fleet.cores if per_song.gpu_s else 1), pieces_gpu_s))
    return cpu_s, gpu_s, np.concatenate(found), each


def _pieces(lengths_s: np.ndarray, count: int, pieces: int, rng: np.random.Generator) -> np.ndarray:
    """Lengths of so many songs, or sums of them over pieces of as many songs."""
    if pieces == count == len(lengths_s):
        return lengths_s
    each = count / pieces
    mean_s, deviation_s = float(lengths_s.mean()), float(lengths_s.std())
    if each > 1.0:  # a sum of many is nearly normal
        return np.maximum(rng.normal(mean_s * each, deviation_s * np.sqrt(each), pieces), 0.1 * mean_s * each)
    return rng.choice(lengths_s, pieces)


def lengths_like(minutes: float, songs: int, seed: int = 0) -> np.ndarray:
    """Lengths of songs, in seconds, of which only the mean is known; shape (songs,), or fewer that stand for all.

    >>> round(float(lengths_like(4.0, 1_000_000).mean()))
    240
    """
    spread = np.exp(np.random.default_rng(seed).normal(0.0, _SPREAD, min(songs, _MOST_PIECES)))
    return 60 * minutes * spread / spread.mean()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def duration(days: float) -> str:
    """Return a time for people.

    >>> duration(0.25), duration(3.0)
    ('6.0 h', '3.0 days')
    """
    for unit, each in (("days", 1.0), ("h", 24.0), ("min", 1440.0)):
        if days * each >= 1.5:
            return f"{days * each:,.1f} {unit}"
    return f"{days * 86400:.1f} s"


def size(size_bytes: float | None) -> str:
    """Return a number of bytes for people.

    >>> size(3.2e12), size(None)
    ('3.2 TB', 'an unknown size')
    """
    if size_bytes is None:
        return "an unknown size"
    for unit, each in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= each:
            return f"{size_bytes / each:.1f} {unit}"
    return f"{size_bytes / 1e3:.1f} kB"
