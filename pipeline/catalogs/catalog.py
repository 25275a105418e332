"""Catalogs: the songs of a file, a folder or a manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain

from mixprior.pipeline.catalogs import manifest, song_folder
from mixprior.pipeline.store import sources
from mixprior.pipeline.store.file_names import AUDIO_SUFFIXES
from mixprior.pipeline.store.records import InputError, Song

_LOOKED_FOR = (
    f"audio files ({' '.join(AUDIO_SUFFIXES)} {song_folder.STEM_FILE_SUFFIX}) "
    "and folders of stems (vocals, drums, bass, other)"
)


def open_catalog(location: str) -> Iterator[Song]:
    """Yield the songs of a catalog, without opening them.

    Args:
        location: a local path or an fsspec URL (`gs://`, `s3://`) of an audio file, of a folder that is searched with
            its subfolders for audio files and folders of stems, or of a manifest (`pipeline.catalogs.manifest.songs`).

    Raises:
        InputError: at once, if the location does not exist, holds no song, or is a faulty manifest.
    """
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
