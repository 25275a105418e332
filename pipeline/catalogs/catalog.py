"""Catalogs: the songs of a file, a folder or a manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from mixprior.pipeline.catalogs import manifest, song_folder
from mixprior.pipeline.catalogs.datasets.dataset import DATASETS, tracks_of
from mixprior.pipeline.store import sources
from mixprior.pipeline.store.file_names import AUDIO_SUFFIXES, STEM_FILE_SUFFIX
from mixprior.pipeline.store.records import InputError, Song

_LOOKED_FOR = (
    f"audio files ({' '.join(AUDIO_SUFFIXES)} {STEM_FILE_SUFFIX}) and folders of stems (vocals, drums, bass, other)"
)


def open_catalog(location: str) -> Iterator[Song]:
    """Yield the songs of a catalog, without opening them.

    Args:
        location: a local path or an fsspec URL (`gs://`, `s3://`) of an audio file, of a folder that is searched with
            its subfolders for audio files and folders of stems, or of a manifest (`pipeline.catalogs.manifest.songs`);
            or `NAME:FOLDER`, a published dataset (`datasets.dataset.DATASETS`) and where it was unpacked.

    Raises:
        InputError: at once, if the location does not exist, holds no song, or is a faulty manifest.
    """
    name, colon, folder = location.partition(":")
    if colon and name in DATASETS and not sources.is_remote(location) and not os.path.exists(location):
        return _of_dataset(name, Path(os.path.abspath(os.path.expanduser(folder))))
    if not sources.is_remote(location):
        location = os.path.abspath(os.path.expanduser(sources.local_path(location)))
    location = location.rstrip("/") or "/"
    if sources.is_folder(location):
        songs = song_folder.songs(location)
        nothing = f"{location} holds no songs: looked for {_LOOKED_FOR}, here and below"
    elif not sources.is_file(location):
        raise InputError(f"{location} is neither a file nor a folder")
    elif manifest.is_manifest(location):
        songs = manifest.songs(location)
        nothing = f"{location} lists no songs"
    elif song_folder.is_audio(location):
        return iter([Song(location)])
    else:
        raise InputError(f"{location} is neither a manifest (.csv .jsonl .ndjson .parquet) nor an audio file")
    first = next(songs, None)
    if first is None:
        raise InputError(nothing)
    return chain([first], songs)


def open_catalogs(catalog: str | Path | Sequence[str | Path]) -> Iterator[Song]:
    """Yield the songs of a catalog, or of several, one after the other, as `open_catalog` does.

    Versions of remote files that were known before are forgotten: these are the songs as they are now.
    """
    sources.forget_versions()
    locations = [catalog] if isinstance(catalog, str | Path) else catalog
    return chain.from_iterable(open_catalog(str(location)) for location in locations)


def _of_dataset(name: str, root: Path) -> Iterator[Song]:
    """Return the songs of a dataset all of whose files are there: parts of large ones are used alone."""
    tracks = tracks_of(name, root)
    songs = [
        Song(
            str(track.path),
            tuple((stem, str(path)) for stem, path in sorted(track.stems.items())),
            None if track.mixture is None else str(track.mixture),
            (("dataset", name), *track.metadata.items()),
        )
        for track in tracks
        if all(file.is_file() for file in track.files)
    ]
    if not songs:
        raise InputError(f"{root} holds no complete song of {name}; its metadata names {len(tracks)}")
    return iter(songs)
