"""What mining takes on a machine, as it was measured there: by the song, by the second of audio, and for the run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from mixprior.pipeline.song import pace
from mixprior.pipeline.song.pace import Pace
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import user_cache

SEPARATED, WITH_STEMS = "separated", "with stems"
_KIND = "plan"


@dataclass(frozen=True)
class PerSong:
    """What a song takes on one core.

    Attributes:
        song_s: seconds of a core for each song, however short.
        audio_s: seconds of a core for each second of audio.
        gpu_s: seconds of a GPU for each second of audio; 0 where none is used.
        rows: that a song leaves.
        size_bytes: of the file of these rows.
        by: how it was measured.
    """

    song_s: float
    audio_s: float
    gpu_s: float
    rows: int
    size_bytes: int
    by: str

    def pace(self, audio_s: float = 240.0) -> Pace:
        """Return the pace at which one core, with a GPU if one is used, mines songs of such a length."""
        return Pace(audio_s, self.song_s + (self.audio_s + self.gpu_s) * audio_s, 1, self.rows, self.size_bytes)


@dataclass(frozen=True)
class Overhead:
    """What a run takes besides its songs, with so many workers.

    Attributes:
        workers: processes that mined.
        wall_s: seconds of the clock besides those in which songs are mined.
        cpu_s: seconds of all cores for it.
        factor: times that a core takes as long for a song as alone.
        share: of a core that a worker's songs got; the rest was lost to others on the machine, or between songs.
    """

    workers: int
    wall_s: float
    cpu_s: float
    factor: float
    share: float = 1.0


@dataclass(frozen=True)
class Constants:
    """What mining takes on a machine.

    Attributes:
        machine: which.
        cores: of it.
        measured: date, ISO 8601.
        load: load average before they were measured: what others took.
        songs: by the kind of songs, `SEPARATED` or `WITH_STEMS`.
        engines: by name: what a run takes with one worker, and with a worker for each core.
        table_s: seconds that a song takes in the one process that lists songs and writes their table.
        table_bytes: bytes of a song in this table.
        aggregate_s: seconds of a core that the rows of a song take to become priors.
        graph_s: seconds that a graph takes to start worker processes and end, whatever it does.
        is_reference: whether this is another machine, whose constants come with the program.
    """

    machine: str
    cores: int
    measured: str
    load: float
    songs: Mapping[str, PerSong]
    engines: Mapping[str, tuple[Overhead, ...]]
    table_s: float
    table_bytes: float
    aggregate_s: float
    graph_s: float
    is_reference: bool = field(default=False, compare=False)

    def overhead(self, engine: str, workers: int) -> Overhead:
        """Return what a run takes with so many workers: between those measured in proportion, beyond as the last.

        More workers than were measured are on other machines, which are taken for idle otherwise.
        """
        known = self.engines[engine]
        at = [each.workers for each in known]
        values = [
            float(np.interp(workers, at, [getattr(each, name) for each in known]))
            for name in ("wall_s", "cpu_s", "factor", "share")
        ]
        found = Overhead(workers, *values)
        return found if workers <= max(at) else replace(found, share=1.0)

    def text(self) -> str:
        """Return them for people."""
        where = "another machine" if self.is_reference else "this machine"
        lines = [f"constants: measured on {where} ({self.machine}), {self.measured}, load {self.load:.1f}"]
        for kind, each in self.songs.items():
            gpu = f" and {each.gpu_s:.3g} s of a GPU" if each.gpu_s else ""
            lines.append(
                f"  a song {kind}: {each.song_s:.3g} s of a core, and for each second of audio "
                f"{each.audio_s:.3g} s{gpu}; {each.rows} rows, {each.size_bytes} bytes ({each.by})"
            )
        for engine, known in self.engines.items():
            words = (
                f"{each.wall_s:.1f} s with {each.workers} worker(s), songs {each.factor:.2f} times as long "
                f"in {100 * each.share:.0f} % of a core"
                for each in known
            )
            lines.append(f"  a run, {engine}: {'; '.join(words)}")
        lines.append(
            f"  a song in its table: {1e6 * self.table_s:.0f} us in one process; "
            f"in the priors: {1e6 * self.aggregate_s:.0f} us of a core"
        )
        return "\n".join(lines)


def read(settings: MiningSettings) -> Constants | None:
    """Return the constants of this machine; None where they were not measured.

    Args:
        settings: how songs are mined.
    """
    found = user_cache.read(_KIND, _name(settings))
    try:
        return parsed(found)
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def keep(constants: Constants, settings: MiningSettings) -> None:
    """Keep the constants of this machine for other calls; `settings` as of `read`."""
    document = asdict(constants)
    del document["is_reference"]
    user_cache.write(_KIND, _name(settings), document)


def completed(own: Constants | None, reference: Constants, settings: MiningSettings) -> Constants:
    """Return the constants of this machine, with those of another where it has none.

    Args:
        own: as they were measured; None where they were not: then the last runs of `mine` tell what a song takes.
        reference: of another machine.
        settings: how songs are mined.
    """
    if own is not None:
        return replace(own, songs={**reference.songs, **own.songs}, engines={**reference.engines, **own.engines})
    last = {kind: pace.remembered(settings, [kind == WITH_STEMS]) for kind in reference.songs}
    songs = {kind: _of_pace(found) for kind, found in last.items() if found is not None}
    return replace(reference, songs={**reference.songs, **songs})


def _of_pace(found: Pace) -> PerSong:
    audio_s = found.elapsed_s * found.workers / found.audio_s
    return PerSong(0.0, audio_s, 0.0, found.song_rows, found.song_bytes, "the last run on this machine")


def parsed(document: Mapping[str, Any]) -> Constants:
    """Return the constants that `keep` wrote. Raises TypeError, ValueError, KeyError or AttributeError for others."""
    songs = {kind: PerSong(**each) for kind, each in document["songs"].items()}
    engines = {name: tuple(Overhead(**each) for each in known) for name, known in document["engines"].items()}
    return Constants(**{**document, "songs": songs, "engines": engines})


def _name(settings: MiningSettings) -> str:
    own = settings.separation
    facts = f"{own.model} {own.weights_sha256} {own.precision} {own.overlap} {own.device}"
    return hashlib.sha256(facts.encode()).hexdigest()[:16]
