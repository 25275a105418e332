"""Songs in a folder tree: audio files, `.stem.mp4` files, and folders that hold the stems of one song."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mixprior.pipeline.store import sources
from mixprior.pipeline.store.file_names import AUDIO_SUFFIXES, BACKINGS, MIXTURE, STEMS, VOCALS
from mixprior.pipeline.store.records import InputError, Song

STEM_FILE_SUFFIX = ".stem.mp4"

_OWN_MIX_RECIPES = ("mix.mix.json", "mix.json")


def is_audio(name: str) -> bool:
    """Whether a file counts as audio by its name.

    >>> is_audio("Song.FLAC"), is_audio("song.stem.mp4"), is_audio("cover.jpg")
    (True, True, False)
    """
    return name.lower().endswith(AUDIO_SUFFIXES) or name.endswith(STEM_FILE_SUFFIX)


def songs(folder: str) -> Iterator[Song]:
    """Yield the songs in a folder and below it, in the order of their paths.

    Names that begin with a dot are skipped, and so are mixes that mixprior wrote. Links to folders are not followed.

    Raises:
        InputError: if a link leads out of the folder, or a name is not UTF-8.
    """
    return _walk(folder, folder)


def _walk(folder: str, root: str) -> Iterator[Song]:
    listed = [entry for entry in sources.entries(folder) if not entry[0].startswith(".")]
    names = [name for name, _ in listed]
    _refuse_odd_bytes(folder, names)
    refuse_links_out(folder, names, root)
    files = [name for name, is_folder in listed if not is_folder]
    song = stem_song(folder, files)
    if song is not None:
        yield song
    passed_over = song is not None or any(recipe in files for recipe in _OWN_MIX_RECIPES)
    for name, is_folder in listed:
        if is_folder:
            yield from _walk(f"{folder}/{name}", root)
        elif is_audio(name) and not passed_over and f"{name.rpartition('.')[0]}.mix.json" not in files:
            yield Song(f"{folder}/{name}")


def refuse_links_out(folder: str, names: Sequence[str], root: str) -> None:
    """Raise `InputError` if an audio file or a folder among the names is a link that leads out of the root."""
    for name in names:
        path = f"{folder}/{name}"
        if sources.is_link(path) and (is_audio(name) or sources.is_folder(path)) and sources.leads_out(path, root):
            raise InputError(f"{path} links to a file outside {root}; list its target in a manifest instead")


def stem_song(folder: str, files: Sequence[str]) -> Song | None:
    """Return the song whose stems a folder holds, named as in MUSDB18 and by Demucs; None if it holds none.

    It does if there are vocals and another stem, a mixture, or the backing (`no_vocals` of Demucs' `--two-stems`,
    `accompaniment` of Spleeter). The backing is a stem, called "backing", only where there is no other stem besides
    the vocals: then vocals and backing add up to the song.

    Args:
        folder: path of the folder.
        files: names of its files.
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
    return Song(folder, tuple(sorted(stems.items())), mixture)


def _refuse_odd_bytes(folder: str, names: Sequence[str]) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{folder} holds a name that is not UTF-8: {name!r}; rename it") from error
