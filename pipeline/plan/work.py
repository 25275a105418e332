"""The songs of a plan: those of a catalog by their headers and sizes, or so many of a length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mixprior.pipeline import estimate
from mixprior.pipeline.audio import decode
from mixprior.pipeline.catalogs.catalog import open_catalogs
from mixprior.pipeline.plan.constants import SEPARATED, WITH_STEMS
from mixprior.pipeline.plan.forecast import Work, lengths_like
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import sources
from mixprior.pipeline.store.ledger import Found
from mixprior.stats.errors import InputError


def of_catalog(catalog: str | Path | Sequence[str | Path], settings: MiningSettings) -> Work:
    """Return the work that a catalog is: a song is as long for its size as those are whose headers are read.

    Args:
        catalog: as `mixprior.pipeline.mine.mine` takes it.
        settings: how they are mined.

    Raises:
        InputError: if there are none, or no header tells a length.
    """
    by_kind: dict[str, list[Found]] = {}
    for song in open_catalogs(catalog):
        size_bytes = sum(map(sources.size_bytes, decode.files_of(song)))
        by_kind.setdefault(WITH_STEMS if song.has_stems else SEPARATED, []).append(Found(song, size_bytes))
    if not by_kind:
        raise InputError("the catalog holds no song to plan for")
    lengths = {}
    for kind, found in sorted(by_kind.items()):
        audio_s = estimate.audio_s(found, settings)
        if audio_s is None:
            raise InputError("no song of the catalog tells its length: give --songs and --minutes in place of it")
        size = np.array([each.size_bytes for each in found], float)
        shares = size / size.sum() if size.sum() else np.full(len(found), 1 / len(found))
        lengths[kind] = audio_s * shares
    sizes = [each.size_bytes for found in by_kind.values() for each in found]
    counts = {kind: len(found) for kind, found in by_kind.items()}
    return Work(lengths, counts, float(sum(sizes)) if all(sizes) else None)  # of a remote file no size is asked for


def like(songs: int, minutes: float, kbit_per_s: float, with_stems: bool) -> Work:
    """Return the work that so many songs are.

    Args:
        songs: how many.
        minutes: their mean length.
        kbit_per_s: of their files.
        with_stems: whether they come with stems.
    """
    kind = WITH_STEMS if with_stems else SEPARATED
    return Work({kind: lengths_like(minutes, songs)}, {kind: songs}, songs * 60 * minutes * kbit_per_s * 125)
