"""Finished songs separated and measured, as `mine` does, on behalf of `mixing`, which imports no separator."""

from __future__ import annotations

from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from mixprior.analysis.song_rows import SongRows
from mixprior.stats.errors import InputError

if TYPE_CHECKING:
    from mixprior.pipeline.separation.separator import SeparationSettings

LONGEST_MINUTES = 20.0


def measure_song(path: str | Path, separation: SeparationSettings | None = None) -> SongRows:
    """Measure a finished song: its rows are those that `mine` writes, byte for byte.

    Args:
        path: an audio file, which is separated with the usual model, or a folder with the stems of a song, which is
            not; local or an fsspec URL.
        separation: model and way of separating; None for the usual.

    Raises:
        InputError: if it holds no song or several, cannot be read or measured, or is to be separated and the extra
            "mine" is not installed.
    """
    from mixprior.pipeline.audio.flags import FLAGS
    from mixprior.pipeline.catalogs.catalog import open_catalog
    from mixprior.pipeline.graphs import options
    from mixprior.pipeline.separation import model_store
    from mixprior.pipeline.separation.model_digests import RememberedDigests
    from mixprior.pipeline.song import measure
    from mixprior.pipeline.store.records import SongError

    song, *others = islice(open_catalog(str(path)), 2)
    if others:
        raise InputError(f"{path} holds several songs: give one, a file or the folder of its stems")
    if not song.has_stems:
        _need_separator(path)
    find = None if song.has_stems else partial(model_store.resolve, digests=RememberedDigests())
    settings = options.settings(separation, LONGEST_MINUTES, find, is_local=True)
    flags: set[str] = set()
    try:
        table = measure.features(song, "", settings, flags=flags)
    except SongError as error:
        raise InputError(f"{path}: {error}") from error
    doubts = tuple(f"{path} {FLAGS[flag]}" for flag in sorted(flags))
    return SongRows.of_table(str(path), table, not song.has_stems, doubts)


def _need_separator(path: str | Path) -> None:
    """Refuse before the song is decoded. Raises InputError."""
    from importlib.util import find_spec

    if find_spec("torch") is None or find_spec("demucs") is None:
        raise InputError(
            f"{path} is to be separated, which needs Demucs and torch: pip install 'mixprior[mine]', or give its stems"
        )
