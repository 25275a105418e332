"""MTG-Jamendo: whole songs as MP3, tagged by their uploaders.

Layout and columns: Bogdanov, Won, Tovstogan, Porter, Serra, "The MTG-Jamendo Dataset for Automatic Music Tagging",
ML4MD 2019, and the project MTG/mtg-jamendo-dataset (README, `data/autotagging.tsv`, `data/raw.meta.tsv`). The tables
are split at tabs only: quotation marks in them are text. A row of `autotagging.tsv` has one cell for each tag.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mixprior.pipeline.catalogs.datasets.dataset import Track, lines, need_file, year_of
from mixprior.pipeline.store.records import InputError

_ORIGIN = "the folder data of the project MTG/mtg-jamendo-dataset"
_AUDIO_FOLDERS = ("raw_30s/audio", "audio", ".", "raw_30s/audio-low", "audio-low")
"""Where the downloader, or its users, unpack the numbered folders; the full quality first."""

_LOW = ".low.mp3"
_TAGS_FROM = 5
_META_COLUMNS = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "TRACK_NAME", "ARTIST_NAME", "ALBUM_NAME", "RELEASEDATE", "URL"]


def tracks(root: Path) -> list[Track]:
    """Return the tracks of `autotagging.tsv`.

    `genre` is the genre tag where there is one only, `genres` are all; `moods` and `instruments` likewise. `split` is
    that of split-0. `quality` is "low" where the file is of the mono `audio-low` variant: its panning and its
    high frequencies are results of the encoder. Without `raw.meta.tsv` title, artist and year are null.

    Raises:
        InputError: if there is no `autotagging.tsv`, or a file of metadata cannot be read.
    """
    table = need_file(root, ("data/autotagging.tsv", "autotagging.tsv"), _ORIGIN)
    folders = [root / name for name in _AUDIO_FOLDERS if _holds_audio(root / name)] or [root / _AUDIO_FOLDERS[0]]
    names = _names(table.parent / "raw.meta.tsv")
    splits = _splits(table.parent / "splits" / "split-0")
    found = []
    for track_id, artist_id, _, path, _, *tags in _rows(table):
        title, artist, year = names.get(track_id, (None, None, None))
        genres = _tagged(tags, "genre")
        file = _file(folders, path)
        metadata = {
            "track_id": track_id,
            "title": title,
            "artist": artist,
            "artist_id": artist_id,
            "genre": genres[0] if len(genres) == 1 else None,
            "genres": ", ".join(genres) or None,
            "moods": ", ".join(_tagged(tags, "mood/theme")) or None,
            "instruments": ", ".join(_tagged(tags, "instrument")) or None,
            "year": year,
            "split": splits.get(track_id),
            "quality": "low" if file.name.endswith(_LOW) else "full",
        }
        found.append(Track(file, metadata))
    return found


def _holds_audio(folder: Path) -> bool:
    """Whether a folder holds one of the folders 00 to 99, named after the last digits of the tracks in it."""
    return any((folder / f"{number:02}").is_dir() for number in range(100))


def _file(folders: list[Path], path: str) -> Path:
    """Return the path of a track; the expected path if it does not exist."""
    low = path.removesuffix(".mp3") + _LOW
    places = [folder / name for folder in folders for name in (path, low)]
    expected = places[1] if folders[0].name == "audio-low" else places[0]
    return next((place for place in places if place.is_file()), expected)


def _rows(path: Path) -> Iterator[list[str]]:
    rows = (line.rstrip("\r\n").split("\t") for line in lines(path))
    if next(rows, [])[:_TAGS_FROM] != ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION"]:
        raise InputError(f"{path} is no table of MTG-Jamendo: its first line does not begin TRACK_ID, ARTIST_ID, ...")
    for number, row in enumerate(rows, 2):
        if len(row) < _TAGS_FROM:
            raise InputError(f"{path}, line {number}: {len(row)} cells; if it was cut short, fetch it again")
        yield row


def _names(path: Path) -> dict[str, tuple[str | None, str | None, int | None]]:
    """Return title, artist and year of release by track."""
    if not path.is_file():
        return {}
    rows = (line.rstrip("\r\n").split("\t") for line in lines(path))
    if next(rows, []) != _META_COLUMNS:
        raise InputError(f"{path} is no table of MTG-Jamendo: its first line is not {', '.join(_META_COLUMNS)}")
    # Counted from the end: two titles of the published table are followed by an empty cell too many.
    return {
        row[0]: (row[3] or None, row[-4] or None, year_of(row[-2])) for row in rows if len(row) >= len(_META_COLUMNS)
    }


def _splits(folder: Path) -> dict[str, str]:
    return {
        row[0]: name
        for name in ("train", "validation", "test")
        if (folder / f"autotagging-{name}.tsv").is_file()
        for row in _rows(folder / f"autotagging-{name}.tsv")
    }


def _tagged(tags: list[str], category: str) -> list[str]:
    """Return the tags of a category.

    >>> _tagged(["genre---pop", "genre---rock", "mood/theme---calm"], "genre")
    ['pop', 'rock']
    """
    return [tag.removeprefix(f"{category}---") for tag in tags if tag.startswith(f"{category}---")]
