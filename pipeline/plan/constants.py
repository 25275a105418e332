"""What mining takes on a machine, as it was measured there: by the song, by the second of audio, and for the run."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.pipeline.song import pace
from mixprior.pipeline.song.cores import usable_cores
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
        cpu_s = self.song_s + self.audio_s * audio_s
        return Pace(audio_s, cpu_s + self.gpu_s * audio_s, cpu_s, 1, self.rows, self.size_bytes)


@dataclass(frozen=True)
class Overhead:
    """What a run takes besides its songs, with so many workers.

    Attributes:
        workers: processes that mined.
        wall_s: seconds of the clock besides those that the songs take: a run over songs of no length.
        cpu_s: seconds of all cores for it.
        factor: times that a core takes as long for a song as alone.
        share: of a core that a worker's songs got; the rest was lost to others on the machine.
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
        """Return what a run takes with so many workers: between those measured in proportion.

        More workers than were measured are on other machines, which are taken for idle otherwise. They start at the
        same time as the last that was measured, and each takes as much of a core to start as that one did.
        """
        known = self.engines[engine]
        at = [each.workers for each in known]
        values = [
            float(np.interp(workers, at, [getattr(each, name) for each in known]))
            for name in ("wall_s", "cpu_s", "factor", "share")
        ]
        found = Overhead(workers, *values)
        if workers <= max(at):
            return found
        each_s = (known[-1].cpu_s - known[0].cpu_s) / (at[-1] - at[0]) if len(known) > 1 else 0.0
        return replace(found, share=1.0, cpu_s=found.cpu_s + max(0.0, each_s) * (workers - at[-1]))

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

    Those of songs that are separated are of one model and way of separating; all others are of the machine.

    Args:
        settings: how songs are mined.
    """
    try:
        found = parsed(user_cache.read(_KIND, _name()))
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
    with suppress(TypeError, KeyError, AttributeError):
        own = user_cache.read(_KIND, _name(settings))
        separated = PerSong(**own["song"])  # type: ignore[index]
        if own["measured"] != found.measured:  # type: ignore[index]
            separated = replace(separated, by=f"{separated.by}, {own['measured']}")  # type: ignore[index]
        found = replace(found, songs={SEPARATED: separated, **found.songs})
    return found


def keep(constants: Constants, settings: MiningSettings) -> None:
    """Keep the constants of this machine for other calls; `settings` as of `read`."""
    document = asdict(constants)
    del document["is_reference"]
    separated = document["songs"].pop(SEPARATED, None)
    user_cache.write(_KIND, _name(), document)
    if separated is not None:
        user_cache.write(_KIND, _name(settings), {"song": separated, "measured": constants.measured})


def completed(own: Constants | None, reference: Constants, settings: MiningSettings) -> Constants:
    """Return the constants of this machine, with those of another where it has none.

    Args:
        own: as they were measured; None where they were not. What songs that were not measured take is
            read from the last runs of `mine`.
        reference: of another machine.
        settings: how songs are mined.
    """
    last = {kind: pace.remembered(settings, [kind == WITH_STEMS]) for kind in reference.songs}
    on_gpu = {SEPARATED} if settings.separation.device != "cpu" else set()
    songs = {kind: _of_pace(found, kind in on_gpu) for kind, found in last.items() if found is not None}
    songs = {**reference.songs, **songs}
    if own is None:
        return replace(reference, songs=songs)
    return replace(own, songs={**songs, **own.songs}, engines={**reference.engines, **own.engines})


def _of_pace(found: Pace, on_gpu: bool) -> PerSong:
    """What a song took of the cores. A GPU is taken to have separated for as long as the run lasted."""
    gpu_s = found.elapsed_s / found.audio_s if on_gpu else 0.0
    by = "the last run on this machine"
    return PerSong(0.0, found.cpu_s / found.audio_s, gpu_s, found.song_rows, found.song_bytes, by)


def parsed(document: Mapping[str, Any]) -> Constants:
    """Return the constants that `keep` wrote. Raises TypeError, ValueError, KeyError or AttributeError for others."""
    songs = {kind: PerSong(**each) for kind, each in document["songs"].items()}
    engines = {name: tuple(Overhead(**each) for each in known) for name, known in document["engines"].items()}
    return Constants(**{**document, "songs": songs, "engines": engines})


def machine() -> str:
    """Return the processor of this machine, and the cores of it that may be used."""
    name = platform.processor() or platform.machine()
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    found = re.search(r"^model name\s*: *(.+?) *$", text, re.MULTILINE)
    return f"{usable_cores()} cores, {found[1] if found else name}"


def _name(settings: MiningSettings | None = None) -> str:
    """What constants are kept under: the machine and, of songs that are separated, how they are."""
    facts = machine()
    if settings is not None:
        own = settings.separation
        facts += f" {own.model} {own.weights_sha256} {own.precision} {own.overlap} {own.device}"
    return hashlib.sha256(facts.encode()).hexdigest()[:16]
