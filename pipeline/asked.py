"""What a call of `mine` is asked for: songs, the folder of the run, how songs are grouped and how they are measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from mixprior.pipeline.aggregate import check_calibration, check_groups, grouping_of
from mixprior.pipeline.graphs import beam_options as beam
from mixprior.pipeline.graphs import options
from mixprior.stats.errors import InputError
from mixprior.stats.priors.grouping import MIN_GROUP

if TYPE_CHECKING:
    from mixprior.pipeline.separation.separator import SeparationSettings
    from mixprior.pipeline.song.settings import MiningSettings
    from mixprior.pipeline.store.layout import RunFolder
    from mixprior.pipeline.store.song_list import SongList
    from mixprior.stats.priors.tally import Grouping


@dataclass(frozen=True)
class Asked:
    """What is to be mined, and how. Make one with `Asked.of`.

    Attributes:
        songs: of the catalog.
        folder: of the run, as this call sees it.
        grouping: how songs are grouped and corrected.
        settings: how songs are measured.
    """

    songs: SongList
    folder: RunFolder
    grouping: Grouping
    settings: MiningSettings

    @classmethod
    def of(
        cls,
        catalog: str | Path | Sequence[str | Path],
        output: str | Path,
        *,
        group_by: Sequence[str] = (),
        min_group: int = MIN_GROUP,
        calibration: str | Path | None = None,
        separation: SeparationSettings | None = None,
        max_minutes: float = 20.0,
        limit: int | None = None,
        rehash: bool = False,
        beam_options: Sequence[str] = (),
    ) -> Asked:
        """List the songs, fetch the model, and check that all fits, before any work is done. Arguments as of `mine`.

        Raises:
            InputError: if the catalog or an option does not fit, the model cannot be had, or the output cannot be
                written.
        """
        from mixprior.pipeline.audio import tags
        from mixprior.pipeline.store import files, stray
        from mixprior.pipeline.store.layout import RunFolder

        songs = songs_of(catalog, limit)
        folder = RunFolder.at(output).mining(songs.content, stray.name())
        grouping = grouping_of(group_by, min_group, calibration)
        check_groups(grouping, songs.columns | tags.KEYS.keys())
        files.need_writable(folder.root)
        settings = settings_for(songs, folder, separation, max_minutes, rehash, beam_options)
        if False in songs.has_stems:
            check_calibration(grouping, settings.provenance(has_stems=False))
        return cls(songs, folder, grouping, settings)


def songs_of(catalog: str | Path | Sequence[str | Path], limit: int | None) -> SongList:
    """Return the first songs of a catalog, or of several.

    Raises:
        InputError: if a catalog cannot be read, or the limit is below 1.
    """
    from mixprior.pipeline.catalogs.catalog import open_catalogs
    from mixprior.pipeline.store.song_list import SongList

    if limit is not None and limit < 1:
        raise InputError("--limit takes a number from 1")
    return SongList.of(islice(open_catalogs(catalog), limit))


def settings_for(
    songs: SongList,
    folder: RunFolder,
    separation: SeparationSettings | None,
    max_minutes: float,
    rehash: bool,
    beam_options: Sequence[str],
    fetch: bool = True,
) -> MiningSettings:
    """Return how songs are measured; digests of songs that this machine reads are kept.

    Args:
        songs: to measure.
        folder: of the run.
        separation: model and way of separating; None for the usual.
        max_minutes: longer songs fail.
        rehash: read every song again, even if its file looks as it was.
        beam_options: Beam's own.
        fetch: the model, if it is not here.

    Raises:
        InputError: if the model cannot be had, or an option is out of range.
    """
    from mixprior.pipeline.separation import model_store
    from mixprior.pipeline.separation.model_digests import RememberedDigests

    separates = False in songs.has_stems
    is_local = beam.is_local(beam_options)
    find = partial(model_store.resolve if fetch else model_store.find, digests=RememberedDigests())
    settings = options.settings(separation, max_minutes, find if separates else None, is_local)
    return replace(settings, digests=folder.root, rehash=rehash) if is_local else settings
