"""Songs in a folder tree: audio files, `.stem.mp4` files, and folders that hold the stems of one song."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mixprior.pipeline.store import sources
from mixprior.pipeline.store.file_names import AUDIO_SUFFIXES, BACKINGS, MIXTURE, STEMS, VOCALS, is_stem_file
from mixprior.pipeline.store.records import InputError, Song

_OWN_MIX_RECIPES = ("mix.mix.json", "mix.json")


def is_audio(name: str) -> bool:
    """Whether a file counts as audio by its name.

    >>> is_audio("Song.FLAC"), is_audio("song.stem.mp4"), is_audio("cover.jpg")
    (True, True, False)
    """
    return name.lower().endswith(AUDIO_SUFFIXES) or is_stem_file(name)


def songs(folder: str) -> Iterator[Song]:
    """Yield the songs in a folder and below it, in the order of their paths.

    Names that begin with a dot are skipped, and so are mixes that mixprior wrote. Links to folders are not followed. A
    folder below that cannot be listed is yielded as a song: it fails with the reason, and ends nothing else. So does a
    link that leads out of the folder.

    Raises:
        InputError: if the folder itself cannot be listed.
    """
    ahead = [_songs_and_folders(folder, sources.entries(folder), folder)]
    while ahead:  # a stack, not recursion: folders may be nested deeper than Python calls
        found = next(ahead[-1], None)
        if found is None:
            ahead.pop()
        elif isinstance(found, Song):
            yield found
        else:
            try:
                listed = sources.entries(found)
            except InputError:
                yield Song(found, root=folder)
            else:
                ahead.append(_songs_and_folders(found, listed, folder))


def _songs_and_folders(folder: str, entries: Sequence[tuple[str, bool]], root: str) -> Iterator[Song | str]:
    """Yield the songs of one folder, and the paths of the folders in it, in the order of their names."""
    listed = [entry for entry in entries if not entry[0].startswith(".")]
    files = [name for name, is_folder in listed if not is_folder]
    song = stem_song(folder, files, root)
    if song is not None:
        yield song
    names = frozenset(files)
    passed_over = song is not None or any(recipe in names for recipe in _OWN_MIX_RECIPES)
    for name, is_folder in listed:
        path = f"{folder}/{name}"
        if is_folder:
            yield path
        elif (
            is_audio(name)
            and not passed_over
            and f"{name.rpartition('.')[0]}.mix.json" not in names
            and not (sources.is_link(path) and sources.is_folder(path))
        ):
            yield Song(path, root=root)


def stem_song(folder: str, files: Sequence[str], root: str | None = None) -> Song | None:
    """Return the song whose stems a folder holds, named as in MUSDB18 and by Demucs; None if it holds none.

    It does if there are vocals and another stem, a mixture, or the backing (`no_vocals` of Demucs' `--two-stems`,
    `accompaniment` of Spleeter). The backing is a stem, called "backing", only where there is no other stem besides
    the vocals: then vocals and backing add up to the song.

    Args:
        folder: path of the folder.
        files: names of its files.
        root: of the catalog (`Song.root`).
    """
    found: dict[str, str] = {}
    for suffix in AUDIO_SUFFIXES:
        for file in files:
            if file.lower().endswith(suffix):
                found.setdefault(file[: -len(suffix)].lower(), f"{folder}/{file}")
    stems = {name: found[name] for name in STEMS if name in found}
    backing = next((found[name] for name in BACKINGS if name in found), None)
    if len(stems) == 1 and backing:
        stems["backing"] = backing
    mixture = found.get(MIXTURE)
    if VOCALS not in stems or (len(stems) == 1 and mixture is None):
        return None
    return Song(folder, tuple(sorted(stems.items())), mixture, root=root)
