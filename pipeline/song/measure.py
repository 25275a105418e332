"""One song from file to table, in this process: the direct computation that the Beam graph must equal."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from mixprior.pipeline.audio import decode
from mixprior.pipeline.separation import separator
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store.records import InputError, Song, SongError
from mixprior.stats import registry
from mixprior.stats.statistic import MIXTURE, SAMPLE_RATE_HZ
from mixprior.stats.stem import StemSet

Entering = Callable[[str, float | None], None]
"""Called when a stage begins ("decode", "separate", "measure"), with the song's length in seconds where it is known."""


def _ignore(_stage: str, _duration_s: float | None) -> None: ...


def load(song: Song, settings: MiningSettings, entering: Entering = _ignore, flags: set[str] | None = None) -> StemSet:
    """Decode a song and separate it, unless its stems are in the catalog (and the settings take them).

    Args:
        song: the song.
        settings: how it is mined.
        entering: called when a stage begins.
        flags: takes what may be wrong with it, as `mixprior.pipeline.audio.flags.FLAGS` has it.

    Raises:
        SongError: if it cannot be read, decoded or separated; the error names the stage.
    """
    entering("decode", None)
    if song.has_stems:
        known = StemSet(*decode.decode_stems(song, settings.limits, flags))
        if not settings.separate_all:
            return known
        mixture = known[MIXTURE].audio
    else:
        mixture = decode.decode_mixture(song, settings.limits, flags)
    entering("separate", mixture.shape[1] / SAMPLE_RATE_HZ)
    return StemSet(separator.load(settings.separation).separate(mixture), mixture)


def features(
    song: Song,
    song_id: str,
    settings: MiningSettings,
    entering: Entering = _ignore,
    flags: set[str] | None = None,
) -> pa.Table:
    """Measure a song and return its table, as `mixprior.stats.registry.FEATURES_SCHEMA` has it.

    Args:
        song: the song.
        song_id: what it is called.
        settings: how it is mined.
        entering: called when a stage begins.
        flags: takes what may be wrong with it.

    Raises:
        SongError: if it cannot be mined; the error names the stage.
        InputError: if the separation model cannot be had.
    """
    try:
        stems = load(song, settings, entering, flags)
        entering("measure", stems.duration_s)
        rows = registry.measure(stems)
    except (SongError, InputError):
        raise
    except Exception as error:
        # A song nobody foresaw is a failed song, not the end of the run.
        raise SongError("measure", f"unexpected {type(error).__name__}: {error}") from error
    return registry.to_table(song_id, rows, settings.feature_key(song.has_stems))
