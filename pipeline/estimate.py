"""What mining songs would take and leave: hours, disk and rows, before any of them is mined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mixprior.pipeline.audio import decode
from mixprior.pipeline.plan import constants
from mixprior.pipeline.plan.constants import SEPARATED, WITH_STEMS
from mixprior.pipeline.song import pace
from mixprior.pipeline.song.pace import Pace
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store.ledger import Found
from mixprior.pipeline.store.records import Song, SongError
from mixprior.pipeline.store.workload import Workload
from mixprior.stats.errors import InputError

LAST_RUN, MEASURED = "the last run on this machine", "what `mixprior plan --measure` measured on this machine"
CLIP = "a clip that was mined just now"
_OPENED = 64
"""Songs whose headers are read; the others are as long for their size."""


@dataclass(frozen=True)
class Estimate:
    """What mining songs would take and leave.

    Attributes:
        audio_hours: length of the songs; None where their headers do not tell.
        hours: that it takes; None where that is not known.
        workers: cores that mine.
        rows: of features.
        disk_bytes: size of their files.
        by: what it follows from: `LAST_RUN`, `MEASURED` or `CLIP`.
    """

    audio_hours: float | None
    hours: float | None
    workers: int
    rows: int
    disk_bytes: int
    by: str

    def text(self) -> str:
        """Return it for people."""
        length = "an unknown length" if self.audio_hours is None else f"{self.audio_hours:.2f} h"
        time = "unknown time" if self.hours is None else _duration(self.hours)
        return (
            f"to mine: {length} of audio in {time} on {self.workers} cores, {self.rows} rows, "
            f"{self.disk_bytes / 1e6:.1f} MB; by {self.by}"
        )


def of(found: Sequence[Found], settings: MiningSettings, workers: int) -> Estimate | None:
    """Estimate what mining songs takes; mine a clip where neither a run nor `plan` told it, which takes ten seconds.

    Args:
        found: the songs, with their sizes.
        settings: how they are mined.
        workers: cores of the run.

    Returns:
        None where nothing is to be mined, or the pace is not known: the model is not on this machine, or fails.
    """
    kinds = sorted({each.song.has_stems for each in found})
    if not kinds:
        return None
    known, by = pace.remembered(settings, kinds), LAST_RUN
    if known is None:
        known, by = _by_plan(settings, kinds), MEASURED
    if known is None:
        known, by = _measured(settings, kinds), CLIP
    if known is None:
        return None
    seconds = audio_s(found, settings)
    workers = pace.cores_at_work(workers, len(found), settings, kinds)
    return Estimate(
        None if seconds is None else round(seconds / 3600, 4),
        None if seconds is None else round(known.hours(seconds, workers), 6),  # a second is 0.0003 h
        workers,
        known.song_rows * len(found),
        known.song_bytes * len(found),
        by,
    )


def audio_s(found: Sequence[Found], settings: MiningSettings) -> float | None:
    """Estimate the length of songs, by the headers of some of them; None where those tell none.

    Args:
        found: the songs, with their sizes.
        settings: how they are mined.
    """
    opened = set(range(0, len(found), max(1, len(found) // _OPENED)))
    work, known_s = Workload(), 0.0
    for k, each in enumerate(found):
        declared_s = _declared_s(each.song, settings) if k in opened else None
        work.expect(each.song.path, each.size_bytes, 0.0)
        if declared_s is not None:
            work.finish(each.song.path, each.size_bytes, declared_s, 0.0)
            known_s += declared_s
    left_s = work.audio_left_s(unread=0)
    return None if left_s is None else known_s + left_s


def _declared_s(song: Song, settings: MiningSettings) -> float | None:
    try:
        return decode.declared_s(song, settings.limits)
    except (SongError, InputError):  # it would be a failure
        return None


def _by_plan(settings: MiningSettings, kinds: Sequence[bool]) -> Pace | None:
    known = constants.read(settings)
    kind = SEPARATED if not all(kinds) or settings.separate_all else WITH_STEMS
    return known.songs[kind].pace() if known is not None and kind in known.songs else None


def _measured(settings: MiningSettings, kinds: Sequence[bool]) -> Pace | None:
    separates = not all(kinds) or settings.separate_all
    if separates and not settings.separation.weights_sha256:
        return None  # it would have to be fetched
    try:
        return pace.measured(settings, not separates)
    except (SongError, InputError):
        return None


def _duration(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1.5 else f"{60 * hours:.1f} min"
