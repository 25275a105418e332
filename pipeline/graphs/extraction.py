"""Extraction: in this process, song by song, or by the Beam graph where Beam's options are given. The same steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from mixprior.pipeline.graphs import runner
from mixprior.pipeline.graphs.beam_options import is_dask, is_local
from mixprior.pipeline.song import shared_pool, stream
from mixprior.pipeline.song.miner import Way
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import files, packing, progress, songs
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.song_list import SongList


def extract_songs(
    catalog: RunFolder,
    found: SongList,
    ways: Sequence[tuple[RunFolder, MiningSettings]],
    *,
    force: bool,
    retry_failed: bool,
    workers: int,
    beam_options: Sequence[str],
    tick: Callable[[], None],
) -> None:
    """Measure songs, each in one way or several, and write their rows and the tables of songs.

    Args:
        catalog: folder that keeps the list of the songs, named by this list.
        found: the songs.
        ways: for each way, the folder of its run and its settings.
        force: mine again what is finished.
        retry_failed: try again what failed in an earlier run.
        workers: processes that mine, on this machine; on another one for each process of the runner.
        beam_options: Beam's own; without any, no graph is built.
        tick: called while it lasts.

    Raises:
        Exception: as `runner.run` does.
    """
    dask = is_dask(beam_options)
    children = workers if is_local(beam_options) and not dask else 1
    planned = plan(
        catalog, found, ways, force=force, retry_failed=retry_failed, children=children, is_here=not beam_options
    )
    for folder, _ in ways:
        progress.begin(folder)
    with progress.followed(ways[-1][0], tick), shared_pool.kept():
        try:
            if beam_options:
                from mixprior.pipeline.graphs.extract import ExtractRun

                # One process, with children, unless Dask is to start several.
                runner.run(ExtractRun(catalog.catalog, planned, len(found)), beam_options, workers if dask else 1, tick)
            else:
                _extract_here(found, planned)
        except BaseException:
            shared_pool.close()
            raise


def plan(
    catalog: RunFolder,
    found: SongList,
    ways: Sequence[tuple[RunFolder, MiningSettings]],
    *,
    force: bool,
    retry_failed: bool,
    children: int,
    is_here: bool,
) -> list[Way]:
    """Write what workers read of a run, the list of songs and how they are measured; return how they are mined.

    Args:
        catalog: as `extract_songs` takes it, as are those not named here.
        found: the songs.
        ways: folders and settings.
        force: mine again what is finished.
        retry_failed: try again what failed in an earlier run.
        children: processes that mine, below each process of a runner.
        is_here: whether one process mines all, without a graph.
    """
    files.write_bytes(catalog.catalog, found.content)
    for folder, settings in ways:
        for has_stems in sorted(found.has_stems):
            provenance = json.dumps(settings.provenance(has_stems), indent=2, sort_keys=True)
            files.write_bytes(folder.settings(settings.feature_key(has_stems)), provenance.encode())
        if force:
            files.remove_folder(folder.made)
    part_songs = packing.songs_a_part(len(found), is_here=is_here)
    return [Way(folder, settings, force, retry_failed, children, part_songs) for folder, settings in ways]


def _extract_here(found: SongList, ways: Sequence[Way]) -> None:
    with runner.continuable():
        for way in ways:
            songs.write(way.folder, stream.outcomes(found, way), songs.shards_for(len(found)))
